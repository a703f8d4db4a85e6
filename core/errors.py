"""Errors that reach a person: each reads as a message and names what to do about it."""

from __future__ import annotations

from collections.abc import Sequence


class AnjuError(Exception):
    """Base of everything Anju raises on purpose. `str(error)` is fit to be shown to a user."""

    code = "error"


class SettingsError(AnjuError):
    """A setting is missing or wrong; the process ends with exit status 2 and this one line."""

    code = "settings"

    def __init__(self, setting: str, problem: str) -> None:
        self.setting = setting
        super().__init__(f"{setting}: {problem}")


class NotFound(AnjuError):
    """Nothing of that kind with that id is visible to the caller (absent or outside the area)."""

    code = "not_found"

    def __init__(self, what: str, ident: str) -> None:
        self.what, self.ident = what, ident
        super().__init__(f"{what} {ident} not found")


class InvalidInput(AnjuError):
    """A value cannot be used. `field` is the name the caller sent it under."""

    code = "invalid"

    def __init__(self, field: str, problem: str) -> None:
        self.field, self.problem = field, problem
        super().__init__(f"{field}: {problem}")


class Conflict(AnjuError):
    """Somebody was first, the version is old, or a name is taken.

    `winner` is the display name of the person whose change stands, `at` an RFC 3339 time.
    With `keeps_changes` the transaction still commits: the caller's fact was recorded, only the
    stage did not move (architecture: Two people, many hands).
    """

    code = "conflict"
    keeps_changes = False

    def __init__(
        self,
        message: str,
        *,
        winner: str | None = None,
        at: str | None = None,
        stage: str | None = None,
        version: int | None = None,
    ) -> None:
        self.winner, self.at, self.stage, self.version = winner, at, stage, version
        super().__init__(message)


class GatesMissing(AnjuError):
    """An incident may not be closed yet; `missing` names every gate that is not met."""

    code = "gates_missing"

    def __init__(self, missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        super().__init__("cannot close yet: " + ", ".join(self.missing))


class NotAllowed(AnjuError):
    """The caller is known but may not do this."""

    code = "not_allowed"


class NotSignedIn(AnjuError):
    """No valid token or session came with the request."""

    code = "not_signed_in"


class Busy(AnjuError):
    """Not stored, or not yet; who sent it should come again in `retry_after_s` seconds."""

    code = "busy"

    def __init__(self, message: str, retry_after_s: int = 5) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)
