"""Translations that wait at the desk; external links and how they answered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from kb.records import lookups
from kb.records.values import read

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
RECORDS = sa.table(
    "records",
    sa.column("id", sa.String),
    sa.column("status", sa.String),
    sa.column("data", sa.JSON().with_variant(JSONB(), "postgresql")),
)
TRANSLATIONS = sa.table("translations", sa.column("record_id", sa.String), sa.column("machine", sa.Boolean))
LOOKUPS = sa.table("lookups", *(sa.column(name, sa.String) for name in ("record_id", "facets", "names", "text")))


def upgrade() -> None:
    op.create_table(
        "draft_translations",
        sa.Column("draft_id", sa.String(32), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["drafts.id"], name="fk_draft_translations_draft_id_drafts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("draft_id", name="pk_draft_translations"),
    )
    _links()
    _hide_unchecked()


def _links() -> None:
    op.create_table(
        "link_checks",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", sa.String(300), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("checked_at", MOMENT),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", MOMENT),
        sa.Column("fine", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_link_checks"),
    )
    op.create_index("ix_link_checks_due_at", "link_checks", ["due_at"])
    op.create_table(
        "link_places",
        sa.Column("record_id", sa.String(200), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        _of("link_places", "record_id", "records.id"),
        _of("link_places", "key", "link_checks.key"),
        sa.PrimaryKeyConstraint("record_id", "key", name="pk_link_places"),
    )
    op.create_index("ix_link_places_key", "link_places", ["key"])
    op.create_table(
        "link_scans",
        sa.Column("record_id", sa.String(200), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        _of("link_scans", "record_id", "records.id"),
        sa.PrimaryKeyConstraint("record_id", name="pk_link_scans"),
    )


def _hide_unchecked() -> None:
    """What a machine translated and no person has read is no longer found by the database either."""
    machines = sa.select(TRANSLATIONS.c.record_id).where(TRANSLATIONS.c.machine)
    wanted = sa.select(RECORDS.c.data).where(RECORDS.c.status == "published", RECORDS.c.id.in_(machines))
    for data in op.get_bind().execute(wanted).scalars().all():
        values = lookups.values_of(read(data))
        seen = {name: values[name] for name in ("facets", "names", "text")}
        op.get_bind().execute(sa.update(LOOKUPS).where(LOOKUPS.c.record_id == values["record_id"]).values(seen))


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{target.split('.')[0]}"
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete="CASCADE")


def downgrade() -> None:
    for table in ("link_scans", "link_places", "link_checks", "draft_translations"):
        op.drop_table(table)
