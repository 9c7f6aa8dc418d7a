"""Who did what: the audit.

acting     who acts now, set at the API's edge, seen by the transactions of that call
wording    from the rows that a transaction has changed to deeds in the field's words
trail      writes deeds into the chain, in the transaction that does them
refusals   what was refused, gathered, because asking for it must not fill the database
auditing   reading, verifying and pruning
"""
