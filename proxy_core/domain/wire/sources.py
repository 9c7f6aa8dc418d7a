"""Vaults that an external store backs."""

from proxy_core.domain.wire.base import Request, Response


class SetSource(Request):
    """`PUT /v1/vaults/{vault}/source`. `type` is hashicorp or infisical.

    hashicorp: `path` is MOUNT/PATH of a secret of a KV engine, version 2, or PATH below the
    engine's `mount`, which may be a path itself. What opens it is a `token`, or a `role_id` and a
    `secret_id` (AppRole).
    infisical: `path` is a folder of the `environment` (its slug) of a `project` (its id). What
    opens it is a machine identity's `client_id` and `client_secret` (universal auth). `imports`:
    what the folder imports as well; `recursive`: the folders below too.
    """

    HIDDEN = frozenset({"secret_id"})

    type: str
    url: str
    path: str = "/"
    mount: str = ""
    namespace: str = ""
    token: str = ""
    role_id: str = ""
    secret_id: str = ""
    project: str = ""
    environment: str = ""
    client_id: str = ""
    client_secret: str = ""
    imports: bool = True
    recursive: bool = False
    interval_seconds: int = 60


class SourceInfo(Response):
    """`GET /v1/vaults/{vault}/source`. `skipped` are names that can't be keys of credentials.

    `state` is ok, failing or waiting: never read yet, for the vault is sealed.
    """

    vault: str
    type: str
    place: str
    state: str
    interval_seconds: int
    created_at: str
    last_sync_at: str
    next_poll_at: str
    last_error: str
    failures: int
    skipped: list[str]
