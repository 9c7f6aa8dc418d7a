"""From options to the `auth` of a service document."""

import pytest

from proxy_core.domain.auth_document import parse_auth
from proxy_core.domain.service import AuthType
from vault_tui.cli.failures import Usage
from vault_tui.cli.services.auth_options import OPTIONS, TYPES, auth_document


@pytest.mark.parametrize(
    ("kind", "given", "headers", "document"),
    [
        ("bearer", {"token": "T"}, (), {"token": "T"}),
        ("basic", {"username": "U", "password": "P"}, (), {"username": "U", "password": "P"}),
        (
            "api-key",
            {"key": "K", "prefix": "Key "},
            ["X-Api-Key"],
            {"key": "K", "header": "X-Api-Key", "prefix": "Key "},
        ),
        ("custom", {}, ["X-A: {{ A }}", "X-B:b"], {"headers": {"X-A": "{{ A }}", "X-B": "b"}}),
        ("passthrough", {}, (), {}),
        (
            "aws-sigv4",
            {"access-key-id": "I", "secret-access-key": "S", "aws-service": "s3"},
            (),
            {"access_key_id": "I", "secret_access_key": "S", "service": "s3"},
        ),
        (
            "aws-sigv4",
            {
                "access-key-id": "I",
                "secret-access-key": "S",
                "role-arn": "arn:aws:iam::123456789012:role/a",
                "external-id": "acme",
                "session-name": "agents",
                "duration": 900,
            },
            (),
            {
                "access_key_id": "I",
                "secret_access_key": "S",
                "role_arn": "arn:aws:iam::123456789012:role/a",
                "external_id": "acme",
                "session_name": "agents",
                "duration": 900,
            },
        ),
        ("gcp", {"key": "K", "scope": "s"}, (), {"key": "K", "scope": "s"}),
        ("azure", {"key": "K"}, (), {"key": "K"}),
        (
            "azure",
            {"tenant": "t", "client-id": "c", "client-secret": "S"},
            (),
            {"tenant": "t", "client_id": "c", "client_secret": "S"},
        ),
        (
            "github-app",
            {"app-id": "1", "installation-id": "2", "private-key": "K"},
            (),
            {"app_id": "1", "installation_id": "2", "private_key": "K"},
        ),
    ],
)
def test_each_auth_type_has_its_document(
    kind: str, given: dict[str, str | int], headers: list[str], document: dict[str, object]
) -> None:
    """The options of a type become the document's fields, and the worker takes them."""
    made = auth_document(kind, given, headers)
    assert made == {"type": kind, **document}
    assert parse_auth(made, "auth").type == kind


@pytest.mark.parametrize(
    ("kind", "given", "headers"),
    [
        ("bearer", {}, ()),
        ("bearer", {"token": "T", "key": "K"}, ()),
        ("passthrough", {"token": "T"}, ()),
        ("api-key", {"key": "K"}, ["A", "B"]),
        ("custom", {}, ["no colon"]),
        ("aws-sigv4", {"access-key-id": "I"}, ()),
    ],
)
def test_options_of_another_type_are_refused(
    kind: str, given: dict[str, str], headers: list[str]
) -> None:
    """An option is never ignored, and none that is needed is left out."""
    with pytest.raises(Usage):
        auth_document(kind, given, headers)


def test_every_type_of_the_service_document_has_its_options() -> None:
    """And no option is of no type."""
    assert set(TYPES) == {str(kind) for kind in AuthType}
    taken = {name for takes in TYPES.values() for name in takes.needs + takes.may}
    assert taken - {"header"} == set(OPTIONS)
