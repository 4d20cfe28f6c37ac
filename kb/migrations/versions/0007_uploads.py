"""Uploads, and invitations to write a draft together."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "uploads",
        _text("id", 32),
        sa.Column("account_id", sa.String(32)),
        _text("draft_id", 32),
        _text("record_id", 200),
        _text("media_type", 50),
        sa.Column("files", JSON, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _of("uploads", "account_id", "accounts", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    for column in ("account_id", "draft_id", "record_id", "created_at"):
        op.create_index(f"ix_uploads_{column}", "uploads", [column])
    op.create_table(
        "draft_invitations",
        _text("token_hash", 64),
        _text("id", 32),
        _text("draft_id", 32),
        _text("email", 320),
        _text("invited_by", 32),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _of("draft_invitations", "draft_id", "drafts"),
        _of("draft_invitations", "invited_by", "accounts"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_draft_invitations"),
        sa.UniqueConstraint("id", name="uq_draft_invitations_id"),
    )
    for column in ("draft_id", "invited_by"):
        op.create_index(f"ix_draft_invitations_{column}", "draft_invitations", [column])


def _text(name: str, length: int) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=False)


def _of(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}", ondelete=ondelete)


def downgrade() -> None:
    op.drop_table("draft_invitations")
    op.drop_table("uploads")
