"""Claude Code's gateway protocol: signing in by a device code, and what it is given then.

answers      which paths it speaks, and their answers
nowhere      what is said where it is not spoken
requests     devices that wait to be approved: in the database, bounded
pace         how often they may ask
devices      what operators do: approve, deny, see, revoke
tokens       of those that were approved: first, refreshed, ended
settings     the managed settings of a vault
page         what a person's browser is shown
"""
