"""A made-up day as ``days.read_day`` answers it: the Friday of the mock-ups, in Oslo (UTC+1); and parts of others."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.diary.pages.day_view import Surroundings
from services.diary.pages.paths import Paths
from services.wire import slots

MEMBER, PORTAL, TARIFF, DEVICE = "m-mira", "c-portal", "c-tariff", "d-fjord"
CONTRACTS = {PORTAL: "Halden portal", TARIFF: "Tariff import"}
NOW = datetime(2026, 11, 20, 14, 52, tzinfo=UTC)
ZONE = "Europe/Oslo"


def minute(active: bool = True, state: str = "work", app: int | None = 0) -> list[Any]:
    return [41, 2, 0, 30, state, app] if active else [0, 0, 0, 3, state, app]


def capture(capture_id: str, at: str, state: str = "stored") -> dict[str, Any]:
    return {"capture_id": capture_id, "kind": "screen", "at": at, "state": state, "width": 1280, "height": 720}


def segment(
    slot: datetime,
    active: int = 9,
    *,
    contract: str = PORTAL,
    memo: str | None = "Statement export: page breaks",
    label: str | None = "Build",
    status: str | None = None,
    app: str = "Editor",
    pictures: int = 2,
    state: str = "stored",
    minutes: list[Any] | None = None,
    because: str | None = None,
    session: str = "s1",
    device: str = DEVICE,
) -> dict[str, Any]:
    text = slots.format_instant(slot)
    status = status or ("automatic" if active else "unbilled")
    if not active:
        because = "no_activity"
    elif not (memo or label):
        because = because or "no_memo"
    step = 10 // max(1, pictures)
    return {
        "segment_id": f"{contract}:{device}:{text}",
        "slot": text,
        "contract": contract,
        "device": device,
        "status": status,
        "billable_minutes": 10 if status in ("automatic", "manual") else 0,
        "memo": memo,
        "label": label,
        "minutes": minutes
        or [minute(index not in (0, 3, 6, 8, 2, 5, 1, 7, 4, 9)[: 10 - active]) for index in range(10)],
        "active_minutes": active,
        "apps": [[app, f"{app} window", None, 420], ["Mail", None, None, 60]],
        "captures": [
            capture(
                f"k-{slot:%H%M}-{index}",
                slots.format_instant(slot + timedelta(minutes=index * step, seconds=252)),
                state,
            )
            for index in range(pictures)
        ],
        "score": {"activity": None, "productivity": None, "tracko": None},
        "protected": because is None,
        "unprotected_because": because,
        "session": session,
    }


def answer(segments: list[dict[str, Any]], date: str = "2026-11-20", zone: str = ZONE, **more: Any) -> dict[str, Any]:
    billed = [one for one in segments if one["status"] == "automatic"]
    manual = [one for one in segments if one["status"] == "manual"]
    over = [one for one in segments if one["status"] == "over_limit"]
    pauses = [m for one in segments for m in one["minutes"] if m and m[4] == "break"]
    return {
        "member": MEMBER,
        "date": date,
        "zone": zone,
        "totals": {
            "tracked_minutes": 10 * len(segments),
            "active_minutes": sum(one["active_minutes"] for one in segments),
            "billable_minutes": 10 * (len(billed) + len(manual)),
            "automatic_minutes": 10 * len(billed),
            "manual_minutes": 10 * len(manual),
            "over_limit_minutes": 10 * len(over),
            "office_minutes": 10 * len(segments),
            "work_minutes": 10 * len(segments) - len(pauses),
            "break_minutes": len(pauses),
            "private_minutes": 0,
            "idle_minutes": 0,
        },
        "score": {"activity": 0.81, "productivity": 0.8925, "tracko": 84.3}
        if segments
        else {"activity": None, "productivity": None, "tracko": None},
        "segments": segments,
        "weeks": [
            {
                "contract": PORTAL,
                "week": "2026-11-16",
                "limit_minutes": 1800,
                "billable_minutes": 1800,
                "automatic_minutes": 1730,
                "manual_minutes": 70,
                "over_limit_minutes": 20,
                "state": "open",
            },
            {
                "contract": TARIFF,
                "week": "2026-11-16",
                "limit_minutes": 720,
                "billable_minutes": 380,
                "automatic_minutes": 380,
                "manual_minutes": 0,
                "over_limit_minutes": 0,
                "state": "open",
            },
        ],
    } | more


def friday() -> dict[str, Any]:
    """The Friday: 08:10 to 15:50 in Oslo, with a break, manual time, a missing memo, the limit reached at 15:30."""

    def at(clock: str) -> datetime:
        hour, minutes = map(int, clock.split(":"))
        return datetime(2026, 11, 20, hour - 1, minutes, tzinfo=UTC)

    def span(first: str, number: int, actives: str, **more: Any) -> list[dict[str, Any]]:
        return [
            segment(at(first) + slots.SLOT * index, int(actives[index], 16), pictures=3 - index % 2, **more)
            for index in range(number)
        ]

    pause = [minute(False, "break", None)] * 10
    noon = [minute(index != 3) for index in range(7)] + [minute(False, "break", None)] * 3
    return answer(
        [
            *span("08:10", 3, "999", memo="Rounding in the tariff table"),
            *span("08:40", 4, "9999", memo="Review of the export branch", label="Review", app="Browser"),
            *span("09:20", 7, "9998a87"),
            *(
                one | {"captures": [], "apps": [], "protected": False, "unprotected_because": "manual"}
                for one in span(
                    "10:30", 3, "aaa", memo="Call about the acceptance list", label="Meeting", status="manual"
                )
            ),
            *span("11:00", 5, "79a97", contract=TARIFF, memo="Importer: duplicate rows"),
            segment(at("11:50"), 0, contract=TARIFF, memo=None, label=None, pictures=0),
            segment(at("12:00"), 6, contract=TARIFF, memo="Importer: duplicate rows", minutes=noon),
            *(segment(at("12:10") + slots.SLOT * n, 0, minutes=pause, pictures=0, status="unbilled") for n in range(4)),
            *span("12:50", 9, "99a8 79a98".replace(" ", ""), memo="Statement export: totals row", session="s2"),
            *span("14:20", 2, "99", memo=None, label=None, app="Browser", session="s2"),
            *span("14:40", 5, "75899", memo="Regression run and notes", label="Test", session="s2"),
            segment(at("15:30"), 9, memo="Regression run and notes", label="Test", status="over_limit", session="s2"),
            segment(
                at("15:40"),
                10,
                memo="Regression run and notes",
                label="Test",
                status="over_limit",
                state="pending",
                because="capture_pending",
                session="s2",
            ),
        ]
    )


def around(date: str = "2026-11-20", **more: Any) -> Surroundings:
    values: dict[str, Any] = {
        "contracts": CONTRACTS,
        "devices": {DEVICE: "fjord-14"},
        "billing_zone": "UTC",
        "paths": Paths(MEMBER, date, "?zone=Europe%2FOslo"),
        "now": NOW,
        "sync": [
            {
                "device": DEVICE,
                "records": 412,
                "through": 412,
                "missing": [],
                "broken": [],
                "quarantined": [],
                "last_received_at": "2026-11-20T14:49:00Z",
            }
        ],
        "looks": [
            {"name": "Leyla Aydin", "role": "manager", "at": "2026-11-20T10:02:00Z", "what": "Picture of 09:44"},
        ],
    }
    return Surroundings(**(values | more))
