"""Who did what: the audit.

acting       who acts now, set at the API's edge, seen by the transactions of that call
wording      from the rows that a transaction has changed to deeds in the field's words
names        what the ids in rows stand for, of deleted ones too
differences  a row's values before and after, as far as they may be shown
trail        writes deeds into the chain, in the transaction that does them
refusals     what was refused, gathered, because asking for it must not fill the database
auditing     reading, verifying and pruning
"""
