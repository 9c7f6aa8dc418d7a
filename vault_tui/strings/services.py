"""The words of services, their form, tester and YAML; the rest stand in `strings`."""

from collections.abc import Mapping

from vault_tui.strings.common import Lines

EMPTY_SERVICES: Lines = (
    (("No services yet", "text+bold"),),
    (("", "text"),),
    (("A service says which hosts get which credential.", "muted"),),
    (("", "text"),),
    (("c", "accent+bold"), ("  picks one from the catalog    ", "muted"),
     ("a", "accent+bold"), ("  makes one", "muted")),
    (("o", "accent+bold"), ("  shows the hosts that agents reached without one", "muted")),
)  # fmt: skip
SERVICE_COLUMNS: Mapping[str, str] = {
    "state": "STATE",
    "name": "NAME",
    "host": "HOST",
    "auth": "AUTH",
    "keys": "CREDENTIAL",
    "rules": "RULES",
    "hits": " HITS",
    "last_hit": "LAST HIT",
}
HOST = "host"
AUTH = "auth"
GATEWAY = "gateway"
GATEWAY_SHOWN = "/{prefix}/ → {upstream}"
GATEWAY_SHAPE = "{line}: a gateway is a prefix and an upstream, such as slack https://slack.com"
HITS = "hits"
LAST_HIT = "last hit"
RULES = "RULES, FIRST MATCH WINS"
RULES_NONE = "none: everything is allowed"
SUBSTITUTES = "substitute"
PLAIN_HTTP = "plain http"
ALLOWED = "▲ allowed"
SCRUBBING = "scrubbing"
OFF = "▲ off"
ENABLED = "enabled"
DISABLED = "disabled"
ENABLED_NOW = "{name} is enabled"
DISABLED_NOW = "{name} is disabled: its requests are refused"
ALLOW_HTTP = "allow plain http"
SCRUB = "scrub responses"
SERVICE_SAVED = "Service {name} is saved"
SERVICES_SAVED = "{count} services are saved"
# by what the vault does with hosts that no service covers
DELETE_SERVICE: Mapping[str, str] = {
    "": "No request to {host} gets this credential any more.",
    "passthrough": "Where no other service covers {host}, requests go on without a credential.",
    "deny": "Where no other service covers {host}, requests are refused.",
    "ask": "Where no other service covers {host}, requests wait for your answer.",
}
DELETE_CAN_UNDO = "{key} puts it back for five minutes."
DELETED_UNDO = "{name} is deleted; {key} puts it back"
HOSTS_TITLE = "Hosts seen without a service"
HOSTS_NONE = "None: every host that agents reached has a service."
REQUESTS = "requests"
DRAFT_KNOWN = "From the catalog: {name}."
DRAFT_SEEN = "Seen lately: {count} requests, {methods}."
DRAFT_READS = "Nothing but reading was seen, so the rules let nothing else pass."
CATALOG_TITLE = "Service catalog"
CATALOG_SEARCH = "search by name, category or host"
CATALOG_NEEDS = "Needs {keys}. {obtain}"
FORM_NEW = "New service"
FORM_EDIT = "Service {name}"
FORM_KEYS = "tab next   ctrl+s save   esc cancel"
FORM_LABELS: Mapping[str, str] = {
    "host": "host",
    "name": "name",
    "auth": "auth",
    "token": "token",
    "username": "user name",
    "password": "password",
    "key": "key",
    "header": "header",
    "prefix": "prefix",
    "headers": "headers",
    "access_key_id": "access key id",
    "secret_access_key": "secret key",
    "session_token": "session token",
    "region": "region",
    "service": "AWS service",
    "role_arn": "role",
    "external_id": "external id",
    "session_name": "session name",
    "duration": "duration",
    "scope": "scope",
    "tenant": "tenant",
    "client_id": "client id",
    "client_secret": "client secret",
    "app_id": "app id",
    "installation_id": "installation",
    "private_key": "private key",
    "rules": "rules",
    "substitutions": "substitute",
    "gateway": "gateway",
    "options": "",
    "test": "test a URL",
}
FORM_PLACEHOLDERS: Mapping[str, str] = {
    "host": "api.example.com, *.example.com, host:8443/v1/*",
    "name": "made from the host when empty",
    "token": "credential key, GITHUB_TOKEN",
    "username": "credential key",
    "password": "credential key, may be empty",
    "key": "credential key",
    "header": "Authorization",
    "prefix": "text before the value",
    "headers": "X-Api-Key: {{ KEY }}; X-Other: {{ OTHER }}",
    "access_key_id": "credential key, AWS_ACCESS_KEY_ID",
    "secret_access_key": "credential key, AWS_SECRET_ACCESS_KEY",
    "session_token": "credential key, for temporary keys alone",
    "region": "told by the host when empty",
    "service": "told by the host when empty: bedrock, s3",
    "role_arn": "arn:aws:iam::123456789012:role/agents, to sign as it",
    "external_id": "what the role's owner asks for",
    "session_name": "vault-tui when empty",
    "duration": "seconds, 900 to 43200; an hour when empty",
    "scope": "the cloud's usual one when empty",
    "tenant": "id or domain; leave it out where there is a key",
    "client_id": "the application's id",
    "client_secret": "credential key",
    "app_id": "the app's id or client id",
    "installation_id": "the number in the installation's URL",
    "private_key": "credential key, the PEM file",
    "gateway": "prefix of a base URL, and the upstream if it is not the host",
    "test": "https://api.example.com/v1/things",
}
AUTH_TYPES: Mapping[str, str] = {
    "bearer": "bearer: Authorization: Bearer …",
    "basic": "basic: user name and password",
    "api-key": "api-key: a header of your choice",
    "custom": "custom: headers from templates",
    "passthrough": "passthrough: no credential",
    "aws-sigv4": "aws-sigv4: signed for AWS",
    "gcp": "gcp: tokens of a key file",
    "azure": "azure: a resource's key, or Entra ID",
    "github-app": "github-app: tokens of an installed app",
}
FORM_HOST_FIRST = "which host? api.example.com, *.example.com, host:8443/v1/*"
FORM_VALID = "✓ valid, will be saved as {name}"
FORM_MISSING = "▲ valid, but there is no credential {keys} yet"
RULE_SHAPE = "A rule is: allow|deny METHODS PATH, such as  deny DELETE,PUT /v1/*  (not: {line})"
SUBSTITUTION_SHAPE = (
    "A substitution is: KEY __placeholder__ path,query,header,body,websocket  (not: {line})"
)
SAVE = "Save"
TESTER_TITLE = "Which service wins?"
TESTER_KEYS = "tab method   esc close"
TESTER_PLACEHOLDER = "https://api.example.com/v1/things"
MISSING = "missing"
OTHERS = "OTHERS LOOKED AT"
YAML_TITLE = "Services as YAML"
YAML_KEYS = "ctrl+s shows the difference, again saves   esc back"
YAML_SAME = "Nothing has changed."
YAML_SURE = "ctrl+s saves this   esc goes on editing"
YAML_WRONG = "This is no YAML: {why}"
YAML_SHAPE = "The document must be a list under one key: services."
