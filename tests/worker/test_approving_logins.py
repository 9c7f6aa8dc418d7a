"""OAuth slots on the approval page: connected there, by a browser without scripts."""

import re
from collections.abc import Iterator
from html import unescape

import pytest

from proxy_core.client import calls
from tests.worker.agreeing_provider import AgreeingProvider
from tests.worker.browser import Browser, Page
from tests.worker.harness import PASSWORD, ThreadedWorker
from tests.worker.test_approving import raised, stands

KEY = "STRIPE_KEY"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker whose providers may be on this machine, with two users."""
    home = tmp_path_factory.mktemp("logins") / "home"
    running = ThreadedWorker(home, allow_http_token_urls=True).start()
    running.init()
    for name in ("ann", "bob"):
        running.add_user(name, "owner" if name == "ann" else "member")
    yield running
    running.stop()


@pytest.fixture
def provider() -> Iterator[AgreeingProvider]:
    """Where the slots' credentials come from."""
    with AgreeingProvider() as running:
        yield running


def opened(worker: ThreadedWorker, path: str, name: str = "ann") -> tuple[Browser, Page]:
    """A browser that is signed in, and the page that it shows."""
    browser = Browser(f"http://{worker.api}")
    form = browser.get(path).form("sign-in")
    return browser, browser.submit(form, email=name, password=PASSWORD)


def link(page: Page) -> str:
    """The page's link to another site."""
    (found,) = re.findall(r'href="(https?:[^"]+)"', page.html)
    return unescape(found)


def test_connected_and_allowed(worker: ThreadedWorker, provider: AgreeingProvider) -> None:
    """A form, a link that says where it leads, and back on the page it can be allowed."""
    path = raised(worker, "connected", credentials=[provider.slot(KEY)])
    browser, page = opened(worker, path)
    assert f"http://{worker.api}/v1/oauth/callback" in page.text
    assert "http" not in re.sub(r"(?s)<main>.*</main>", "", page.html)
    stale = page.form("connect")
    page = browser.submit(stale, client_id="of-ours")
    assert f"Sign in at localhost:{provider.port}" in page.text
    assert "client_id=of-ours" in link(page)
    returning = browser.get(provider.agreed(link(page)).removeprefix(f"http://{worker.api}"))
    assert path.partition("token=")[2] not in returning.html
    (back,) = set(re.findall(r"/approve/back/\w+", returning.html))
    assert f'content="0; url={back}"' in returning.html
    page = browser.get(back)
    assert (page.address, "Connected." in page.text) == (path, True)
    again = browser.submit(stale)  # what is connected is not replaced before it is allowed
    assert (again.status, "does not have to be connected" in again.text) == (409, True)
    done = browser.submit(page.form("allow"), typed__0=KEY)  # its provider is an IP address
    assert "Allowed by user ann" in done.text
    assert stands(worker, "connected").status == "applied"
    assert worker.client().send(calls.oauth_status(KEY, "connected")).connected
    entries = worker.client().send(calls.audit(vault="connected")).entries
    by = {(entry.actor.kind, entry.actor.name) for entry in entries if entry.target == KEY}
    assert by == {("user", "ann")}


def test_pasted(worker: ThreadedWorker, provider: AgreeingProvider) -> None:
    """The address of a page that did not open will do; what belongs elsewhere is refused."""
    path = raised(worker, "pasted", credentials=[provider.slot(KEY)])
    browser, page = opened(worker, path)
    page = browser.submit(page.form("connect"))
    address = provider.agreed(link(page))
    wrong = browser.submit(page.form("complete"), pasted=address.replace("state=", "state=x"))
    assert (wrong.status, "belongs to another login" in wrong.text) == (400, True)
    page = browser.submit(wrong.form("complete"), pasted=f" {address}\n")
    assert (page.status, "Connected." in page.text) == (200, True)
    late = browser.submit(wrong.form("complete"), pasted=address)
    assert (late.status, "connected already" in late.text) == (409, True)


def test_refused_and_begun_again(worker: ThreadedWorker, provider: AgreeingProvider) -> None:
    """Why it failed stands there as text; a new try takes the place of the one under way."""
    path = raised(worker, "again", credentials=[provider.slot(KEY)])
    browser, page = opened(worker, path)
    first = browser.submit(page.form("connect"))
    second = browser.submit(first.form("connect"))
    assert link(second) != link(first)
    old = browser.submit(first.form("complete"), pasted=provider.agreed(link(first)))
    assert (old.status, "begin again" in old.text) == (404, True)
    provider.refuses = True
    browser.get(provider.agreed(link(second)).removeprefix(f"http://{worker.api}"))
    page = browser.get(path)
    assert "The last try failed: " in page.text
    assert "She said <b>no</b>." in page.text
    assert "<b>no" not in page.html
    assert page.form("connect").fields["client_id"] == "cli"


def test_a_client_with_a_secret(worker: ThreadedWorker, provider: AgreeingProvider) -> None:
    """A slot that needs one asks for it, and it is not shown again."""
    slot = provider.slot(KEY, token_auth_method="post", scopes=["read", "write"])
    browser, page = opened(worker, raised(worker, "secretive", credentials=[slot]))
    form = page.form("connect")
    assert (form.kinds["client_secret"], "client_secret" in form.required) == ("password", True)
    page = browser.submit(form, client_secret="s3cret")
    assert "scope=read+write" in link(page)
    assert "s3cret" not in page.html


def test_a_slot_that_names_no_page(worker: ThreadedWorker) -> None:
    """It can only be connected elsewhere, and the page says how."""
    slot = {
        "key": KEY,
        "type": "oauth",
        "oauth": {"token_url": "https://connect.stripe.com/oauth/token", "client_id": "c"},
    }
    _, page = opened(worker, raised(worker, "nowhere", credentials=[slot]))
    assert f"credential oauth connect {KEY} --vault nowhere" in page.text
    assert not [form for form in page.forms if form.action.endswith("/connect")]


def test_another_proposals_login_is_not_shown(
    worker: ThreadedWorker, provider: AgreeingProvider
) -> None:
    """Its link may lead elsewhere than to the site that stands beside it here."""
    browser, page = opened(worker, raised(worker, "twice", credentials=[provider.slot(KEY)]))
    begun = browser.submit(page.form("connect"))
    honest = provider.slot(KEY, authorization_url="https://connect.stripe.com/oauth/authorize")
    second = browser.get(raised(worker, "twice", credentials=[honest], message="again"))
    assert link(begun) not in unescape(second.html)
    assert not [form for form in second.forms if form.action.endswith("/complete")]


def test_who_may_not_connect(worker: ThreadedWorker, provider: AgreeingProvider) -> None:
    """A user without a role is told, whatever form is sent; another's login leads nowhere."""
    path = raised(worker, "mine", credentials=[provider.slot(KEY)])
    ann, page = opened(worker, path)
    bob, looked = opened(worker, path, "bob")
    assert "bob may look at this, but not decide it" in looked.text
    assert [form.action for form in looked.forms] == ["/approve/1/sign-out"]
    foreign = page.form("connect")
    own = {"form": looked.forms[0].fields["form"]}
    assert bob.submit(foreign, **own).status == 403
    assert bob.submit(foreign).status == 403
    under_way = ann.submit(foreign)
    assert bob.submit(under_way.form("complete"), pasted="code", **own).status == 403
    flow = under_way.form("complete").fields["flow"]
    assert bob.get(f"/approve/back/{flow}").status == 404
    assert Browser(f"http://{worker.api}").get(f"/approve/back/{flow}").status == 404
    ann.submit(under_way.form("deny"))
    decided = ann.submit(foreign)
    assert (decided.status, "rejected already" in decided.text) == (409, True)
