"""Accounts of a provider, their quota, and which of them serves a request. Rules only.

account.py     an account's state and names
windows.py     quota windows: how much is used, and until when
headers.py     windows from the header fields of responses
usage.py       windows from the provider's usage document
burning.py     how fast a window is used up
cooling.py     how long an account rests after a refusal
models.py      which windows limit which model
strategies.py  the order in which a pool's accounts are taken
choice.py      pinned, sticky or by strategy: one account, with the reason in words
requests.py    a request's model and conversation
responses.py   whether a response refuses the account
"""
