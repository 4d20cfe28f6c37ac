"""People: accounts, sessions, mail, audit log, the site's settings, drafts."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _accounts()
    _sessions()
    _site()
    _drafts()


def _accounts() -> None:
    op.create_table(
        "accounts",
        _text("id", 32),
        _text("email", 320),
        _text("name", 200),
        _text("language", 2),
        _text("state", 20),
        _text("password", 200),
        _text("totp_key", 64),
        _number("totp_step"),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
    )
    op.create_table(
        "account_roles",
        _text("account_id", 32),
        _text("role", 20),
        _text("organisation_id", 200),
        _of("account_roles", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("account_id", "role", "organisation_id", name="pk_account_roles"),
    )


def _sessions() -> None:
    op.create_table(
        "account_sessions",
        _text("token_hash", 64),
        _text("id", 32),
        _text("account_id", 32),
        sa.Column("strong", sa.Boolean, nullable=False),
        _text("browser", 200),
        _moment("created_at"),
        _moment("seen_at"),
        _of("account_sessions", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_account_sessions"),
        sa.UniqueConstraint("id", name="uq_account_sessions_id"),
    )
    op.create_table(
        "account_codes",
        _text("token_hash", 64),
        _text("account_id", 32),
        _text("purpose", 20),
        sa.Column("data", JSON, nullable=False),
        _moment("expires_at"),
        _of("account_codes", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_account_codes"),
    )
    op.create_table(
        "account_recovery_codes",
        _text("account_id", 32),
        _text("code_hash", 64),
        _of("account_recovery_codes", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name="pk_account_recovery_codes"),
    )
    op.create_table(
        "account_api_tokens",
        _text("token_hash", 64),
        _text("id", 32),
        _text("account_id", 32),
        _text("name", 100),
        _text("scopes", 500),
        sa.Column("strong", sa.Boolean, nullable=False),
        _moment("created_at"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _of("account_api_tokens", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_account_api_tokens"),
        sa.UniqueConstraint("id", name="uq_account_api_tokens_id"),
    )
    for table in ("account_sessions", "account_codes", "account_api_tokens"):
        op.create_index(f"ix_{table}_account_id", table, ["account_id"])


def _site() -> None:
    op.create_table(
        "audit",
        _number("id"),
        _moment("at"),
        _text("actor", 32),
        _text("action", 50),
        _text("subject", 200),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    for column in ("at", "actor", "action", "subject"):
        op.create_index(f"ix_audit_{column}", "audit", [column])
    op.create_table(
        "mails",
        _number("id"),
        _text("key", 200),
        _text("recipient", 320),
        _text("subject", 500),
        sa.Column("text", sa.Text, nullable=False),
        _moment("created_at"),
        _moment("due_at", nullable=True),
        _number("attempts"),
        _moment("sent_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.UniqueConstraint("key", name="uq_mails_key"),
    )
    op.create_index("ix_mails_due_at", "mails", ["due_at"])
    op.create_table(
        "rounds",
        _text("name", 50),
        _moment("begun_at"),
        sa.PrimaryKeyConstraint("name", name="pk_rounds"),
    )
    op.create_table(
        "site",
        _text("name", 50),
        sa.Column("data", JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_site"),
    )


def _drafts() -> None:
    op.create_table(
        "drafts",
        _text("id", 32),
        _text("record_id", 200),
        _number("base_revision"),
        _text("type", 20),
        _text("language", 2),
        _text("stage", 20),
        sa.Column("data", JSON, nullable=False),
        _number("version"),
        _text("owner_id", 32),
        _text("saved_by", 32),
        _text("assignee_id", 32),
        sa.Column("due_on", sa.Date),
        _moment("publish_at", nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _moment("submitted_at", nullable=True),
        _of("drafts", "owner_id", "accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
    )
    for column in ("record_id", "stage", "owner_id", "assignee_id", "updated_at"):
        op.create_index(f"ix_drafts_{column}", "drafts", [column])
    op.create_table(
        "draft_authors",
        _text("draft_id", 32),
        _text("account_id", 32),
        _of("draft_authors", "draft_id", "drafts"),
        _of("draft_authors", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("draft_id", "account_id", name="pk_draft_authors"),
    )
    op.create_table(
        "record_owners",
        _text("record_id", 200),
        _text("account_id", 32),
        _of("record_owners", "account_id", "accounts"),
        sa.PrimaryKeyConstraint("record_id", "account_id", name="pk_record_owners"),
    )
    for table in ("draft_authors", "record_owners"):
        op.create_index(f"ix_{table}_account_id", table, ["account_id"])


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, MOMENT, nullable=nullable)


def _of(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}", ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in (
        "record_owners", "draft_authors", "drafts", "site", "rounds", "mails", "audit", "account_api_tokens",
        "account_recovery_codes", "account_codes", "account_sessions", "account_roles", "accounts",
    ):  # fmt: skip
        op.drop_table(table)
