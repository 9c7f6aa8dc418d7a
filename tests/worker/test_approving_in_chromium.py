"""The approval page in a real browser: policy, cookies and forms as it takes them."""

from collections.abc import Iterator

import pytest

from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.services.principal import operator
from tests.worker.chromium import Tab, chromium
from tests.worker.harness import ThreadedWorker
from tests.worker.test_approving import OWNER, PASSWORD, in_worker, raised, stands

pytestmark = pytest.mark.xdist_group("chromium")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker with an owner."""
    running = ThreadedWorker(tmp_path_factory.mktemp("chromium") / "home").start()
    running.init()
    wanted = wire.CreateUser(email=OWNER, password=PASSWORD, role="owner")
    in_worker(running, running.running.app.users.admin.create(wanted, operator("me")))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    """One browser for the module."""
    with chromium() as opened:
        yield opened


def sign_in(tab: Tab, worker: ThreadedWorker, path: str) -> None:
    """Open a proposal's page and sign in there, if that is still to be done."""
    tab.open(f"http://{worker.api}{path}")
    if "Sign in to decide" in tab.html:
        tab.type("#email", OWNER)
        tab.type("#password", PASSWORD)
        tab.click("form[action$='sign-in'] button")


def test_allowing_without_scripts(worker: ThreadedWorker, tab: Tab) -> None:
    """Signing in, giving the value and allowing: with scripts off, and nothing else is loaded."""
    tab.switch_scripts_off()
    sign_in(tab, worker, raised(worker, "allowed", user_message="<img src=http://evil.test/x>"))
    assert "&lt;img src=http://evil.test/x&gt;" in tab.html
    tab.type("input[name='value.STRIPE_KEY']", "sk_live_2")
    tab.click(".allow button")
    assert f"Allowed by user {OWNER}" in tab.html
    assert stands(worker, "allowed").status == "applied"
    found = worker.client().send(calls.credentials("allowed", reveal=True)).credentials
    assert found is not None
    assert [(one.key, one.value) for one in found] == [("STRIPE_KEY", "sk_live_2")]
    assert all(url.startswith((f"http://{worker.api}/", "about:")) for url in tab.requests)
    assert not [text for text in tab.errors if "favicon" not in text]


def test_denying_with_a_reason(worker: ThreadedWorker, tab: Tab) -> None:
    """The browser's own line ends arrive as one each; loading again sends nothing twice."""
    sign_in(tab, worker, raised(worker, "refused"))
    tab.type("#reason", "Not now.\nAsk on Monday.")
    tab.click(".deny button")
    assert f"Denied by user {OWNER}" in tab.html
    assert stands(worker, "refused").review_note == "Not now.\nAsk on Monday."


def test_a_link_from_another_site(worker: ThreadedWorker, tab: Tab) -> None:
    """It arrives signed in, though the browser keeps the cookie from other sites."""
    path = raised(worker, "linked")
    sign_in(tab, worker, path)
    tab.open(f"data:text/html,<a href='http://{worker.api}{path}'>look</a>")
    tab.click("a", pages=2)
    assert f"<bdi>{OWNER}</bdi>" in tab.html
    assert "Sign in to decide" not in tab.html
