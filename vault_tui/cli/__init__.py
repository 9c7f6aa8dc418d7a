"""The vault-tui command line, one module a command group."""
