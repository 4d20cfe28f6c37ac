"""Records, their revisions, links and translations; the outbox and the leases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def _record_id(table: str, column: str = "record_id") -> list[sa.schema.SchemaItem]:
    name = f"fk_{table}_{column}_records"
    return [
        sa.Column(column, sa.String(200), nullable=False),
        sa.ForeignKeyConstraint([column], ["records.id"], name=name, ondelete="CASCADE"),
    ]


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("text_revision", sa.Integer, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("published_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
    )
    op.create_index("ix_records_status_type_id", "records", ["status", "type", "id"])
    op.create_table(
        "revisions",
        *_record_id("revisions"),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("comment", sa.String(2000), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("record_id", "number", name="pk_revisions"),
    )
    op.create_table(
        "links",
        *_record_id("links", "source_id"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("relation", sa.String(20), nullable=False),
        sa.Column("target_id", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "position", name="pk_links"),
    )
    op.create_index("ix_links_target_id", "links", ["target_id"])
    op.create_table(
        "translations",
        *_record_id("translations"),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("source_revision", sa.Integer, nullable=False),
        sa.Column("machine", sa.Boolean, nullable=False),
        sa.Column("translator", sa.String(200)),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("record_id", "language", name="pk_translations"),
    )
    op.create_table(
        "index_jobs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("record_id", sa.String(200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_index_jobs"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("held_until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def downgrade() -> None:
    for table in ("leases", "index_jobs", "translations", "links", "revisions", "records"):
        op.drop_table(table)
