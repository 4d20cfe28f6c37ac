"""Leases count how often they were taken or renewed: a number that orders the writes of their holders."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("leases", sa.Column("token", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("leases", "token")
