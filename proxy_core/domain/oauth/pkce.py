"""Proof Key for Code Exchange (RFC 7636), method S256; `plain` is never used."""

import base64
import hashlib

METHOD = "S256"


def challenge(verifier: str) -> str:
    """The code challenge for a verifier of 43 to 128 unreserved characters."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
