"""Signing in at an issuer, for a person at a terminal. Everything is shown on stderr."""

import sys
import time
from dataclasses import dataclass, replace

from proxy_core.base.errors import VaultError
from proxy_core.base.os_keyring import TIMEOUT_SECONDS
from proxy_core.domain.oauth.callbacks import Callback
from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.tokens.asking import Arrival, await_device, tokens_for
from proxy_core.tokens.holder import Holder
from proxy_core.tokens.issuer import Answer, Issuer, client_of, failed, obtained
from proxy_core.tokens.login import Login, Printed
from proxy_core.tokens.tokens import Tokens, check_id_token
from vault_tui.cli import secret_input
from vault_tui.cli.accounts.sign_in import (
    ASK,
    NOTHING_PASTED,
    TERMINAL_LINE,
    has_display,
    open_browser,
)
from vault_tui.cli.failures import Usage, say
from vault_tui.cli.lines import Lines
from vault_tui.cli.output import safe

_UNLOCK_SECONDS = 60.0
_FRESH = {"max_age": "60"}
"""The issuer asks who is there unless it did so this minute, and says when (OpenID Connect Core
3.1.2.1)."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a person signs in: with a browser here or elsewhere (`headless`), or by a device code.
    `fresh`: whatever the issuer remembers, it shall ask who is there.

    `browser` None: one is opened where there is a display. `printed` None: the access token if an
    audience was asked for, else the ID token if the issuer gives one.
    """

    headless: bool = False
    browser: bool | None = None
    device: bool = False
    printed: Printed | None = None
    fresh: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """Whether what the browser shows in the end has to be pasted."""
        return self.headless or (self.browser is None and not has_display())


def sign_in(holder: Holder, login: Login, way: Way, secret: str = "") -> tuple[Login, Tokens]:
    """Sign in as `login` says, and keep the tokens. Where an issuer has nothing else, by a code.

    `secret`: the confidential client's; without one, as it was kept or is typed.

    Raises VaultError: oauth_login_failed (refused, expired, given up), bad_request, port_in_use.
    """
    client = client_of(login)
    if login.auth_method != "none":
        secret = secret or holder.secret(login) or _typed_secret(login)
    issuer = Issuer.of(login, secret)
    by_code = way.device or not client.authorization_url
    if way.fresh:
        if by_code:
            raise VaultError("bad_request", "A device code can't ask for a fresh sign-in.")
        asked = {**client.authorization_parameters, **_FRESH}
        client = replace(client, authorization_parameters=asked)
    try:
        answer = _by_device(issuer, client) if by_code else _by_browser(issuer, client, way)
    except TokenError as error:
        raise failed(error) from None
    login = _known(login, answer, way.printed)
    tokens = obtained(login, answer, holder.now, secret)
    # At a desktop, the keyring may ask for its password first.
    patience = _UNLOCK_SECONDS if has_display() else TIMEOUT_SECONDS
    return holder.keep(login, tokens, patience), tokens


def discovered(issuer: str, secret: str = "", ca_file: str = "") -> Login:
    """A login at an issuer that tells its endpoints, and how it takes the client's `secret`.

    Raises VaultError as `sign_in`.
    """
    try:
        client = Issuer.at(issuer, secret=secret, ca_file=ca_file).discover(issuer)
    except TokenError as error:
        raise failed(error) from None
    return Login(
        issuer=client.issuer,
        token_url=client.token_url,
        authorization_url=client.authorization_url,
        device_url=client.device_authorization_url,
        revocation_url=client.revocation_url,
        scopes=" ".join(client.scopes),
        auth_method=client.auth_method.value,
        ca_file=ca_file,
    )


def _typed_secret(login: Login) -> str:
    if not secret_input.can_prompt():
        raise Usage("This client has a secret: say --client-secret-stdin")
    return secret_input.prompt(f"Client secret of {safe(login.client_id)}")


def _known(login: Login, answer: Answer, wanted: Printed | None) -> Login:
    """Whose it is, and which token is printed."""
    subject = answer.tokens.subject
    name = subject.account_id
    if answer.id_token:
        claims = check_id_token(answer.id_token, login.issuer, login.client_id)
        name = str(claims.get("sub", ""))
    printed: Printed = "access" if login.audience or not answer.id_token else "id"
    return replace(
        login, printed=wanted or printed, subject=safe(name), email=subject.email, vault=""
    )


def _by_device(issuer: Issuer, client: OAuthClient) -> Answer:
    if not client.device_authorization_url:
        other = "sign in without --device" if client.authorization_url else "nor any page"
        raise VaultError("bad_request", f"This issuer has no device codes: {other}")
    start = issuer.start_device(client)
    _tell(f"Open {safe(start.verification_uri)} and type the code {safe(start.user_code)}")
    if start.verification_uri_complete:
        _tell(f"or open {safe(start.verification_uri_complete)}")
    minutes = max(1, round((start.expires_at - time.time()) / 60))
    _tell(f"Waiting until that is confirmed; the code is good for {minutes} min.")
    return await_device(issuer, client, start)


def _by_browser(issuer: Issuer, client: OAuthClient, way: Way) -> Answer:
    with Arrival(client) as arrival:
        opens = not way.is_elsewhere and way.browser is not False
        if opens and open_browser(arrival.request.url):
            _tell("A browser has been opened. If it shows nothing, open this address:")
        else:
            _tell("Open this address in a browser:")
        _tell(f"\n  {safe(arrival.request.url)}\n")
        callback = _callback(arrival, way.is_elsewhere)
    return tokens_for(issuer, client, arrival, callback)


def _callback(arrival: Arrival, must_paste: bool) -> Callback:
    """Pasted, or arrived by itself, whichever is first."""
    lines = Lines()
    while True:
        print(ASK, end="", file=sys.stderr, flush=True)
        pasted = lines.next(arrival.descriptor)
        if pasted is None:
            _tell("")
            if lines.ended and must_paste:
                raise VaultError("oauth_login_failed", NOTHING_PASTED)
            return arrival.result()
        try:
            return arrival.pasted(pasted)
        except VaultError as error:
            if not sys.stdin.isatty():
                raise
            say(str(error))
            if len(pasted) >= TERMINAL_LINE:
                say(f"A terminal takes {TERMINAL_LINE} characters a line: pipe a longer one in")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
