"""Which agents minted a token, and the one that raised a proposal."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns: nobody for what is older."""
    for table in ("agent", "scoped_session", "proposal"):
        column = sa.Column("minters", sa.JSON(), nullable=False, server_default="[]")
        op.add_column(table, column)
