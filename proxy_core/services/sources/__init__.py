"""Vaults that an external store backs: read again and again, never written there.

answers          what the readers of all stores share
hashicorp        one secret of HashiCorp Vault's KV engine, version 2
infisical        a folder of an Infisical environment, with imports and folders below if wanted
infisical_list   which value a name has there
settings         which store, and what opens it
tokens           what stores are opened with for a while
sources          set, remove, poll, carry over
"""
