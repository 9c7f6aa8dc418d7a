"""A person with a browser: follows redirects, keeps cookies, fills in forms."""

import re
from html import unescape
from urllib.parse import urljoin

import httpx


class Person:
    """Signs in as `name` wherever a form asks for it, and agrees to everything."""

    def __init__(self, name: str = "jo") -> None:
        self._name = name
        self._browser = httpx.AsyncClient(timeout=30)

    async def __aenter__(self) -> "Person":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._browser.aclose()

    async def connect(self, url: str, until: str) -> str:
        """Open `url` and agree until the browser is sent to an address beginning with `until`,
        which is not opened but answered.
        """
        return str((await self._through(url, until)).next_request.url)

    async def agree(self, url: str) -> str:
        """Open `url` and agree to everything; the text of the last page."""
        return (await self._through(url, "nowhere:")).text

    async def refuse(self, url: str, until: str) -> str:
        """Open `url` and take the way out; where it leads."""
        page = await self._follow(await self._browser.get(url), until)
        way_out = re.search(r'href="([^"]*/abort)"', page.text)
        left = await self._browser.get(urljoin(str(page.url), unescape(way_out[1])))
        return str((await self._follow(left, until)).next_request.url)

    async def open(self, url: str) -> httpx.Response:
        """Open an address and look at the page."""
        return await self._browser.get(url)

    async def _through(self, url: str, until: str) -> httpx.Response:
        page = await self._follow(await self._browser.get(url), until)
        while page.next_request is None and "<form" in page.text:
            page = await self._follow(await self._submit(page), until)
        return page

    async def _follow(self, page: httpx.Response, until: str) -> httpx.Response:
        while page.next_request is not None and not str(page.next_request.url).startswith(until):
            page = await self._browser.send(page.next_request)
        return page

    async def _submit(self, page: httpx.Response) -> httpx.Response:
        action = re.search(r'<form[^>]* action="([^"]*)"', page.text)
        hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
        fields = {name: unescape(value) for name, value in hidden}
        if 'name="login"' in page.text:
            fields |= {"login": self._name, "password": "any"}
        return await self._browser.post(urljoin(str(page.url), unescape(action[1])), data=fields)
