"""The approval page in a real browser: policy, cookies and forms as it takes them."""

from collections.abc import Iterator

import pytest

from proxy_core.client import calls
from tests.worker.agreeing_provider import AgreeingProvider
from tests.worker.chromium import Tab, chromium
from tests.worker.harness import PASSWORD, ThreadedWorker
from tests.worker.test_approving import OWNER, raised, stands

pytestmark = pytest.mark.xdist_group("chromium")

PHONES = ((390, 844), (320, 568))
UNFIT = """
(() => {
  const width = document.documentElement.clientWidth, found = [];
  for (const one of document.querySelectorAll('body *')) {
    const box = one.getBoundingClientRect();
    if (!box.width) continue;
    if (box.left < 0 || box.right > width + 1) found.push(['outside', one.outerHTML]);
    const scrolls = one.matches('input') || getComputedStyle(one).display === 'inline';
    if (!scrolls && one.scrollWidth > one.clientWidth + 1) found.push(['cut', one.outerHTML]);
    const touched = one.matches('a, button, summary, textarea, input:not([type=hidden])');
    if (touched && Math.min(box.width, box.height) < 44) found.push(['small', one.outerHTML]);
  }
  return found;
})()
"""
"""What does not fit on the screen, is cut at its side, or is too small for a finger."""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker with an owner, whose providers may be on this machine."""
    home = tmp_path_factory.mktemp("chromium") / "home"
    running = ThreadedWorker(home, allow_http_token_urls=True).start()
    running.init()
    running.add_user(OWNER, "owner")
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
    tab.requests.clear()
    tab.errors.clear()
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


def test_on_a_phone(worker: ThreadedWorker, tab: Tab) -> None:
    """Nothing scrolls sideways, is cut or is too small to touch, whatever an agent wrote."""
    endless = "x" * 5000
    slot = {"key": "KEY", "description": "d" * 500, "obtain": "o" * 500, "value": "known"}
    auth = {"type": "bearer", "token": "KEY"}
    rules = [{"action": "deny", "methods": ["DELETE"], "path": "/" + "p" * 200}]
    service = {"name": "n" * 40, "host": f"{'h' * 60}.example.com", "auth": auth, "rules": rules}
    oauth = {
        "authorization_url": f"https://sign.example.com/{'a' * 300}",
        "token_url": "https://sign.example.com/token",
        "client_id": "c" * 200,
    }
    path = raised(
        worker,
        "phones",
        services=[service],
        credentials=[{**slot, "obtain_instructions": "i" * 1000}],
        user_message=endless,
        message="\n".join(["m" * 300] * 6),
    )
    login = raised(worker, "phones", credentials=[{"key": "STRIPE_KEY", "oauth": oauth}])
    sign_in(tab, worker, path)
    for width, height in PHONES:
        tab.resize(width, height)
        for shown in (path, login):
            tab.open(f"http://{worker.api}{shown}")
            assert tab.ask(UNFIT) == []
    tab.click("form[action$='connect'] button")
    assert "Sign in at" in tab.html
    assert tab.ask(UNFIT) == []
    tab.click("form[action$='sign-out'] button")
    assert tab.ask(UNFIT) == []


def test_a_login_leads_back(worker: ThreadedWorker, tab: Tab) -> None:
    """To another site and back, with the cookie that is kept from other sites, and no script."""
    tab.switch_scripts_off()
    with AgreeingProvider() as provider:
        path = raised(worker, "logged-in", credentials=[provider.slot("STRIPE_KEY")])
        sign_in(tab, worker, path)
        tab.click("form[action$='connect'] button")
        tab.click("a[rel=noreferrer]", pages=2)
        assert "Connected." in tab.html
        assert f"<bdi>{OWNER}</bdi>" in tab.html
        tab.type("input[name='typed.0']", "STRIPE_KEY")
        tab.click(".allow button")
    assert stands(worker, "logged-in").status == "applied"
    assert not [text for text in tab.errors if "favicon" not in text]
