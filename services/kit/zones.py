"""Time zones as people may name them."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from services.wire.language import N_

#: Names of the database that mean no place: this machine's own zone, none at all.
_NO_PLACES = frozenset({"localtime", "Factory", "posixrules"})


@cache
def names() -> frozenset[str]:
    """All names of the time zone database, UTC among them."""
    return frozenset(available_timezones() - _NO_PLACES)


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; ValueError where there is none of that name."""
    if name not in names():
        raise ValueError(N_("not a time zone like Europe/Berlin"))
    return ZoneInfo(name)
