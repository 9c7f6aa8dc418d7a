"""The database: tables, migrations, repositories, request log.

database      transactions in threads: `Database.open`, `run`, `read`
tables        the schema, a module a subject
vaults, credentials, services, agents, sessions, installation
              repositories: functions of a session
request_log   the sink that nobody waits for, and what reads the log
"""
