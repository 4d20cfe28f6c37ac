"""What the database alone finds records by, while the search index is away; made for the records that are there."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from kb.records import lookups
from kb.records.values import read

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BATCH = 500
RECORDS = sa.table(
    "records",
    sa.column("id", sa.String),
    sa.column("status", sa.String),
    sa.column("data", sa.JSON().with_variant(JSONB(), "postgresql")),
)


def upgrade() -> None:
    table = op.create_table(
        "lookups",
        sa.Column("record_id", sa.String(200), nullable=False),
        sa.Column("type", sa.String(20), nullable=False),
        sa.Column("city_id", sa.String(200), nullable=False),
        sa.Column("dated", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Double) for name in ("x", "y", "z")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("facets", "names", "place", "text")),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_lookups_record_id_records", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("record_id", name="pk_lookups"),
    )
    op.create_index("ix_lookups_type", "lookups", ["type"])
    for batch in _published(op.get_bind()):
        made = (lookups.values_of(read(data)) for data in batch)
        # A later version may make more columns than there are in this one.
        rows = [{name: value for name, value in values.items() if name in table.c} for values in made]
        op.get_bind().execute(sa.insert(table), rows)


def downgrade() -> None:
    op.drop_table("lookups")


def _published(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    query = sa.select(RECORDS.c.id, RECORDS.c.data).where(RECORDS.c.status == "published").order_by(RECORDS.c.id)
    after = ""
    while rows := connection.execute(query.where(RECORDS.c.id > after).limit(BATCH)).all():
        yield [row.data for row in rows]
        after = rows[-1].id
