"""Host and path patterns of services: reading, checking, and naming a service after one."""

import re
from collections.abc import Container

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.globs import MAX_GLOB
from proxy_core.domain.hosts import normalize_host_pattern, split_port
from proxy_core.domain.names import SLUG_MAX, SLUG_MIN
from proxy_core.domain.target import check_path, normal_escapes

_GLOB_CHARACTERS = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", re.ASCII)
_NOT_IN_SLUG = re.compile(r"[^a-z0-9]+")


def parse_pattern(pattern: str) -> tuple[str, int, str]:
    """`host[:port][/path]` as (host or `*.suffix`, port or 0, path glob or empty).

    Raises VaultError bad_request.
    """
    if "://" in pattern:
        raise _refused(pattern, "is a URL; leave out the scheme: api.example.com/v1/*")
    authority, slash, path = pattern.partition("/")
    host, port = split_port(authority)
    return normalize_host_pattern(host), port or 0, check_glob(slash + path)


def check_glob(glob: str) -> str:
    """Return `glob` if it can cover a path; empty covers all. Raises VaultError bad_request."""
    if not glob:
        return glob
    if len(glob) > MAX_GLOB:
        raise _refused(glob, f"is longer than {MAX_GLOB} characters")
    if not glob.startswith("/"):
        raise _refused(glob, "must start with `/`; leave the path out to cover all paths")
    if "**" in glob:
        raise _refused(glob, "holds `**`; one `*` matches across slashes already")
    if "?" in glob:
        raise _refused(glob, "holds `?`; query strings are not matched")
    if not _GLOB_CHARACTERS.fullmatch(glob):
        raise _refused(glob, "may hold URL characters and `*`; regular expressions are not known")
    _check_normal(glob)
    return glob


def _check_normal(glob: str) -> None:
    """A glob in another spelling than requests have would never match, or match ambiguously."""
    if "//" in glob:
        raise _refused(glob, "holds an empty segment (`//`)")
    try:
        check_path(glob.replace("*", "x"))
    except VaultError as error:
        raise _refused(glob, f"is no path pattern: {error.detail}") from None
    if (normal := normal_escapes(glob)) != glob:
        raise _refused(glob, f"must be written {normal}")


def auto_name(host: str, path: str, taken: Container[str]) -> str:
    """A slug from a host pattern and the literal part of a path glob, not in `taken`.

    `slack.com`, `/api/*` gives `slack-com-api`, then `slack-com-api-2`, `slack-com-api-3` and on.
    """
    literal = path.partition("*")[0]
    slug = _slug(host.removeprefix("*.") + literal)
    if path and not _slug(literal):
        # `/` and `/*` must not be named like the service that covers the whole host.
        slug += "-root"
    if len(slug) < SLUG_MIN:
        slug = f"{slug}-svc".lstrip("-")
    candidate, number = slug[:SLUG_MAX].rstrip("-"), 1
    while candidate in taken:
        number += 1
        suffix = f"-{number}"
        candidate = slug[: SLUG_MAX - len(suffix)].rstrip("-") + suffix
    return candidate


def _slug(text: str) -> str:
    return _NOT_IN_SLUG.sub("-", text.lower()).strip("-")


def _refused(pattern: str, why: str) -> VaultError:
    return VaultError("bad_request", f"{display_safe(repr(pattern), 80)} {why}")
