"""Users and their sign-in: who somebody is, proved by a password once and by a token after."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict, deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from care import queries
from care.model import Actor, Scope, UserRole
from care.permissions import SUPERVISED_ROLES
from care.queries import Sight
from care.reach import normal_phone
from care.tables import Area, LoginSession, User
from core.clock import Clock
from core.errors import AnjuError, Conflict, InvalidInput, NotAllowed
from core.ids import new_id

TOKEN_LIFETIME = timedelta(hours=12)
"""A shift and its handover; the contract promises at least 8 h."""

MIN_PASSWORD, MAX_PASSWORD = 6, 200
_MAX_FAILURES, _WITHIN_S, _MAX_NAMES = 10, 300.0, 10_000

_hasher = PasswordHasher()
# Each argon2 run takes 64 MiB: a crowd signing in waits its turn and does not eat the memory.
_workers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="password")
_NOBODYS_HASH = _hasher.hash(secrets.token_urlsafe(16))


class TooManyAttempts(AnjuError):
    """Too many wrong passwords for one name; `retry_after_s` says when to come back."""

    code = "too_many_attempts"

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"too many failed sign-ins for this name; try again in {retry_after_s} s")


class SignInAttempts:
    """Counts failures per user name, in memory: a restart forgives, a guesser is slowed enough."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, username: str) -> None:
        """Raises `TooManyAttempts` after 10 failures within 5 minutes."""
        now = self._clock.monotonic()
        times = self._failures.get(username)
        if times is None:
            return
        while times and now - times[0] >= _WITHIN_S:
            times.popleft()
        if len(times) >= _MAX_FAILURES:
            raise TooManyAttempts(max(1, round(_WITHIN_S - (now - times[0]))))

    def failed(self, username: str) -> None:
        times = self._failures.setdefault(username, deque(maxlen=_MAX_FAILURES))
        times.append(self._clock.monotonic())
        self._failures.move_to_end(username)
        while len(self._failures) > _MAX_NAMES:  # a million made-up names stay cheap
            self._failures.popitem(last=False)

    def succeeded(self, username: str) -> None:
        self._failures.pop(username, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedSession:
    """A fresh sign-in. `token` is shown once; only its hash is kept."""

    token: str
    expires_at: datetime


async def hash_password(password: str) -> str:
    """An argon2id hash, made in a thread. Do it before a transaction is opened, not inside.

    Raises `InvalidInput` for a password that is too short or too long.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidInput("password", f"must have {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_workers, _hasher.hash, password)


async def verify_password(session: AsyncSession, username: str, password: str) -> User | None:
    """The active user with this name and password, otherwise None.

    An unknown name costs the same work as a wrong password, so that time tells nothing.
    """
    user = (await session.scalars(select(User).where(User.username == username))).one_or_none()
    stored = user.password_hash if user is not None else _NOBODYS_HASH
    loop = asyncio.get_running_loop()
    matches = await loop.run_in_executor(_workers, _matches, stored, password)
    return user if user is not None and user.active and matches else None


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password[: MAX_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False


async def open_session(session: AsyncSession, user_id: str, now: datetime) -> OpenedSession:
    """A token for this user, valid for 12 h on every process and across restarts.

    Tokens of the same user that have run out are removed on the way.
    """
    token = secrets.token_urlsafe(32)
    expires_at = now + TOKEN_LIFETIME
    await session.execute(
        delete(LoginSession).where(LoginSession.user_id == user_id, LoginSession.expires_at <= now)
    )
    session.add(
        LoginSession(
            token_hash=_token_hash(token), user_id=user_id, created_at=now, expires_at=expires_at
        )
    )
    await session.flush()
    return OpenedSession(token=token, expires_at=expires_at)


async def close_session(session: AsyncSession, token: str) -> None:
    """Sign out; harmless when the token is unknown."""
    await session.execute(delete(LoginSession).where(LoginSession.token_hash == _token_hash(token)))


async def actor_of_token(session: AsyncSession, token: str, now: datetime) -> Actor | None:
    """Who holds this token, with the area they are limited to; None when it opens nothing."""
    query = (
        select(User, Area.path)
        .join(LoginSession, LoginSession.user_id == User.id)
        .outerjoin(Area, Area.id == User.area_id)
        .where(
            LoginSession.token_hash == _token_hash(token),
            LoginSession.expires_at > now,
            User.active.is_(True),
        )
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else actor_of_user(row[0], row[1])


def actor_of_user(user: User, area_path: str | None) -> Actor:
    """A user as the one who acts; `area_path` is their area's, None for everywhere."""
    return Actor(
        id=user.id,
        name=user.name,
        role=user.role,
        scope=Scope(path=area_path or ""),
        language=user.language,
    )


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def create_user(
    session: AsyncSession,
    actor: Actor,
    now: datetime,
    *,
    username: str,
    password_hash: str,
    role: UserRole,
    name: str | None = None,
    phone: str | None = None,
    area_id: str | None = None,
    language: str = "zh",
) -> User:
    """Add somebody who may sign in. `password_hash` comes from `hash_password`.

    Raises `NotAllowed` unless an administrator (or Anju itself) asks, or when the new user would
    see more than they do; `Conflict` when the name is taken.
    """
    if actor.role not in (UserRole.ADMIN, "system"):
        raise NotAllowed("only an administrator adds users")
    await _refuse_wider_area(session, actor, area_id)
    user = User(
        id=new_id("usr"),
        username=username,
        password_hash=password_hash,
        role=role.value,
        name=name or username,
        phone=normal_phone(phone),
        area_id=area_id,
        language=language,
        active=True,
        created_at=now,
    )
    return await _flush_user(session, user)


async def update_user(
    session: AsyncSession, actor: Actor, user_id: str, changes: Mapping[str, Any]
) -> User:
    """Change what `changes` names: name, phone, language, active, password_hash, role, area_id.

    A supervisor may change visitors and duty officers of the own area, but neither role nor
    area; nobody may lock themselves out. A new password or `active: false` ends all sessions.
    """
    user = await queries.user(session, Sight(actor=actor), user_id)
    _refuse_overreach(actor, user, changes)
    if "area_id" in changes:
        await _refuse_wider_area(session, actor, changes["area_id"])
    values = dict(changes)
    if "phone" in values:
        values["phone"] = normal_phone(values["phone"])
    for field, value in values.items():
        setattr(user, field, value.value if isinstance(value, UserRole) else value)
    if "password_hash" in changes or changes.get("active") is False:
        await session.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    return await _flush_user(session, user)


def _refuse_overreach(actor: Actor, user: User, changes: Mapping[str, Any]) -> None:
    if actor.role in (UserRole.ADMIN, "system"):
        if user.id == actor.id and (changes.get("active") is False or "role" in changes):
            raise NotAllowed("you cannot take away your own administrator's rights")
        return
    if user.role not in SUPERVISED_ROLES or user.area_id is None:
        raise NotAllowed("a supervisor changes visitors and duty officers of the own area only")
    if changes.keys() & {"role", "area_id"}:
        raise NotAllowed("only an administrator changes somebody's role or area")


async def _refuse_wider_area(session: AsyncSession, actor: Actor, area_id: str | None) -> None:
    if area_id is not None:
        await queries.area(session, actor.scope, area_id)
    elif actor.scope.path:
        raise NotAllowed("a user without an area would see more than you do; name an area_id")


async def _flush_user(session: AsyncSession, user: User) -> User:
    username = user.username
    try:
        async with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise Conflict(f"the user name {username!r} is taken") from error
    return user


async def visitor_for(
    session: AsyncSession, visitor_id: str, area_id: str | None, *, field: str = "visitor_id"
) -> User:
    """The active user who shall go to somebody in this area.

    Raises `InvalidInput` naming `field` when there is no such user, the account is closed, or
    their area does not cover the place: they would be sent to a case they cannot open.
    """
    query = (
        select(User, Area.path)
        .outerjoin(Area, Area.id == User.area_id)
        .where(User.id == visitor_id, User.active.is_(True))
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise InvalidInput(field, "no active user has this id")
    user: User = row[0]
    place = await session.get(Area, area_id) if area_id is not None else None
    if not Scope(path=row[1] or "").covers(place.path if place else None):
        raise InvalidInput(field, "this user does not work in that area")
    return user
