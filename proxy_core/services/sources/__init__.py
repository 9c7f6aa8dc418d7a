"""Vaults that an external store backs: read again and again, never written there.

hashicorp    one secret of HashiCorp Vault's KV engine, version 2
sources      set, remove, poll, carry over
"""
