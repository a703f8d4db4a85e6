"""The database session: one place commits, one type for times, one way to hint at changes."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, String, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

from core.errors import AnjuError
from core.turns import Courtesy, OneWriter, Turns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HINTS_KEY = "anju_hints"
_AFTER_KEY = "anju_after_commit"
T = TypeVar("T")
TRIES = 3
BeforeCommit = Callable[[AsyncSession, list[Any]], Any]


def to_micros(value: datetime) -> int:
    """Microseconds since 1970 UTC of a zone-aware time."""
    return (value - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The zone-aware UTC time of `to_micros`."""
    return _EPOCH + timedelta(microseconds=value)


class UtcDateTime(TypeDecorator[datetime]):
    """Zone-aware UTC in and out, on both databases.

    PostgreSQL keeps `timestamptz`. SQLite would drop the zone, so there it is an integer of
    microseconds since 1970, which also sorts and compares.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone must not be stored")
        return to_micros(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return from_micros(value)
        result: datetime = value.astimezone(UTC)
        return result


Id = String(64)
"""What every identifier fits into."""

Serial = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts by itself only for a column that is exactly INTEGER."""


class Base(DeclarativeBase):
    """Declarative base of every table; constraints have fixed names, so migrations can use them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[Any]: JSON(),
    }


class Database:
    """One engine and the two ways to use it: `transaction()` to change, `reading()` to look."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        options: dict[str, Any] = (
            {}
            if self.is_sqlite
            else {
                "pool_size": pool_size,
                "max_overflow": 10,
                "pool_pre_ping": True,
            }
        )
        # A driver's error would otherwise print names and addresses into the log.
        self.engine: AsyncEngine = create_async_engine(url, hide_parameters=True, **options)
        self._turns: Turns = OneWriter() if self.is_sqlite else Courtesy()
        self._before_commit: BeforeCommit | None = None
        self._listeners: list[Callable[[], None]] = []
        if self.is_sqlite:
            _prepare_sqlite(self.engine)

    def on_hints(self, writer: BeforeCommit, wake: Callable[[], None]) -> None:
        """`writer(session, hints)` stores hints just before a commit; `wake()` runs after it."""
        self._before_commit = writer
        self._listeners.append(wake)

    @asynccontextmanager
    async def transaction(self, *, patient: bool = False) -> AsyncIterator[AsyncSession]:
        """The only commit site. Entry points open it; everything below flushes.

        SQLite takes its write lock at once (`BEGIN IMMEDIATE`): a deferred read-then-write would
        fail with "database is locked" under load. Nothing may be sent to the world inside.
        `patient`: others of this process that want to write go first.
        """
        turn = self._turns.turn(patient=patient)
        async with turn, AsyncSession(self.engine, expire_on_commit=False) as session:
            # Also begins the transaction: the connect event says BEGIN IMMEDIATE on SQLite.
            await session.connection(execution_options={"anju_immediate": True})
            try:
                yield session
            except AnjuError as error:
                if not getattr(error, "keeps_changes", False):
                    raise
                hinted = await self._commit(session)
                self._announce(session, hinted)
                raise
            hinted = await self._commit(session)
        self._announce(session, hinted)

    async def settle(
        self, action: Callable[[AsyncSession], Awaitable[T]], *, patient: bool = False
    ) -> T:
        """`action` in a transaction of its own, begun again when the database broke it off.

        Two that wait for each other are found out after a second, and one of them is rolled back:
        nothing of it happened, so it is done anew, `TRIES` times in all. For what may be repeated
        whole: an item of a sweep, not what a person typed, who is told to try again.
        """
        for tries_left in reversed(range(TRIES)):
            try:
                async with self.transaction(patient=patient) as session:
                    return await action(session)
            except DBAPIError as error:
                if not (tries_left and was_broken_off(error)):
                    raise
        raise AssertionError("unreachable")

    async def _commit(self, session: AsyncSession) -> bool:
        await session.flush()
        hints: list[Any] = session.info.pop(_HINTS_KEY, [])
        if hints and self._before_commit is not None:
            await self._before_commit(session, hints)
        await session.commit()
        return bool(hints)

    def _announce(self, session: AsyncSession, hinted: bool) -> None:
        for action in session.info.pop(_AFTER_KEY, []):
            action()
        if hinted:
            for wake in self._listeners:
                wake()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session to look with; whatever it changed is rolled back."""
        async with AsyncSession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    async def ping(self) -> None:
        """Raises whatever the driver raises when the database cannot be asked."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def was_broken_off(error: DBAPIError) -> bool:
    """Whether PostgreSQL ended a transaction in favour of another: a deadlock, or a serialization
    failure. Nothing of it was stored, and it may succeed at once."""
    return getattr(error.orig, "sqlstate", None) in ("40P01", "40001")


def add_hint(session: AsyncSession, hint: Any) -> None:
    """Remember that something changed; written and announced when the transaction commits."""
    session.info.setdefault(_HINTS_KEY, []).append(hint)


def after_commit(session: AsyncSession, action: Callable[[], None]) -> None:
    """Run `action` once the transaction has committed; never when it rolled back."""
    session.info.setdefault(_AFTER_KEY, []).append(action)


def _prepare_sqlite(engine: AsyncEngine) -> None:
    """WAL with full durability, waiting writers, foreign keys, and explicit BEGIN.

    `synchronous=FULL`: an acknowledged message must survive a power cut, not only a crash.
    """

    @event.listens_for(engine.sync_engine, "do_connect")
    def _can_be_opened(_dialect: Any, _record: Any, args: Any, options: Any) -> None:
        # Where a file cannot be opened, aiosqlite leaves its thread to report to an event loop
        # that may be closed by then: a traceback in place of our one line. So we look first.
        with contextlib.closing(sqlite3.connect(args[0], uri=options.get("uri", False))):
            pass

    @event.listens_for(engine.sync_engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=10000",
            "foreign_keys=ON",
            "cache_size=-65536",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("anju_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
