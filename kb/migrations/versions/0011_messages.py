"""Messages between people: conversations, inboxes, blocks, reports."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _conversations()
    _guests()
    _moderation()


def _conversations() -> None:
    op.create_table(
        "message_threads",
        _text("id", 32),
        _text("subject", 200),
        _text("record_id", 200),
        _text("reach", 10),
        _moment("started_at"),
        _moment("last_at"),
        _moment("told_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_message_threads"),
    )
    op.create_index("ix_message_threads_record_id", "message_threads", ["record_id"])
    op.create_index("ix_message_threads_last_at", "message_threads", ["last_at"])
    op.create_table(
        "message_members",
        _text("thread_id", 32),
        _text("account_id", 32),
        _text("side", 10),
        _flag("archived"),
        _of("message_members", "thread_id", "message_threads"),
        _of("message_members", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("thread_id", "account_id", name="pk_message_members"),
    )
    op.create_index("ix_message_members_account_id", "message_members", ["account_id"])
    op.create_table(
        "messages",
        _number("id"),
        _text("thread_id", 32),
        _text("side", 10),
        _text("author_id", 32),
        sa.Column("text", sa.Text, nullable=False),
        _moment("sent_at"),
        _of("messages", "thread_id", "message_threads"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
    )
    op.create_index("ix_messages_thread_id", "messages", ["thread_id"])
    op.create_index("ix_messages_author_id", "messages", ["author_id"])
    op.create_table(
        "message_deliveries",
        _number("message_id"),
        _text("account_id", 32),
        _flag("read"),
        _of("message_deliveries", "message_id", "messages"),
        _of("message_deliveries", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("message_id", "account_id", name="pk_message_deliveries"),
    )
    op.create_index("ix_message_deliveries_account_id", "message_deliveries", ["account_id"])


def _guests() -> None:
    op.create_table(
        "message_guests",
        _text("thread_id", 32),
        _text("email", 320),
        _text("name", 200),
        _text("language", 2),
        _of("message_guests", "thread_id", "message_threads"),
        sa.PrimaryKeyConstraint("thread_id", name="pk_message_guests"),
    )
    op.create_index("ix_message_guests_email", "message_guests", ["email"])
    op.create_table(
        "message_links",
        _text("token_hash", 64),
        _text("thread_id", 32),
        _moment("expires_at"),
        _of("message_links", "thread_id", "message_threads"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_message_links"),
    )
    op.create_index("ix_message_links_thread_id", "message_links", ["thread_id"])
    op.create_table(
        "message_refusals",
        _text("address_hash", 64),
        _moment("at"),
        sa.PrimaryKeyConstraint("address_hash", name="pk_message_refusals"),
    )


def _moderation() -> None:
    op.create_table(
        "message_blocks",
        _text("account_id", 32),
        _text("blocked_id", 32),
        _moment("at"),
        _of("message_blocks", "account_id", "accounts"),
        _of("message_blocks", "blocked_id", "accounts"),
        sa.PrimaryKeyConstraint("account_id", "blocked_id", name="pk_message_blocks"),
    )
    op.create_index("ix_message_blocks_blocked_id", "message_blocks", ["blocked_id"])
    op.create_table(
        "message_reports",
        _text("id", 32),
        _number("message_id"),
        _text("reporter_id", 32),
        _text("reason", 20),
        sa.Column("note", sa.Text, nullable=False),
        _moment("at"),
        _text("reader_id", 32),
        _text("outcome", 20),
        _moment("closed_at", nullable=True),
        _of("message_reports", "message_id", "messages"),
        sa.PrimaryKeyConstraint("id", name="pk_message_reports"),
    )
    for column in ("message_id", "reporter_id", "outcome"):
        op.create_index(f"ix_message_reports_{column}", "message_reports", [column])
    op.create_table(
        "message_settings",
        _text("account_id", 32),
        _flag("by_mail"),
        _flag("may_write"),
        _of("message_settings", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("account_id", name="pk_message_settings"),
    )
    op.create_index("ix_message_settings_may_write", "message_settings", ["may_write"])


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, nullable=nullable)


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}", ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in (
        "message_settings", "message_reports", "message_blocks", "message_refusals", "message_links", "message_guests",
        "message_deliveries", "messages", "message_members", "message_threads",
    ):  # fmt: skip
        op.drop_table(table)
