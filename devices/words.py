"""What devices call yes, no, open, and a press: the words, whatever the family."""

from __future__ import annotations

import re
from typing import Any

from devices import parts
from devices.parts import Unreadable

_YES = frozenset(
    {True, "true", "on", "yes", "1", "alarm", "detected", "detect", "trigger", "triggered", "leak"}
    | {"leaking", "wet", "fire", "smoke", "uninstalled", "low", "abnormal", "occupied", "error"}
)
_NO = frozenset(
    {False, "false", "off", "no", "0", "normal", "clear", "none", "ok", "installed", "dry"}
    | {"vacant", "good", "safe", "no leak", "middle", "medium", "high", "idle"}
)
_UNDECIDED = frozenset({None, "", "detecting", "unknown", "null"})
_DOOR = {"open": True, "opened": True, "closed": False, "close": False}

_SOS_WORDS = frozenset({"emergency", "panic", "sos", "fire"})
"""Actions that call for help whatever the button is: Tuya TS0215A and TS0601_sos, keypads."""

_ARMING = re.compile(r"(dis)?arm(_.*)?|(already|not|exit|entry|invalid)_.*").fullmatch
"""Words of a four-key remote's other keys: its owner went out, and is not calling for help."""

_NO_PRESS = frozenset({"none", "null", "idle", "normal", "0", "false"})
_PRESS_ROLES = frozenset({"sos_button", "call_terminal", "watch"})


def listed(text: str) -> tuple[str, ...]:
    """The words of a text that is a list of words, which reads better than quotes and commas."""
    return tuple(text.split())


def as_level(value: Any, field: str) -> bool | None:
    """True, False, or None for "not known yet"; the word differs by model and output mode.

    Raises `Unreadable(wrong_type:field)` for anything else, so that no alarm passes for calm.
    """
    if type(value) is str:
        value = value.strip().lower()
    elif type(value) in (dict, list):
        raise Unreadable(f"wrong_type:{field}")
    if value in _UNDECIDED:
        return None
    if value in _YES:
        return True
    if value in _NO:
        return False
    raise Unreadable(f"wrong_type:{field}")


def as_open(value: Any, field: str, *, true_is_open: bool) -> bool | None:
    """Whether a door is open. Words say it themselves; booleans mean what the field is called."""
    if type(value) is str and value.strip().lower() in _DOOR:
        return _DOOR[value.strip().lower()]
    level = as_level(value, field)
    return level if level is None or true_is_open else not level


def press_word(value: Any, field: str) -> str | None:
    """The word for a press, or None when nothing was pressed: null and "" reset a cached state.

    Raises `Unreadable` for what may be a press in a form nobody knows.
    """
    if value is None or value == "":
        return None
    word = parts.text(value, field)
    return None if word.lower() in _NO_PRESS else word


def calls_for_help(word: str, role: str | None) -> bool:
    """On a device that was set up as an SOS button every press counts, whatever its model says.

    Also the release after a hold, for the message about the hold itself may have been lost.
    """
    word = word.lower()
    if word in _SOS_WORDS:
        return True
    return role in _PRESS_ROLES and not _ARMING(word)
