"""What the API answers, as models: the OpenAPI document is made of them, and tests hold real answers against it (V-04).

They describe and do not encode: answers go out as the bytes they were put together as. Instants are text in UTC with
``Z``, days and weeks ISO dates, minutes and money integers; what cannot be known is null. A field with a default is
left out of an answer where there is nothing to say. Here are diaries, scores and timesheets; the rest is in
``shapes_accounts``, ``shapes_licensing`` (people, contracts, licences, policies), ``shapes_devices``, ``shapes_audit``.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from services.wire.billing import Status
from services.wire.events import Strict

Instant = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")]
Date = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
Whole = Annotated[int, Field(ge=0)]
#: ``[keys, clicks, scrolls, moves, state, app]``; null where nothing was tracked
Minute = Annotated[list[int | str | None], Field(min_length=6, max_length=6)]
Role = Literal["owner", "admin", "manager", "employee", "client"]
Stage = Literal["open", "submitted", "approved", "locked"]


class Empty(Strict):
    """Nothing more to say."""


class Problem(BaseModel, extra="allow"):
    """A refusal (RFC 9457); ``detail`` says what to do, ``field`` and ``rule`` (of product.md) where there is one."""

    type: str
    title: str
    status: int
    detail: str
    field: str = ""
    rule: str = ""


class Billable(Strict):
    """Minutes as they are billed."""

    billable_minutes: Whole
    automatic_minutes: Whole
    manual_minutes: Whole
    over_limit_minutes: Whole


class Attended(Strict):
    """Minutes as they were spent (A-01)."""

    office_minutes: Whole
    work_minutes: Whole
    break_minutes: Whole
    private_minutes: Whole
    idle_minutes: Whole


class Tracked(Billable):
    """Minutes of an agent, and what of them is billed."""

    tracked_minutes: Whole
    active_minutes: Whole


class Totals(Tracked, Attended):
    """All figures of a day."""


class Score(Strict):
    """Three nulls where nothing was tracked (K-03)."""

    activity: Annotated[float, Field(ge=0, le=1)] | None
    productivity: Annotated[float, Field(ge=0, le=1)] | None
    tracko: Annotated[float, Field(ge=0, le=100)] | None


class Capture(Strict):
    """A capture of a segment."""

    capture_id: str
    kind: Literal["screen", "camera"]
    at: Instant
    state: Literal["stored", "pending", "refused", "removed"]
    width: Whole
    height: Whole
    blurred: bool = False
    #: only of what was removed because its time was over: the days that it was kept (M-05)
    expired_after_days: Whole = 0


class Adjustment(Strict):
    """What of a sealed segment came late, and the week it is billed in."""

    week: Date
    status: Status
    billable_minutes: Whole
    over_limit_minutes: Whole
    minutes: list[Any] | Whole


class Segment(Strict):
    """Ten minutes on one contract; ``entry`` of manual time alone."""

    segment_id: str
    slot: Instant
    contract: str
    device: str | None
    memo: str | None
    label: str | None
    minutes: Annotated[list[Minute | None], Field(min_length=10, max_length=10)]
    #: ``[app, title, site, seconds]``
    apps: list[Annotated[list[str | int | None], Field(min_length=4, max_length=4)]]
    captures: list[Capture]
    session: str | None
    active_minutes: Whole
    protected: bool
    unprotected_because: str | None
    status: Status
    billable_minutes: Whole
    score: Score
    entry: str = ""
    label_unlisted: bool = False
    arrived_after_revocation: bool = False
    outside_contract: bool = False
    #: the places of minutes that count on another device or contract (T-14)
    elsewhere: list[Whole] = Field(default_factory=list)
    adjustment: Date = ""
    adjustments: list[Adjustment] = Field(default_factory=list)


class WeekOfDay(Billable):
    """The contract-week that a day lies in."""

    contract: str
    week: Date
    limit_minutes: Whole | None
    rate_minor: Whole | None
    currency: str | None
    amount_minor: Whole | None
    state: Stage


class Day(Strict):
    """The work diary of a day (V-01)."""

    member: str
    date: Date
    zone: str
    totals: Totals
    score: Score
    segments: list[Segment]
    weeks: list[WeekOfDay]


class Noted(Strict):
    """A change of memos and labels."""

    change: str
    segments: list[str]
    edits: list[str]


class Touched(Strict):
    """A segment, and the places of its minutes that a change takes or enters; null where it is about words alone."""

    segment_id: str
    minutes: list[Annotated[int, Field(ge=0, le=9)]] | None


class WeekTotal(BaseModel, extra="allow"):
    """A contract-week before and after."""

    contract: str
    week: Date


class Removed(Strict):
    """What went, or with ``dry_run`` would go (``change`` is null then); minutes are those that are lost."""

    change: str | None
    edits: list[str]
    segments: list[Touched]
    tracked_minutes: int
    billable_minutes: int
    manual_minutes: int
    captures: list[str]
    week_totals: list[WeekTotal]


class Blurred(Strict):
    """Captures that nobody sees clear any more."""

    change: str | None
    captures: list[str]


class Begun(Strict):
    """A change of very many segments goes on behind the answer (S-12)."""

    operation: str
    state: Literal["running", "done", "failed"]
    done: Whole
    total: Whole


class Operation(Strict):
    """How far a change of very many segments is; ``answer`` is what a smaller one answers at once."""

    id: str
    state: Literal["running", "done", "failed"]
    done: Whole
    total: Whole
    answer: dict[str, Any] | None
    problem: Problem | None


class EnteredTime(Strict):
    """Manual time as it was just entered (S-05)."""

    id: str
    contract: str
    kind: Literal["work", "break", "private"]
    start: Instant
    end: Instant
    reason: str | None
    memo: str | None
    label: str | None
    segments: list[str]


class ManualTime(EnteredTime):
    """Manual time, with who entered it and the minutes that are left of it."""

    actor: str
    at: Instant
    minutes: Whole


class Edit(Strict):
    """One change of a diary (G-02); ``said`` is null for a client, and where it was erased."""

    id: str
    change: str
    at: Instant
    kind: str
    contract: str
    week: Date
    actor: str
    actor_name: str | None
    actor_role: Role
    segments: list[Touched]
    captures: list[str]
    entry: str | None
    changed: list[str]
    said: dict[str, str | None] | None


class Seal(Strict):
    """The seal of a locked week."""

    root: str
    sealed_at: Instant
    leaves: Whole
    previous: str
    number: Whole


class Timesheet(Strict):
    """A contract's week in short (S-10)."""

    contract: str
    project: str
    member: str
    client: str | None
    week: Date
    state: Stage
    approved: bool
    rejected: bool
    rejected_because: str | None
    changed_since: bool
    limit_minutes: Whole | None
    billing_unit: Literal["segment", "minute"]
    runs_from: Instant | None
    runs_until: Instant | None
    totals: Tracked
    currency: str
    rate_minor: Whole | None
    amount_minor: Whole | None
    seal: Seal | None


class DayOfWeek(Tracked):
    """A day of a timesheet, or late time of another week's day that is billed in it."""

    date: Date
    amount_minor: int | None
    week: Date = ""


class DayAttended(Attended):
    """A day's attendance."""

    date: Date


class Attendance(Strict):
    """Attendance on a contract: when it was, wherever it is billed (A-01)."""

    totals: Attended
    days: list[DayAttended]


class Step(Strict):
    """What was decided about a timesheet, by whom."""

    at: Instant
    action: str
    actor: str
    actor_name: str
    actor_role: Role
    reason: str | None


class TimesheetWhole(Timesheet):
    """A contract's week with its days, its history, what came late, and the attendance on the contract."""

    zone: str
    locks_at: Instant
    days: list[DayOfWeek]
    adjustments: list[DayOfWeek]
    history: list[Step]
    attendance: Attendance


class Tally(Strict):
    """What a score is made of; it adds up over days and members (K-04)."""

    tracked_minutes: Whole
    active_minutes: Whole
    unproductive_active_minutes: Whole
    productive_seconds: Whole
    unproductive_seconds: Whole
    neutral_seconds: Whole


class DayScore(Score):
    """A member's score of a day."""

    member: str
    date: Date
    tally: Tally


class Scores(Strict):
    """Scores by member and day, and of all of them together."""

    items: list[DayScore]
    next: str | None
    score: Score
