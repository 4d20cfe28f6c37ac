"""The editorial desk: comments on drafts, and who approved what is on the schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("drafts", sa.Column("approved_by", sa.String(32), nullable=False, server_default=""))
    op.create_table(
        "draft_comments",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("draft_id", sa.String(32), nullable=False),
        sa.Column("field", sa.String(200), nullable=False),
        sa.Column("author_id", sa.String(32), nullable=False),
        sa.Column("answers_id", sa.Integer),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("is_request", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("settled_by", sa.String(32), nullable=False),
        _of("draft_id", "drafts"),
        _of("author_id", "accounts"),
        _of("answers_id", "draft_comments"),
        sa.PrimaryKeyConstraint("id", name="pk_draft_comments"),
    )
    for column in ("draft_id", "author_id", "answers_id"):
        op.create_index(f"ix_draft_comments_{column}", "draft_comments", [column])


def _of(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=f"fk_draft_comments_{column}_{target}", ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table("draft_comments")
    op.drop_column("drafts", "approved_by")
