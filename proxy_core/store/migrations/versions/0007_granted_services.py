"""Grants for some of a vault's services."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: null for grants of the whole vault, as all were before."""
    op.add_column("agent_grant", sa.Column("services", sa.JSON(none_as_null=True), nullable=True))
