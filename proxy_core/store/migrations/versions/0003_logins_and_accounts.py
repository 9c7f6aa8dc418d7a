"""OAuth logins, accounts, pools of accounts, and which account served a request."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out: Alembic adds a foreign key as a constraint of its own, which SQLite can't do, and a
# rebuilt table would take the rows that refer to it along.
_PIN = "ALTER TABLE {} ADD COLUMN account_id VARCHAR REFERENCES account (id) ON DELETE SET NULL"


def upgrade() -> None:
    """Create the tables, and the columns that refer to them."""
    _create_logins()
    _create_accounts()
    _create_pools()
    for table in ("agent", "scoped_session"):
        op.execute(_PIN.format(table))
    op.add_column(
        "request_log",
        sa.Column("account_reason", sa.String(), nullable=False, server_default=""),
    )


def _create_logins() -> None:
    op.create_table(
        "oauth_login",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("vault_id", sa.String(), nullable=False),
        sa.Column("credential_id", sa.String(), nullable=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("client", sa.JSON(), nullable=False),
        sa.Column("sealed_client", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_access", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_refresh", sa.LargeBinary(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("obtained_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("connected_at", sa.Double(), nullable=True),
        sa.Column("refresh_count", sa.Integer(), nullable=False),
        sa.Column("last_refresh_at", sa.Double(), nullable=True),
        sa.Column("retry_at", sa.Double(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("intent_generation", sa.Integer(), nullable=True),
        sa.Column("intent_at", sa.Double(), nullable=True),
        sa.Column("intent_retried", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", sa.String(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["vault_id"], ["vault.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["credential_id"], ["credential.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id"),
    )
    op.create_index("ix_oauth_login_vault", "oauth_login", ["vault_id"], unique=False)


def _create_accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("vault_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("login_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("nickname", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("last_used_at", sa.Double(), nullable=True),
        sa.Column("removed_at", sa.Double(), nullable=True),
        sa.Column("cooling_until", sa.Double(), nullable=True),
        sa.Column("cooling_reason", sa.String(), nullable=False),
        sa.Column("quota", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["vault_id"], ["vault.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["login_id"], ["oauth_login.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("login_id"),
    )
    op.create_index("ix_account_vault", "account", ["vault_id", "provider"], unique=False)


def _create_pools() -> None:
    op.create_table(
        "pool",
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["credential_id"], ["credential.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_table(
        "pool_member",
        sa.Column("credential_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["credential_id"], ["pool.credential_id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("credential_id", "account_id"),
    )
    op.create_index("ix_pool_member_account", "pool_member", ["account_id"], unique=False)
