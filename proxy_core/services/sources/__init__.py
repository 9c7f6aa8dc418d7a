"""Vaults that an external store backs: read again and again, never written there.

answers      what the readers of all stores share
hashicorp    one secret of HashiCorp Vault's KV engine, version 2
infisical    one folder of an Infisical environment
settings     which store, and what opens it
sources      set, remove, poll, carry over
"""
