"""The terminal: the Textual console and the vault-tui command line."""
