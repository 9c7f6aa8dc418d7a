"""Keeping in step with other workers that share the database.

follower             hears what they changed, and passes events on
reloading            what is read again for what was touched
contents, bearers    vaults; agents and sessions
"""
