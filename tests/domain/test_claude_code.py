"""What Claude Code needs of a vault."""

from proxy_core.domain.claude_code import missing_services, stronger_variables
from proxy_core.domain.service_document import parse_services

HOSTS = ["api.anthropic.com", "platform.claude.com", "mcp-proxy.anthropic.com"]


def test_an_empty_vault_lacks_all_of_its_services() -> None:
    """Each injects the pool's token; logins at the platform are captured."""
    documents = missing_services([])
    services = parse_services(documents)
    assert [service.host for service in services] == HOSTS
    assert {service.auth.token for service in services} == {"ANTHROPIC"}
    assert [service.capture for service in services] == [False, True, False]
    assert missing_services(documents) == []


def test_what_an_operator_has_set_up_stays() -> None:
    """A service that covers a host is enough; a name that is taken is left alone."""
    own = {"name": "mine", "host": "api.anthropic.com", "auth": {"type": "passthrough"}}
    assert [one["host"] for one in missing_services([own])] == HOSTS[1:]
    other = {"name": "anthropic-api", "host": "x.example", "auth": {"type": "passthrough"}}
    first, *rest = missing_services([other])
    assert (first["host"], "name" in first) == (HOSTS[0], False)
    assert all("name" in one for one in rest)


def test_variables_that_win_over_the_placeholder() -> None:
    """Those that are set to something."""
    found = stronger_variables({"ANTHROPIC_API_KEY": "x", "ANTHROPIC_AUTH_TOKEN": "", "PATH": "/"})
    assert found == ["ANTHROPIC_API_KEY"]
