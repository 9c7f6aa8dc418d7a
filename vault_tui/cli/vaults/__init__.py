"""Vaults, their credentials, and where values come from."""
