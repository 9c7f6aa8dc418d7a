"""The service catalog."""

import pytest

from proxy_core.base.text import display_safe
from proxy_core.domain.catalog import templates
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.service_document import credential_keys, parse_service, parse_services
from proxy_core.domain.wire import Template


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.id)
def test_every_template_is_a_valid_service_with_its_keys(template: Template) -> None:
    """What the picker offers can be saved as it is."""
    service = parse_service(template.service)
    assert set(credential_keys(service)) == set(template.keys)
    assert service.enabled
    for text in (template.name, template.category, template.description, template.obtain):
        assert text
        assert display_safe(text) == text


def test_the_catalog_is_large_sorted_and_without_doubles() -> None:
    """Ids and service names are unique; the file's order is the order of the list."""
    listed = templates()
    assert len(listed) >= 40
    assert len({template.id for template in listed}) == len(listed)
    order = [(template.category.lower(), template.name.lower()) for template in listed]
    assert order == sorted(order)
    parse_services([template.service for template in listed])


def test_all_templates_together_do_not_hide_one_another() -> None:
    """In a vault that has them all, each is the winner for its own pattern."""
    services = parse_services([template.service for template in templates()])
    index = ServiceIndex(services)
    for service in services:
        host = service.host.replace("*", "some-name")
        assert index.match(host, 443, service.path.replace("*", "x") or "/") is service
