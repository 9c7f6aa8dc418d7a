"""Proposals: an agent asks for services and credentials, an operator decides.

`proposals.py` keeps them (create, list, wait, expire, reveal), `deciding.py` approves and rejects,
`inbox.py` lists them for operators, `reviewing.py` works out what an approval would change,
`limited.py` is about agents that may use some services only, `waiting.py` remembers which ones
wait, `values.py` seals what comes along, `shown.py` is how the API shows them.
"""

from proxy_core.services.proposals.deciding import Deciding
from proxy_core.services.proposals.inbox import Inbox
from proxy_core.services.proposals.proposals import Proposals

__all__ = ["Deciding", "Inbox", "Proposals"]
