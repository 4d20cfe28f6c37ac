"""Profiles of experts: whose they are, what proves them, whether they still hold."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "profiles",
        _text("account_id", 32),
        _text("record_id", 200),
        _text("state", 10),
        sa.Column("note", sa.Text, nullable=False),
        _moment("asked_at"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_profiles_account_id_accounts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_profiles"),
    )
    op.create_table(
        "profile_upkeep",
        _text("record_id", 200),
        _text("absence", 20),
        _text("asked", 60),
        _text("link_hash", 64),
        _moment("link_until", nullable=True),
        sa.PrimaryKeyConstraint("record_id", name="pk_profile_upkeep"),
    )
    op.create_table(
        "profile_proofs",
        _text("expert_id", 200),
        _text("record_id", 200),
        _text("state", 10),
        sa.Column("part", JSON, nullable=False),
        _moment("asked_at"),
        _moment("decided_at", nullable=True),
        _text("decided_by", 32),
        sa.PrimaryKeyConstraint("expert_id", "record_id", name="pk_profile_proofs"),
    )
    for table, column in (
        ("profiles", "record_id"), ("profiles", "state"), ("profile_upkeep", "link_hash"),
        ("profile_proofs", "record_id"), ("profile_proofs", "state"),
    ):  # fmt: skip
        op.create_index(f"ix_{table}_{column}", table, [column])
    kept = sa.text("state = 'kept'")
    op.create_index(
        "uq_profiles_kept", "profiles", ["record_id"], unique=True, sqlite_where=kept, postgresql_where=kept
    )


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, nullable=nullable)


def downgrade() -> None:
    for table in ("profile_proofs", "profile_upkeep", "profiles"):
        op.drop_table(table)
