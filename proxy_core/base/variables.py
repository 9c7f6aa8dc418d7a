"""Environment variables of the product, by name; each is read where it means something.

`VAULT_TUI_…` are for the people who run the worker and its clients, `AGENT_VAULT_…` for agents,
whose names are those of the public protocol. A value may be a secret, a name never is. Nothing is
imported here: some command lines have 50 ms for everything.
"""

PREFIX = "VAULT_TUI_"
AGENT_PREFIX = "AGENT_VAULT_"
PREFIXES = (PREFIX, AGENT_PREFIX)

# Of whoever runs the worker, its console and the command line.
HOME = "VAULT_TUI_HOME"
DATABASE_URL = "VAULT_TUI_DATABASE_URL"
MASTER_PASSWORD = "VAULT_TUI_MASTER_PASSWORD"
MASTER_PASSWORD_FILE = "VAULT_TUI_MASTER_PASSWORD_FILE"
ADDR = "VAULT_TUI_ADDR"
TOKEN = "VAULT_TUI_TOKEN"
CA_FILE = "VAULT_TUI_CA_FILE"
TLS_CERT = "VAULT_TUI_TLS_CERT"
TLS_KEY = "VAULT_TUI_TLS_KEY"
PUBLIC_URL = "VAULT_TUI_PUBLIC_URL"
DEBUG = "VAULT_TUI_DEBUG"

# Of agents and whatever acts for one.
AGENT_ADDR = "AGENT_VAULT_ADDR"
AGENT_TOKEN = "AGENT_VAULT_TOKEN"
AGENT_SESSION_TOKEN = "AGENT_VAULT_SESSION_TOKEN"
AGENT_VAULT = "AGENT_VAULT_VAULT"
