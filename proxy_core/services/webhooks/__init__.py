"""Other programs are told by webhook of what waits for a person, and of what went wrong.

webhook      one webhook as it is kept in memory, and the opening of its sealed address
webhooks     adding, listing, changing and removing them; how their deliveries go
posting      one try to deliver, and what came of it
outbox       what is still to be delivered to one webhook: bounded, in order, with retries
notifying    from the worker's events to the outboxes
"""

from proxy_core.services.webhooks.notifying import Notifying
from proxy_core.services.webhooks.posting import Post
from proxy_core.services.webhooks.webhooks import Webhooks

__all__ = ["Notifying", "Post", "Webhooks"]
