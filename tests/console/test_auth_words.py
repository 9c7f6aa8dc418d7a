"""The form of a service knows every auth type."""

import pytest

from proxy_core.domain.auth_document import parse_auth
from proxy_core.domain.service import AuthType
from vault_tui.service_words import AUTH_FIELDS, auth_line, auth_value
from vault_tui.strings import services as strings_services


@pytest.mark.parametrize("kind", AuthType)
def test_every_auth_type_can_be_filled_in(kind: AuthType) -> None:
    """It has a name, its fields have labels, and those that it needs make a valid document."""
    assert strings_services.AUTH_TYPES[kind.value].startswith(kind.value)
    assert all(name in strings_services.FORM_LABELS for name, _ in AUTH_FIELDS[kind])
    needed = {name: "KEY" for name, must in AUTH_FIELDS[kind] if must}
    if kind is AuthType.CUSTOM:
        needed["headers"] = {"X-Key": "{{ KEY }}"}  # type: ignore[assignment]
    if kind is AuthType.AZURE:
        needed["key"] = "KEY"  # one of two ways
    assert parse_auth({"type": kind.value, **needed}, "auth").type is kind


@pytest.mark.parametrize("text", ["900", "soon", "²", "-1", "1e3", "9" * 5000])
def test_a_number_that_is_none_is_left_to_the_document(text: str) -> None:
    """Which says what it wants; other fields stay texts."""
    assert auth_value("duration", text) == (900 if text == "900" else text)
    assert auth_value("session_name", text) == text


def test_the_line_of_an_auth_leaves_nothing_out() -> None:
    """Who decides about a change has to see it."""
    auth = {"type": "aws-sigv4", "role_arn": "arn:aws:iam::1:role/a", "duration": 900}
    assert auth_line({"auth": auth}) == "aws-sigv4 arn:aws:iam::1:role/a 900"
