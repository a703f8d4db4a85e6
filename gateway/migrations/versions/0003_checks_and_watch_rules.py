"""Checks before an incident, rules by area, tier and elder, and an elder's status over time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = '0003'
down_revision = '0002'

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    _checks()
    _statuses()
    _watch_rules()
    _columns()


def _checks() -> None:
    op.create_table('checks',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('purpose', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=400), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('result', sa.String(length=20), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('elder_id', sa.String(length=64), nullable=True),
    sa.Column('home_id', sa.String(length=64), nullable=True),
    sa.Column('area_id', sa.String(length=64), nullable=True),
    sa.Column('device_id', sa.String(length=64), nullable=True),
    sa.Column('finding', sa.JSON(), nullable=False),
    sa.Column('whose', sa.JSON(), nullable=False),
    sa.Column('opened_at', UtcDateTime(), nullable=False),
    sa.Column('due_at', UtcDateTime(), nullable=True),
    sa.Column('due_delay_s', sa.Integer(), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=True),
    sa.Column('asked', sa.Integer(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('ended_by', sa.String(length=100), nullable=True),
    sa.Column('incident_id', sa.String(length=64), nullable=True),
    sa.CheckConstraint("state = 'ended' OR due_at IS NOT NULL", name=op.f('ck_checks_deadline')),
    sa.CheckConstraint("state <> 'ended' OR result IS NOT NULL", name=op.f('ck_checks_result')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checks'))
    )
    with op.batch_alter_table('checks', schema=None) as batch_op:
        batch_op.create_index('ix_checks_due', ['due_at'], unique=False)
        batch_op.create_index('ix_checks_opened', ['opened_at'], unique=False)
        for column in ('area_id', 'device_id', 'elder_id', 'home_id', 'incident_id'):
            batch_op.create_index(batch_op.f(f'ix_checks_{column}'), [column], unique=False)
        batch_op.create_index('uq_checks_running', ['subject', 'kind', 'purpose'], unique=True, sqlite_where=sa.text("state <> 'ended'"), postgresql_where=sa.text("state <> 'ended'"))


def _statuses() -> None:
    op.create_table('elder_statuses',
    sa.Column('id', _SERIAL, autoincrement=True, nullable=False),
    sa.Column('elder_id', sa.String(length=64), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('until', UtcDateTime(), nullable=True),
    sa.Column('actor', sa.String(length=100), nullable=False),
    sa.Column('actor_id', sa.String(length=64), nullable=True),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('text', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['elder_id'], ['elders.id'], name=op.f('fk_elder_statuses_elder_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_elder_statuses'))
    )
    with op.batch_alter_table('elder_statuses', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_elder_statuses_elder_id'), ['elder_id'], unique=False)


def _watch_rules() -> None:
    op.create_table('watch_rules',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('area_id', sa.String(length=64), nullable=True),
    sa.Column('tier', sa.String(length=40), nullable=True),
    sa.Column('elder_id', sa.String(length=64), nullable=True),
    sa.Column('rules', sa.JSON(), nullable=False),
    sa.Column('effective_from', UtcDateTime(), nullable=False),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('applied_at', UtcDateTime(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('forecast', sa.JSON(), nullable=False),
    sa.Column('created_by', sa.String(length=64), nullable=False),
    sa.Column('created_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['area_id'], ['areas.id'], name=op.f('fk_watch_rules_area_id')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_watch_rules_created_by')),
    sa.ForeignKeyConstraint(['elder_id'], ['elders.id'], name=op.f('fk_watch_rules_elder_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_watch_rules'))
    )
    with op.batch_alter_table('watch_rules', schema=None) as batch_op:
        for column in ('area_id', 'effective_from', 'elder_id'):
            batch_op.create_index(batch_op.f(f'ix_watch_rules_{column}'), [column], unique=False)


def _columns() -> None:
    with op.batch_alter_table('devices', schema=None) as batch_op:
        batch_op.add_column(sa.Column('inherited', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('resting_since', UtcDateTime(), nullable=True))
    devices = sa.table('devices', sa.column('inherited', sa.JSON()))
    op.execute(devices.update().values(inherited={}))
    with op.batch_alter_table('devices', schema=None) as batch_op:
        batch_op.alter_column('inherited', existing_type=sa.JSON(), nullable=False)
    with op.batch_alter_table('elders', schema=None) as batch_op:
        batch_op.add_column(sa.Column('status_since', UtcDateTime(), nullable=True))
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.add_column(sa.Column('check_id', sa.String(length=64), nullable=True))
        batch_op.create_index(batch_op.f('ix_notices_check_id'), ['check_id'], unique=False)
