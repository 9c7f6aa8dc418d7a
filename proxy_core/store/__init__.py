"""The database: tables, migrations, repositories, request log."""
