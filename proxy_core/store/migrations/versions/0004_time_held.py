"""How long a request waited for an operator."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column: -1 for requests that did not wait, as all did before it was written."""
    op.add_column(
        "request_log", sa.Column("held_ms", sa.Double(), nullable=False, server_default="-1")
    )
