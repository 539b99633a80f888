"""All pictures of a day, set by set (M-01): a set runs from start to stop, so it is a session's. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.expiry_words import expired_of
from services.diary.pages.formatting import between, clock
from services.diary.pages.hours import app_at, thumbnail
from services.diary.pages.paths import Paths
from services.wire.language import ngettext
from services.wire.slots import parse_instant, parse_slot


class Shot(NamedTuple):
    """One picture: where it opens, its thumbnail, and what it shows."""

    id: str
    href: str
    thumbnail: str
    height: int
    clock: str
    app: str
    blurred: bool


class Set(NamedTuple):
    """The pictures of one set; ``gone``: how many of it are on their way, removed or refused; ``expired``: whose days
    are over, in words.
    """

    title: str
    shots: list[Shot]
    gone: int
    expired: str


class Gallery(NamedTuple):
    """A day's sets, and how many pictures there are."""

    number: int
    words: str
    sets: list[Set]


def gallery_view(segments: Sequence[Mapping[str, Any]], zone: ZoneInfo, paths: Paths) -> Gallery:
    """The gallery of the segments of a day's answer."""
    sets: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for segment in sorted(segments, key=lambda one: (one["slot"], one["segment_id"])):
        for capture in segment["captures"]:
            sets.setdefault(segment["session"] or "", []).append((segment, capture))
    found = [_set(pairs, zone, paths) for pairs in sets.values()]
    count = sum(len(one.shots) for one in found)
    return Gallery(count, ngettext("{number} picture", "{number} pictures", count), found)


def stored_in(segments: Sequence[Mapping[str, Any]]) -> int:
    """How many pictures of these segments are there to be looked at."""
    return sum(capture["state"] == "stored" for segment in segments for capture in segment["captures"])


def _set(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], zone: ZoneInfo, paths: Paths) -> Set:
    ordered = sorted(pairs, key=lambda pair: str(pair[1]["at"]))
    first, last = (clock(parse_instant(ordered[place][1]["at"]), zone) for place in (0, -1))
    shots = [_shot(segment, one, zone, paths) for segment, one in ordered if one["state"] == "stored"]
    over = [one for _, one in ordered if "expired_after_days" in one]
    gone = len(ordered) - len(shots) - len(over)
    return Set(between(first, last) if first != last else first, shots, gone, expired_of(over))


def _shot(segment: Mapping[str, Any], capture: Mapping[str, Any], zone: ZoneInfo, paths: Paths) -> Shot:
    at = parse_instant(capture["at"])
    address, height = thumbnail(capture)
    app = app_at(segment, int((at - parse_slot(segment["slot"])).total_seconds() // 60))
    return Shot(
        f"k-{capture['capture_id']}",
        paths.capture(capture["capture_id"]),
        address,
        height,
        clock(at, zone),
        str(app[0]) if app else "",
        bool(capture.get("blurred")),
    )
