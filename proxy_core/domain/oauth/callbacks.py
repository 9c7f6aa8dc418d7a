"""What comes back from an authorization page: a code to exchange, or a refusal."""

from typing import NamedTuple


class Callback(NamedTuple):
    """A code and the state it came with; the state is empty if the text had none."""

    code: str
    state: str

    def __repr__(self) -> str:
        return "Callback(...)"


def parse_callback(text: str) -> Callback:
    """The code in what an operator pasted or a browser asked for: a bare code, `code#state`, a
    query, or the whole callback URL.

    Raises TokenError (final) when the provider refused, VaultError bad_request for anything else.
    """
    raise NotImplementedError
