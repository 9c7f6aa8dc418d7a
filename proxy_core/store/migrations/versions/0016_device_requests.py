"""Devices that wait to be approved, where every worker finds them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "device_request",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
        sa.UniqueConstraint("code", name="uq_device_request_code"),
    )
    op.create_index("ix_device_request_expiry", "device_request", ["expires_at"], unique=False)
