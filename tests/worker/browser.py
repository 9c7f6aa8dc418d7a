"""A browser without scripts: it keeps cookies, reads forms and sends them as HTML says."""

import http.client
import re
import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

HOST_COOKIE = re.compile(r"(?P<name>[^=;]+)=(?P<value>[^;]*)")


@dataclass
class Form:
    """`fields` are its inputs with the values that stand in the page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    kinds: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    """What was answered in the end; `text` is what a person reads."""

    status: int
    headers: dict[str, str]
    html: str
    address: str
    forms: list[Form]
    text: str

    def form(self, name: str) -> Form:
        """The form whose action ends so, or whose hidden `action` is that."""
        return next(
            one
            for one in self.forms
            if one.action.endswith(name) or one.fields.get("action") == name
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.pieces: list[str] = []
        self._open: Form | None = None
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(values.get("action", ""))
            self.forms.append(self._open)
        elif tag in {"input", "textarea"} and self._open is not None and "name" in values:
            name = values["name"]
            self._open.fields[name] = values.get("value", "")
            self._open.kinds[name] = values.get("type", tag)
            if "required" in values:
                self._open.required.add(name)
        self._silent = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.pieces.append(data.strip())


class Browser:
    """`base` is `http(s)://HOST:PORT`. `extra` is sent with each request."""

    def __init__(self, base: str, context: ssl.SSLContext | None = None) -> None:
        self._base = urlsplit(base)
        self._context = context
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []
        self.extra: dict[str, str] = {}

    def get(self, path: str) -> Page:
        """Open an address of the site, and follow where it leads."""
        return self._ask("GET", path, None)

    def submit(self, form: Form, /, **given: str) -> Page:
        """Send a form; fields that are given take the place of those that stand there.

        Dots in a field's name are written as two underscores.
        """
        named = {name.replace("__", "."): value for name, value in given.items()}
        body = urlencode({**form.fields, **named}).encode()
        return self._ask("POST", form.action, body)

    def _ask(self, method: str, path: str, body: bytes | None) -> Page:
        kind = http.client.HTTPSConnection if self._context else http.client.HTTPConnection
        more = {"context": self._context} if self._context else {}
        connection = kind(self._base.hostname or "", self._base.port, timeout=10, **more)
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
        try:
            connection.request(method, path, body, {**headers, **self.extra})
            response = connection.getresponse()
            html = response.read().decode()
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie") or []:
            self.set_cookies.append(line)
            found = HOST_COOKIE.match(line)
            assert found is not None
            self.cookies[found["name"]] = found["value"]
        if response.status == 303:
            return self._ask("GET", response.headers["Location"], None)
        reader = _Reader()
        reader.feed(html)
        text = re.sub(r"\s+", " ", " ".join(reader.pieces))
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Page(response.status, fields, html, path, reader.forms, text)
