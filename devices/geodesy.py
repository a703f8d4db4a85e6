"""Distances between positions, and positions as Chinese maps shift them. Pure."""

from __future__ import annotations

import math

EARTH_M = 6_371_008.8
"""Mean radius (IUGG), which is good to half a percent over the distances of a home fence."""

_KRASOVSKY_A = 6_378_245.0
_KRASOVSKY_E2 = 0.006693421622965943
_CLOSE_ENOUGH_DEG = 1e-7  # a centimetre
_MOST_ROUNDS = 20


def distance_m(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Metres between two WGS 84 positions in degrees, along the sphere (haversine)."""
    phi, other_phi = math.radians(latitude), math.radians(other_latitude)
    half_phi = (other_phi - phi) / 2
    half_lambda = math.radians(other_longitude - longitude) / 2
    share = (
        math.sin(half_phi) ** 2 + math.cos(phi) * math.cos(other_phi) * math.sin(half_lambda) ** 2
    )
    return 2 * EARTH_M * math.asin(math.sqrt(min(share, 1.0)))


def gcj02_to_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """The WGS 84 position whose GCJ-02 position (the shifted datum of Chinese maps) is this one.

    GCJ-02 lies 100–700 m off, enough to put an elder in an armchair outside their fence. The shift
    has no closed inverse; it varies so slowly that a few rounds find it to the centimetre.
    Positions outside China are not shifted.
    """
    if not _in_china(latitude, longitude):
        return latitude, longitude
    guess_latitude, guess_longitude = latitude, longitude
    for _ in range(_MOST_ROUNDS):
        shifted_latitude, shifted_longitude = wgs84_to_gcj02(guess_latitude, guess_longitude)
        off_latitude = shifted_latitude - latitude
        off_longitude = shifted_longitude - longitude
        guess_latitude -= off_latitude
        guess_longitude -= off_longitude
        if max(abs(off_latitude), abs(off_longitude)) < _CLOSE_ENOUGH_DEG:
            break
    return guess_latitude, guess_longitude


def wgs84_to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """A WGS 84 position as Chinese maps show it (the published approximation of the shift)."""
    if not _in_china(latitude, longitude):
        return latitude, longitude
    x, y = longitude - 105.0, latitude - 35.0
    phi = math.radians(latitude)
    magic = 1 - _KRASOVSKY_E2 * math.sin(phi) ** 2
    root = math.sqrt(magic)
    metres_north = _KRASOVSKY_A * (1 - _KRASOVSKY_E2) / (magic * root)
    metres_east = _KRASOVSKY_A / root * math.cos(phi)
    return (
        latitude + math.degrees(_north(x, y) / metres_north),
        longitude + math.degrees(_east(x, y) / metres_east),
    )


def _in_china(latitude: float, longitude: float) -> bool:
    return 0.8293 <= latitude <= 55.8271 and 72.004 <= longitude <= 137.8347


def _waves(value: float, *lengths: tuple[float, float]) -> float:
    return sum(height * math.sin(value * math.pi / length) for length, height in lengths) * 2 / 3


def _north(x: float, y: float) -> float:
    plain = -100.0 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    return (
        plain
        + _waves(x, (1 / 6, 20.0), (1 / 2, 20.0))
        + _waves(y, (1.0, 20.0), (3.0, 40.0), (12.0, 160.0), (30.0, 320.0))
    )


def _east(x: float, y: float) -> float:
    plain = 300.0 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    return (
        plain
        + _waves(x, (1 / 6, 20.0), (1 / 2, 20.0))
        + _waves(x, (1.0, 20.0), (3.0, 40.0), (12.0, 150.0), (30.0, 300.0))
    )
