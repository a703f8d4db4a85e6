"""Water that does not come: interruptions, and what devices know of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    op.create_table('interruptions',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('area_id', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('begins_at', UtcDateTime(), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('due_at', UtcDateTime(), nullable=True),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.Column('created_by', sa.String(length=100), nullable=False),
    sa.Column('created_by_id', sa.String(length=64), nullable=True),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('ended_by', sa.String(length=100), nullable=True),
    sa.Column('ended_why', sa.String(length=20), nullable=True),
    sa.CheckConstraint("state <> 'recorded' OR due_at IS NOT NULL", name=op.f('ck_interruptions_deadline')),
    sa.CheckConstraint("state <> 'recorded' OR until IS NOT NULL", name=op.f('ck_interruptions_until')),
    sa.ForeignKeyConstraint(['area_id'], ['areas.id'], name=op.f('fk_interruptions_area_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_interruptions'))
    )
    with op.batch_alter_table('interruptions', schema=None) as batch_op:
        for column in ('area_id', 'due_at'):
            batch_op.create_index(batch_op.f(f'ix_interruptions_{column}'), [column], unique=False)
        batch_op.create_index('ix_interruptions_state', ['state', 'begins_at'], unique=False)
        batch_op.create_index('uq_interruptions_suspected', ['area_id', 'kind'], unique=True, sqlite_where=sa.text("state = 'suspected'"), postgresql_where=sa.text("state = 'suspected'"))
    with op.batch_alter_table('devices', schema=None) as batch_op:
        batch_op.add_column(sa.Column('dry_since', UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column('flowed_at', UtcDateTime(), nullable=True))
