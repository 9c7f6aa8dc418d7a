"""The database: tables, migrations, repositories, request log.

database      transactions in threads: `Database.open`, `run`, `read`
tables        the schema
vaults, credentials, services, agents, sessions, installation
              repositories: functions of a session
request_log   the writer that never blocks; `log_pages`, `unmatched_hosts` read it
"""
