"""`anju user add`: the first administrator has no console yet."""

from __future__ import annotations

from care import accounts
from care.model import SYSTEM, UserRole
from core.errors import InvalidInput
from core.settings import Settings
from gateway.install import build_services
from gateway.migrate import upgrade

MAX_NAME = 100  # as in the table and over REST


async def add_user(
    settings: Settings,
    *,
    username: str,
    role: str,
    password: str,
    name: str,
    area_id: str | None,
    phone: str | None,
) -> str:
    """Create a user; returns the id. Raises `InvalidInput`, or `Conflict` for a taken name."""
    if role not in {member.value for member in UserRole}:
        raise InvalidInput("--role", f"{role!r} is none of {', '.join(UserRole)}")
    for option, value in (("--username", username), ("--name", name)):
        if not 1 <= len(value) <= MAX_NAME:
            raise InvalidInput(option, f"must have 1 to {MAX_NAME} characters")
    await upgrade(settings)
    services = build_services(settings)
    try:
        password_hash = await accounts.hash_password(password)
        async with services.db.transaction() as session:
            user = await accounts.create_user(
                session,
                SYSTEM,
                services.clock.now(),
                username=username,
                password_hash=password_hash,
                role=UserRole(role),
                name=name,
                area_id=area_id,
                phone=phone,
            )
            return user.id
    finally:
        await services.db.close()
