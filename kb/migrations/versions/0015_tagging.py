"""Tagging: suggestions, decisions, disputes, samples that two people read, and what was learnt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
VALUE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table('tag_learnt',
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('base', sa.String(length=100), nullable=False),
    sa.Column('fitted_at', MOMENT, nullable=False),
    sa.Column('decisions', sa.Integer(), nullable=False),
    sa.Column('records', sa.Integer(), nullable=False),
    sa.Column('last_decision_id', sa.Integer(), nullable=False),
    sa.Column('offsets', sa.LargeBinary(), nullable=False),
    sa.Column('report', VALUE, nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('version', name='pk_tag_learnt')
    )
    op.create_table('tag_samples',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('drawn_by', sa.String(length=40), nullable=False),
    sa.Column('drawn_at', MOMENT, nullable=False),
    sa.Column('rule', VALUE, nullable=False),
    sa.PrimaryKeyConstraint('id', name='pk_tag_samples')
    )
    op.create_table('tag_switches',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('at', MOMENT, nullable=False),
    sa.Column('comment', sa.String(length=2000), nullable=False),
    sa.PrimaryKeyConstraint('id', name='pk_tag_switches')
    )
    op.create_table('tag_bulks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('begun_at', MOMENT, nullable=False),
    sa.Column('rule', VALUE, nullable=False),
    sa.Column('seed', sa.Integer(), nullable=False),
    sa.Column('stage', sa.String(length=12), nullable=False),
    sa.Column('comment', sa.String(length=2000), nullable=False),
    sa.Column('accepted_at', MOMENT, nullable=True),
    sa.Column('undone_by', sa.String(length=40), nullable=False),
    sa.Column('undone_at', MOMENT, nullable=True),
    sa.PrimaryKeyConstraint('id', name='pk_tag_bulks')
    )
    op.create_index('ix_tag_bulks_account_id', 'tag_bulks', ['account_id'])
    op.create_index('ix_tag_bulks_stage', 'tag_bulks', ['stage'])
    op.create_table('tag_bulk_items',
    sa.Column('bulk_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('record_id', sa.String(length=200), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('confidence', sa.Double(), nullable=False),
    sa.Column('suggestion_id', sa.Integer(), nullable=False),
    sa.Column('seen', sa.Integer(), nullable=False),
    sa.Column('sample', sa.Integer(), nullable=True),
    sa.Column('is_right', sa.Boolean(), nullable=True),
    sa.Column('outcome', sa.String(length=12), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('decision_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['bulk_id'], ['tag_bulks.id'], name='fk_tag_bulk_items_bulk_id_tag_bulks', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name='fk_tag_bulk_items_record_id_records', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('bulk_id', 'position', name='pk_tag_bulk_items')
    )
    op.create_index('ix_tag_bulk_items_bulk_id_outcome', 'tag_bulk_items', ['bulk_id', 'outcome'])
    op.create_index('ix_tag_bulk_items_decision_id', 'tag_bulk_items', ['decision_id'])
    op.create_index('ix_tag_bulk_items_record_id', 'tag_bulk_items', ['record_id'])
    op.create_table('tag_cases',
    sa.Column('record_id', sa.String(length=200), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('type', sa.String(length=20), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('region', sa.String(length=60), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('city_id', sa.String(length=200), nullable=False),
    sa.Column('year', sa.Integer(), nullable=True),
    sa.Column('stage', sa.String(length=12), nullable=False),
    sa.Column('disputed', sa.Boolean(), nullable=False),
    sa.Column('stale', sa.Boolean(), nullable=False),
    sa.Column('text_key', sa.String(length=32), nullable=False),
    sa.Column('decided_key', sa.String(length=32), nullable=False),
    sa.Column('suggestion_id', sa.Integer(), nullable=True),
    sa.Column('open', sa.Integer(), nullable=False),
    sa.Column('confidence', sa.Double(), nullable=False),
    sa.Column('waiting', VALUE, nullable=False),
    sa.Column('marker', sa.String(length=1), nullable=False),
    sa.Column('goals', sa.String(length=80), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('since', MOMENT, nullable=False),
    sa.Column('decided_at', MOMENT, nullable=True),
    sa.Column('assignee_id', sa.String(length=32), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name='fk_tag_cases_record_id_records', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('record_id', name='pk_tag_cases')
    )
    op.create_index('ix_tag_cases_assignee_id', 'tag_cases', ['assignee_id'])
    op.create_index('ix_tag_cases_confidence_record_id', 'tag_cases', ['confidence', 'record_id'])
    op.create_index('ix_tag_cases_country', 'tag_cases', ['country'])
    op.create_index('ix_tag_cases_since_record_id', 'tag_cases', ['since', 'record_id'])
    op.create_index('ix_tag_cases_year', 'tag_cases', ['year'])
    op.create_index('ix_tag_cases_stage_confidence', 'tag_cases', ['stage', 'confidence'])
    op.create_index('ix_tag_cases_stale', 'tag_cases', ['stale'])
    op.create_table('tag_decisions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('record_id', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('action', sa.String(length=12), nullable=False),
    sa.Column('before', VALUE, nullable=True),
    sa.Column('after', VALUE, nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('suggestion_id', sa.Integer(), nullable=True),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('confidence', sa.Double(), nullable=True),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('at', MOMENT, nullable=False),
    sa.Column('comment', sa.String(length=2000), nullable=False),
    sa.Column('text_key', sa.String(length=32), nullable=False),
    sa.Column('follows_id', sa.Integer(), nullable=True),
    sa.Column('undone_by', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name='fk_tag_decisions_record_id_records', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_tag_decisions')
    )
    op.create_index('ix_tag_decisions_account_id', 'tag_decisions', ['account_id'])
    op.create_index('ix_tag_decisions_at', 'tag_decisions', ['at'])
    op.create_index('ix_tag_decisions_record_id_kind_key', 'tag_decisions', ['record_id', 'kind', 'key'])
    op.create_table('tag_disputes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('record_id', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('tag', VALUE, nullable=False),
    sa.Column('reason', sa.String(length=2000), nullable=False),
    sa.Column('raised_by', sa.String(length=40), nullable=False),
    sa.Column('raised_at', MOMENT, nullable=False),
    sa.Column('outcome', sa.String(length=12), nullable=False),
    sa.Column('closed_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name='fk_tag_disputes_record_id_records', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_tag_disputes')
    )
    op.create_index('ix_tag_disputes_outcome', 'tag_disputes', ['outcome'])
    op.create_index('ix_tag_disputes_record_id', 'tag_disputes', ['record_id'])
    op.create_table('tag_readings',
    sa.Column('sample_id', sa.Integer(), nullable=False),
    sa.Column('record_id', sa.String(length=200), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('tags', VALUE, nullable=False),
    sa.Column('at', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name='fk_tag_readings_record_id_records', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['sample_id'], ['tag_samples.id'], name='fk_tag_readings_sample_id_tag_samples', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('sample_id', 'record_id', 'account_id', name='pk_tag_readings')
    )
    op.create_table('tag_sample_records',
    sa.Column('sample_id', sa.Integer(), nullable=False),
    sa.Column('record_id', sa.String(length=200), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name='fk_tag_sample_records_record_id_records', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['sample_id'], ['tag_samples.id'], name='fk_tag_sample_records_sample_id_tag_samples', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('sample_id', 'record_id', name='pk_tag_sample_records')
    )
    op.create_table('tag_suggestions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('record_id', sa.String(length=200), nullable=False),
    sa.Column('text_key', sa.String(length=32), nullable=False),
    sa.Column('model', sa.String(length=100), nullable=False),
    sa.Column('at', MOMENT, nullable=False),
    sa.Column('result', VALUE, nullable=False),
    sa.Column('vector', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['record_id'], ['records.id'], name='fk_tag_suggestions_record_id_records', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name='pk_tag_suggestions')
    )
    op.create_index('ix_tag_suggestions_record_id', 'tag_suggestions', ['record_id'])
    op.create_table('tag_verdicts',
    sa.Column('dispute_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('verdict', sa.String(length=12), nullable=False),
    sa.Column('code', sa.String(length=40), nullable=False),
    sa.Column('comment', sa.String(length=2000), nullable=False),
    sa.Column('at', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['dispute_id'], ['tag_disputes.id'], name='fk_tag_verdicts_dispute_id_tag_disputes', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('dispute_id', 'account_id', name='pk_tag_verdicts')
    )
    


def downgrade() -> None:
    op.drop_table('tag_verdicts')
    op.drop_table('tag_suggestions')
    op.drop_table('tag_sample_records')
    op.drop_table('tag_readings')
    op.drop_table('tag_disputes')
    op.drop_table('tag_decisions')
    op.drop_table('tag_cases')
    op.drop_table('tag_bulk_items')
    op.drop_table('tag_bulks')
    op.drop_table('tag_switches')
    op.drop_table('tag_samples')
    op.drop_table('tag_learnt')
