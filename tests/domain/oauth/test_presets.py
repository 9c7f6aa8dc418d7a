"""Ready configurations, and finding one by the endpoints that somebody else has named."""

import pytest

from proxy_core.domain.oauth import preset_at, presets


@pytest.mark.parametrize("one", presets(), ids=lambda one: one.id)
def test_each_is_found_by_its_endpoints(one):
    """By both, and by where its tokens come from alone."""
    client = one.client
    assert preset_at(client.token_url, client.authorization_url) is one
    assert preset_at(client.token_url) is one


def test_another_address_of_the_page_is_the_same_provider():
    """Providers keep older ones."""
    token_url = "https://oauth2.googleapis.com/token"
    found = preset_at(token_url, "https://Accounts.Google.com/o/oauth2/auth")
    assert found is not None
    assert found.id == "google"


@pytest.mark.parametrize(
    ("token_url", "page"),
    [
        ("https://gitlab.com/oauth/token", "https://evil.example/oauth/authorize"),
        ("https://gitlab.com/oauth/token", "http://gitlab.com/oauth/authorize"),
        ("https://gitlab.com/oauth/token", "https://gitlab.com@evil.example/oauth/authorize"),
        ("https://evil.example/oauth/token", "https://gitlab.com/oauth/authorize"),
        ("https://gitlab.com/evil/oauth/token", "https://gitlab.com/oauth/authorize"),
        ("https://gitlab.com/oauth/token", "https://[oauth"),
        (
            "https://login.microsoftonline.com/a-tenant/oauth2/v2.0/token",
            "https://login.microsoftonline.com/a-tenant/oauth2/v2.0/authorize",
        ),
        ("", ""),
    ],
)
def test_nothing_else_goes_by_a_providers_name(token_url, page):
    """A page elsewhere, tokens from elsewhere, or from a place of its own at the provider."""
    assert preset_at(token_url, page) is None
