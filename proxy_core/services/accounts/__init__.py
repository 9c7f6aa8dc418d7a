"""Accounts and pools: what is configured, what is known of their quota, which one serves.

roster.py      what is configured, as an immutable value that changes replace
lives.py       what is known of each account: quota, rest, requests under way
sticky.py      which conversation keeps which account
switches.py    the latest choices, with their reasons
pool_lender.py lends access tokens to requests, and takes the next account after a refusal
keeping.py     loads all of that, and stores it now and then
polling.py     asks the provider for the quota of accounts that nobody uses
admin.py, adding.py, pools.py   what operators do
"""
