"""Claude Code's gateway protocol: signing in by a device code, and what it is given then.

answers      which paths it speaks, and their answers
requests     devices that wait to be approved: in memory, bounded
devices      those that were approved, and their tokens
settings     the managed settings of a vault
page         what a person's browser is shown
"""
