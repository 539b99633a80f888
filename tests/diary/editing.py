"""A week that is open whenever a test runs, and the requests that change it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from services.wire.events import Fact
from services.wire.slots import format_instant, slot_of
from tests.diary.facts import capture, minutes, slots_from
from tests.diary.running import Diary


def open_slots(count: int = 6) -> list[str]:
    """Neighbouring slots that are over, all of one day, in a week that is not locked yet (UTC, lock at 12)."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if now.weekday():
        first = midnight - timedelta(days=now.weekday()) + timedelta(hours=9)
    elif now.hour < 12:
        first = midnight - timedelta(hours=15)  # last week's Sunday, open until noon
    else:
        first = midnight
    return slots_from(format_instant(slot_of(first)), count)


def week_of(slot: str) -> str:
    day = datetime.fromisoformat(slot).date()
    return (day - timedelta(days=day.weekday())).isoformat()


def ids(slots: list[str], contract: str = "con", device: str = "dev") -> list[str]:
    return [f"{contract}:{device}:{slot}" for slot in slots]


def people(diary: Diary) -> list[Fact]:
    """Mira of the team ``sea``, an admin, and the manager of her team."""
    tell = diary.teller
    return [
        tell.settings(),
        tell.member("mira", team="sea"),
        tell.member("boss", "admin"),
        tell.member("lead", "manager", manages=["sea"]),
    ]


def three_with_pictures(diary: Diary, slots: list[str]) -> list[Fact]:
    """Mira's first three slots with six active minutes and a stored picture each, the fourth of contract ``side``."""
    tell, first = diary.teller, list(enumerate(slots[:3]))
    return [
        *(
            tell.segment("mira", slot, minutes(6, 4), captures=[capture(f"shot-{index}", slot)])
            for index, slot in first
        ),
        tell.segment("mira", slots[3], contract="side"),
        *(tell.stored("mira", f"shot-{index}", slot) for index, slot in first),
    ]


async def send(
    diary: Diary, method: str, path: str, body: Any = None, *, who: str = "mira", role: str = "employee"
) -> httpx.Response:
    """A request to the API; DELETE and the like without a body."""
    async with diary.browse(who, role) as http:
        return await http.request(method, f"/api/v1{path}", **({"json": body} if body is not None else {}))


async def done(diary: Diary, method: str, path: str, body: Any = None, **who: str) -> Any:
    """As ``send``, for what must succeed; its answer."""
    answer = await send(diary, method, path, body, **who)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and type of a problem document."""
    return answer.status_code, answer.json()["type"].rsplit(":", 1)[1]
