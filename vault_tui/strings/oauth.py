"""The words of signing in, and of OAuth credentials; the rest stand in `strings`."""

from collections.abc import Mapping

# --- a login under way --------------------------------------------------------------------------
SIGN_IN_TITLE = "Sign in: {what}"
SIGN_IN_KEYS = "ctrl+y copies the address   enter takes the code   esc gives up"
DEVICE_KEYS = "ctrl+y copies the address   esc gives up"
DIRECT_KEYS = "esc gives up"
OPEN_URL = "Open this address in a browser, on any machine:"
PASTE_CODE = "Then paste the code that it shows, or the whole address where it ends:"
CODE_PLACEHOLDER = "code, code#state or address: it is not shown"
CODE_EMPTY = "Paste the code first."
TYPE_CODE = "and type this code there:"
WAITING = "Waiting for the browser; a callback that arrives by itself ends this. {left} left"
WAITING_DEVICE = "Waiting until the code was typed. {left} left"
EXCHANGING = "Exchanging the code for tokens …"
ENDED: Mapping[str, str] = {
    "failed": "Not connected: {why}",
    "cancelled": "Given up",
    "expired": "The time for signing in is over",
}
NO_REASON = "the provider gave no reason"
CLOSE = "esc closes this"
COPIED = "The address was sent to the terminal's clipboard"
CONNECTED = "{key} is connected"
ACCOUNT_CONNECTED = "Account {name} is connected"
GAVE_UP = "The login was given up; nothing has changed"

# --- connecting a credential --------------------------------------------------------------------
CONNECT_TITLE = "Connect an OAuth credential"
RECONNECT_TITLE = "Connect {key} anew"
FORM_KEYS = "tab next   ctrl+s go on   esc cancel"
KEY = "key"
KEY_HINT = "UPPER_SNAKE_CASE, as services name it"
PROVIDER = "provider"
OTHER_ISSUER = "an OpenID issuer"
OTHER_CUSTOM = "another provider, by its URLs"
ISSUER = "issuer"
ISSUER_HINT = "https://login.example.com"
AUTHORIZATION_URL = "sign-in URL"
TOKEN_URL = "token URL"  # noqa: S105 - a word
DEVICE_URL = "device URL"
CLIENT_ID = "client id"
CLIENT_ID_HINT = "the provider's own when empty"
CLIENT_ID_NEEDED = "of a client that you have registered there"
CLIENT_SECRET = "secret"  # noqa: S105 - a word
SCOPES = "scopes"
SCOPES_HINT = "the provider's own when empty"
HOW = "how"
HOWS: Mapping[str, str] = {
    "headless": "sign in: open a URL in any browser, paste the code",
    "device": "device code: type a short code in any browser",
    "client_credentials": "client credentials: nobody signs in",
    "paste": "paste tokens",
}
RECONNECT_HOWS: Mapping[str, str] = {
    **{key: HOWS[key] for key in ("headless", "device", "client_credentials")},
    "form": "with another provider or client, or paste tokens …",
    "new": "+ connect a new credential …",
}
ACCESS_TOKEN = "access token"  # noqa: S105 - a word
REFRESH_TOKEN = "refresh token"  # noqa: S105 - a word
EXPIRES_IN = "expires in"
EXPIRES_IN_HINT = "seconds; empty: not known"
PASTE_KEY_MISSING = "Paste an access token."
EXPIRES_WRONG = "expires in: a number of seconds."
NEEDS_ISSUER = "Name the issuer."
NEEDS_URLS = "Name the token URL."
NEEDS_CLIENT = "This provider needs a client id of your own."
KEY_OF_ANOTHER_TYPE = "{key} exists already and is no OAuth credential."

# --- OAuth in the list of credentials -----------------------------------------------------------
# state -> (glyph, word, tone)
STATES: Mapping[str, tuple[str, str, str]] = {
    "ok": ("●", "ok", "success"),
    "unreadable": ("✗", "unreadable", "error"),
    "pending": ("○", "not connected", "warning"),
    "unapproved": ("▲", "not approved", "warning"),
    "failing": ("▲", "failing", "warning"),
    "expired": ("✗", "expired", "error"),
    "reconnect": ("▲", "reconnect", "error"),
}
REFRESHED = "{key} has new tokens"
WHY_NO_OAUTH = "only OAuth credentials have tokens to refresh"
WHY_ACCOUNTS = "its accounts are signed in to on their own screen"
WHY_NO_VALUE = "its tokens are never shown"
POOL_HINT = "A pool of accounts: their screen shows which serves."
OAUTH_HINT = "Its tokens are never shown. r refreshes them, c connects anew."
TOKENS = "TOKENS"

# --- health board -------------------------------------------------------------------------------
HEALTH_TITLE = "Health of every login"
HEALTH_KEYS = "↑ ↓ move   r refreshes it   esc close"
HEALTH_NONE = "There is no OAuth credential and no account in this vault."
HEALTH_COLUMNS: Mapping[str, str] = {
    "state": "STATE",
    "name": "LOGIN",
    "kind": "KIND",
    "expires": "EXPIRES IN",
    "next": "REFRESH IN",
    "last": "REFRESHED",
    "count": "TIMES",
    "error": "ERROR",
}
HEALTH_KINDS: Mapping[str, str] = {
    "credential": "credential",
    "account": "account",
    "store": "store",
}
