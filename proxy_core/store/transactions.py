"""Write transactions, each with the message that tells other workers what it has touched.

The message is part of the transaction: there is none of a change that was not committed, and no
change without its own. It costs one statement, and nothing where nothing shared was touched.
"""

from typing import Final

from sqlalchemy import Engine, insert, text

from proxy_core.store.messages import encode_touched
from proxy_core.store.tables import Change
from proxy_core.store.touched import Transaction

CHANNEL: Final = "vault_tui"
_NOTIFY: Final = text("SELECT pg_notify(:channel, :message)").bindparams(channel=CHANNEL)


def transaction(engine: Engine) -> Transaction:
    """A new session for one write transaction."""
    return Transaction(engine, expire_on_commit=False)


def tell_others(session: Transaction, worker: str) -> None:
    """Before the commit: let other workers know, once it is committed, what was touched."""
    session.flush()
    if not session.touched:
        return
    values = {"message": encode_touched(worker, session.touched)}
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.execute(insert(Change), values)
    else:
        connection.execute(_NOTIFY, values)
