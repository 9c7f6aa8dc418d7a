"""Which refusals say that asking again is of no use."""

import pytest

from proxy_core.domain.refusals import final_fields

NO_USE, NOT_SOON = (b"x-should-retry", b"false"), (b"Retry-After", b"300")


@pytest.mark.parametrize(
    ("host", "status", "at_gateway", "said"),
    [
        ("api.anthropic.com", 401, True, (NO_USE, NOT_SOON)),
        ("api.anthropic.com", 403, False, (NO_USE,)),
        ("api.anthropic.com", 429, True, ()),
        ("bedrock-runtime.eu-west-1.amazonaws.com", 403, False, (NOT_SOON,)),
        ("bedrock-runtime.eu-west-1.amazonaws.com", 401, False, ()),
        ("s3.eu-west-1.amazonaws.com", 403, False, ()),
        ("aiplatform.googleapis.com", 403, False, ()),
        ("anthropic.com.example", 401, True, ()),
    ],
)
def test_refusals(
    host: str, status: int, at_gateway: bool, said: tuple[tuple[bytes, bytes], ...]
) -> None:
    """Anthropic's, and Bedrock's 403; the time to wait where Claude Code would not end before."""
    assert final_fields(host, status, at_gateway=at_gateway) == said
