"""Additional authenticated data: ties a ciphertext to the one place where it may stand."""

from functools import lru_cache


def aad(vault_id: str, table: str, row_id: str, column: str) -> bytes:
    """Name a sealed column's place; a blob that was moved elsewhere fails authentication.

    `vault_id` is empty for what belongs to no vault. Every field is preceded by its length, so
    that no two places share a spelling. The sealer adds its key's version (`of_key`).
    """
    return pack("place", vault_id, table, row_id, column)


@lru_cache(maxsize=1024)  # asked for with each request
def of_key(place: bytes, key_version: int) -> bytes:
    """The data to authenticate at a place, under one version of the key."""
    return place + pack(str(key_version))


def pack(*fields: str) -> bytes:
    """Join fields without ambiguity: each is a 4-byte big-endian length and UTF-8 text."""
    encoded = (text.encode() for text in fields)
    return b"".join(len(data).to_bytes(4, "big") + data for data in encoded)
