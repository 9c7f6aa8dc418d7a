"""What both ends of the soak know: hosts, the placeholder, and how real values begin."""

DOMAIN = "soak.test"
API, ASK, SWITCHED, PLAIN, WILD = (
    f"{name}.{DOMAIN}" for name in ("api", "ask", "switched", "plain", "w")
)
"""Hosts with a service: usual, one where an operator is asked, one that is edited all the time, one
over plain http, and one (any `*.w`) that gets a leaf for each name."""
UNKNOWN = f"elsewhere.{DOMAIN}"
"""A host without a service: requests pass without a credential."""

PLACEHOLDER = "__soak_key__"
REAL, SUBSTITUTED = "real-", "subst-"
"""Each credential's value begins so, whatever its version: no agent may ever see that."""
