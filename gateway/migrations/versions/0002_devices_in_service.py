"""Devices in service: tests, a log, commands, supervision, and what a platform pushes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    _new_tables()
    _add('areas', [
        sa.Column('alert_until', UtcDateTime(), nullable=True),
        sa.Column('alert_reason', sa.String(length=200), nullable=True),
    ])
    _add('device_states', [sa.Column('interval_s', sa.Integer(), nullable=True)])
    _add('devices', [
        sa.Column('supervisable', sa.Boolean(), nullable=True),
        sa.Column('replaces_id', sa.String(length=64), nullable=True),
        sa.Column('in_service_at', UtcDateTime(), nullable=True),
        sa.Column('tested_at', UtcDateTime(), nullable=True),
        sa.Column('retired_at', UtcDateTime(), nullable=True),
        sa.Column('seen_under', sa.String(length=400), nullable=True),
    ], filled=[
        (sa.Column('model', sa.String(length=200)), ''),
        (sa.Column('vendor', sa.String(length=200)), ''),
        (sa.Column('firmware', sa.String(length=100)), ''),
    ])
    with op.batch_alter_table('devices', schema=None) as batch_op:
        batch_op.create_index('ix_devices_child_id', ['child_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_devices_replaces_id'), ['replaces_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_devices_replaces_id'), 'devices', ['replaces_id'], ['id'])
    _add('elders', [], filled=[(sa.Column('rules', sa.JSON()), {})])
    _add('hazards', [
        sa.Column('device_id', sa.String(length=64), nullable=True),
        sa.Column('code', sa.String(length=40), nullable=True),
    ])
    with op.batch_alter_table('hazards', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hazards_device_id'), ['device_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_hazards_device_id'), 'devices', ['device_id'], ['id'])
    _add('homes', [
        sa.Column('latitude', sa.Double(), nullable=True),
        sa.Column('longitude', sa.Double(), nullable=True),
        sa.Column('fence_m', sa.Integer(), nullable=True),
    ])
    _add('sources', [], filled=[
        (sa.Column('active', sa.Boolean()), True),
        (sa.Column('only_listed', sa.Boolean()), False),
        (sa.Column('push_generation', sa.Integer()), 1),
    ])


def _add(
    table: str,
    columns: Sequence[sa.Column[Any]],
    *,
    filled: Sequence[tuple[sa.Column[Any], Any]] = (),
) -> None:
    """Add columns; those in `filled` are NOT NULL, with a value for the rows that exist."""
    with op.batch_alter_table(table, schema=None) as batch_op:
        for column in [*columns, *(column for column, _ in filled)]:
            batch_op.add_column(column)
    for column, value in filled:
        rows = sa.table(table, sa.column(column.name, column.type))
        op.execute(rows.update().values({column.name: value}))
    if filled:
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column, _ in filled:
                batch_op.alter_column(column.name, existing_type=column.type, nullable=False)


def _new_tables() -> None:
    op.create_table('device_commands',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('device_id', sa.String(length=64), nullable=False),
    sa.Column('command', sa.String(length=40), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('requested_by', sa.String(length=64), nullable=False),
    sa.Column('requested_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.Column('sent_at', UtcDateTime(), nullable=True),
    sa.Column('answered_at', UtcDateTime(), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['device_id'], ['devices.id'], name=op.f('fk_device_commands_device_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['users.id'], name=op.f('fk_device_commands_requested_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_commands'))
    )
    with op.batch_alter_table('device_commands', schema=None) as batch_op:
        batch_op.create_index('ix_device_commands_device', ['device_id', 'requested_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_device_commands_expires_at'), ['expires_at'], unique=False)

    op.create_table('device_log',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('device_id', sa.String(length=64), nullable=False),
    sa.Column('at', UtcDateTime(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('actor', sa.String(length=100), nullable=False),
    sa.Column('actor_id', sa.String(length=64), nullable=True),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['device_id'], ['devices.id'], name=op.f('fk_device_log_device_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_log'))
    )
    with op.batch_alter_table('device_log', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_device_log_device_id'), ['device_id'], unique=False)

    op.create_table('device_tests',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('device_id', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('user_id', sa.String(length=64), nullable=False),
    sa.Column('opened_at', UtcDateTime(), nullable=False),
    sa.Column('expires_at', UtcDateTime(), nullable=False),
    sa.Column('consumed_at', UtcDateTime(), nullable=True),
    sa.Column('ended_at', UtcDateTime(), nullable=True),
    sa.Column('result', sa.String(length=20), nullable=False),
    sa.Column('notice_id', sa.String(length=64), nullable=True),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['device_id'], ['devices.id'], name=op.f('fk_device_tests_device_id')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_device_tests_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_device_tests'))
    )
    with op.batch_alter_table('device_tests', schema=None) as batch_op:
        batch_op.create_index('ix_device_tests_device', ['device_id', 'opened_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_device_tests_expires_at'), ['expires_at'], unique=False)
        batch_op.create_index('uq_device_tests_open', ['device_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('supervision',
    sa.Column('elder_id', sa.String(length=64), nullable=False),
    sa.Column('since', UtcDateTime(), nullable=False),
    sa.Column('due_at', UtcDateTime(), nullable=True),
    sa.Column('incident_id', sa.String(length=64), nullable=True),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['elder_id'], ['elders.id'], name=op.f('fk_supervision_elder_id')),
    sa.PrimaryKeyConstraint('elder_id', name=op.f('pk_supervision'))
    )
    with op.batch_alter_table('supervision', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_supervision_due_at'), ['due_at'], unique=False)
