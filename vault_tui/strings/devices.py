"""Words of devices that ask to sign in at the gateway."""

from collections.abc import Mapping

WAITING = "▲ {count} to sign in"
METHOD = "sign in"
ROW = "code {code} from {address}"
TITLE = "{client} asks to sign in"
CODE = "code"
ADDRESS = "address"
SINCE = "since"
ADVICE = (
    "Approve it only if its screen shows this code and you know whose it is. It then acts as an "
    "agent of a vault until you revoke it: delete the agent, or vault-tui device revoke."
)
WHY_NO_RULE = "a sign-in is denied once: there is no rule for it"

# --- the form -----------------------------------------------------------------------------------
FORM_TITLE = "Let {client} sign in"
FORM_KEYS = "Enter approve · Esc close"
FORM_NOTE = "From {address}. Type the code that its screen shows."
WRONG_CODE = "That is not the code of this device."
AGENT = "acts as"
NEW_AGENT = "a new agent, named after e-mail or address"
VAULT = "vault"
ROLE = "role if new"
EMAIL = "e-mail"
EMAIL_HINT = "whose login it is; its screen shows it"

APPROVED = "{code} is approved: it acts as agent {agent}"
DENIED = "{code} is denied"

# --- events -------------------------------------------------------------------------------------
EVENTS: Mapping[str, str] = {
    "requested": "{name} at {address} asks to sign in: code {id}",
    "approved": "{by} let {name} sign in as agent {agent}",
    "denied": "{by} denied a sign-in of {name}",
    "timeout": "Nobody answered a sign-in of {name} in time",
    "changed.approved": "Agent {name} has one more device",
    "changed.ended": "A device of agent {name} is signed out, by {by}",
}
