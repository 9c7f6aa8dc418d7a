"""Credentials that a command tells, as `op read …` does.

stored      a command as the snapshot has it, and whether it is approved
running     one run, told in words that hold no secret
values      what commands have printed, kept for a while; run again ahead of time, once at a time
lender      lends those values to requests
commands    the use cases: set, approve, test, show
"""
