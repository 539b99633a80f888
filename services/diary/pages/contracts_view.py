"""Contracts as pages show them: their terms in words, their weeks against the limit, and the form's fields. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.decided_view import shown_state
from services.diary.pages.figures import Bar, limit_bars
from services.diary.pages.formatting import (
    DASH,
    dated,
    duration,
    hours_and_minutes,
    limit,
    long_date,
    money,
    places_of,
    week_title,
)
from services.diary.pages.forms import Sent
from services.diary.pages.listing import folded
from services.kit.problems import invalid
from services.wire.language import _, decimal_point, pgettext
from services.wire.words import Change


class Row(NamedTuple):
    """A contract in a list, with the running week; ``used`` and ``amount`` are None where it has no time in it."""

    id: str
    project: str
    member: str
    member_id: str
    client: str
    rate: str
    week: "WeekRow"
    ended: bool


class WeekRow(NamedTuple):
    """A contract's week: ``6:20`` of ``12 h``, the bar's parts, the amount and the state.

    ``because``: why it was sent back (S-10), ``""`` where it was not.
    """

    week: str
    title: str
    used: str
    of: str
    limited: bool
    bars: list[Bar]
    over: str
    amount: str
    state: str
    because: str
    sealed: bool


def week_row(sheet: Mapping[str, Any]) -> WeekRow:
    """The row of a timesheet (``timesheets.brief``)."""
    totals, most = sheet["totals"], sheet["limit_minutes"]
    over = totals["over_limit_minutes"]
    return WeekRow(
        week=sheet["week"],
        title=week_title(date.fromisoformat(sheet["week"])),
        used=hours_and_minutes(totals["billable_minutes"]),
        of=_("no weekly limit") if most is None else _("of {limit}", limit=limit(most)),
        limited=most is not None,
        bars=limit_bars(totals["automatic_minutes"], totals["manual_minutes"], over, most),
        over=_("{time} over the limit, not billed", time=duration(over)) if over else "",
        amount=DASH if sheet["amount_minor"] is None else money(sheet["amount_minor"], sheet["currency"]),
        state=shown_state(sheet),
        because=sheet["rejected_because"] or "",
        sealed=bool(sheet["seal"]),
    )


def no_time(week: date, contract: Mapping[str, Any]) -> dict[str, Any]:
    """The timesheet of a week in which nothing was recorded on a contract."""
    figures = dict.fromkeys(("billable_minutes", "automatic_minutes", "manual_minutes", "over_limit_minutes"), 0)
    return {
        "week": week.isoformat(),
        "limit_minutes": contract["weekly_limit_minutes"],
        "state": "open",
        "rejected": False,
        "rejected_because": None,
        "totals": figures,
        "currency": contract["currency"],
        "amount_minor": None if contract["rate_minor"] is None else 0,
        "seal": None,
    }


def row_of(
    contract: Mapping[str, Any], names: Mapping[str, str], sheet: Mapping[str, Any] | None, week: date, today: date
) -> Row:
    """The row of a contract; ``names`` are of members by id."""
    return Row(
        id=contract["contract"],
        project=contract["project"],
        member=names.get(contract["member"], DASH),
        member_id=contract["member"],
        client=names.get(contract["client"] or "", ""),
        rate=rate_words(contract),
        week=week_row(sheet or no_time(week, contract)),
        ended=bool(contract["ends_on"] and contract["ends_on"] < today.isoformat()),
    )


def rate_words(contract: Mapping[str, Any]) -> str:
    """``€ 64.00 an hour``."""
    if contract["rate_minor"] is None:
        return _("Not paid by the hour")
    return _("{rate} an hour", rate=money(contract["rate_minor"], contract["currency"]))


def terms_of(contract: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The terms of a contract in words, as (name, value)."""
    most = contract["weekly_limit_minutes"]
    return [
        (_("Rate"), rate_words(contract)),
        (_("Weekly limit"), _("None") if most is None else limit(most)),
        (_("Manual time"), _("Allowed") if contract["manual_time"] else _("Not allowed")),
        (_("Memo"), _("Required") if contract["memo_required"] else _("Not required")),
        (_("Activity labels"), ", ".join(contract["labels"]) or _("None: the member writes a memo only")),
        (_("Runs"), _runs(contract["starts_on"], contract["ends_on"])),
    ]


class Version(NamedTuple):
    """A version of a contract: when and by whom it was made, and each term that became another one."""

    number: int
    made: str
    changes: list[Change]


def versions_of(found: Sequence[Mapping[str, Any]], names: Mapping[str, str], zone: ZoneInfo) -> list[Version]:
    """A contract's versions (``rpc.licensing.contract_versions``, the newest first) as its history shows them."""
    said = [_said(one["contract"], names) for one in found]
    shown = []
    for place, one in enumerate(found):
        before = said[place + 1] if place + 1 < len(said) else said[place]
        changes = [Change(name, before[name], after) for name, after in said[place].items() if after != before[name]]
        shown.append(Version(one["version"], _made(one, zone), changes))
    return shown


def _made(version: Mapping[str, Any], zone: ZoneInfo) -> str:
    at = dated(version["changed_at"], zone) if version["changed_at"] else ""
    if not version["by_name"]:
        return at
    by = _("by {name}", name=version["by_name"])
    return _("{date} by {name}", date=at, name=version["by_name"]) if at else by


def _said(contract: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    client = names.get(contract["client"] or "", "") or pgettext("client", "None")
    return {_("Project"): str(contract["project"]), _("Client"): client, **dict(terms_of(contract))}


def _runs(starts: str | None, ends: str | None) -> str:
    first, last = (_day(one) if one else "" for one in (starts, ends))
    if first and last:
        return _("{first} to {last}", first=first, last=last)
    if first:
        return _("Since {day}", day=first)
    return _("Until {day}", day=last) if last else _("Without a term")


def _day(text: str) -> str:
    return long_date(date.fromisoformat(text))


# the form -----------------------------------------------------------------------------------------------------------

FIELDS = (
    *("member", "project", "client", "currency", "rate_minor", "weekly_limit_minutes", "manual_time"),
    *("memo_required", "labels", "starts_on", "ends_on"),
)


def values_of(contract: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the form of a contract."""
    most, rate = contract["weekly_limit_minutes"], contract["rate_minor"]
    return {
        **contract,
        "rate_minor": "" if rate is None else _decimal(rate, places_of(contract["currency"])),
        "weekly_limit_minutes": "" if most is None else hours_and_minutes(most),
        "labels": "\n".join(contract["labels"]),
    }


def _decimal(minor: int, places: int) -> str:
    whole, rest = divmod(minor, 10**places)
    return f"{whole}{decimal_point()}{rest:0{places}}" if places else str(whole)


def kept(sent: Sent) -> dict[str, Any]:
    """What was typed, to be shown again."""
    values: dict[str, Any] = {name: sent.text(name) for name in FIELDS}
    return values | {name: sent.ticked(name) for name in ("manual_time", "memo_required")}


def body_of(sent: Sent) -> dict[str, Any]:
    """The body that licensing takes, of a sent form; 422 at the field that cannot be read."""
    currency = sent.text("currency").upper()
    return {
        "project": sent.text("project"),
        "client": sent.some("client"),
        "currency": currency,
        "rate_minor": read_rate(sent.text("rate_minor"), places_of(currency)),
        "weekly_limit_minutes": read_hours(sent.text("weekly_limit_minutes")),
        "manual_time": sent.ticked("manual_time"),
        "memo_required": sent.ticked("memo_required"),
        "labels": labels_of(sent),
        "starts_on": sent.some("starts_on"),
        "ends_on": sent.some("ends_on"),
    }


def labels_of(sent: Sent) -> list[str]:
    """The labels of a form, one a line; the same one twice is one."""
    return list(dict.fromkeys(sent.lines("labels")))


def read_rate(text: str, places: int) -> int | None:
    """``64``, ``64.5`` or ``64,50`` an hour in minor units; None where it is empty; 422 where it is none."""
    if not text:
        return None
    whole, _point, rest = text.replace(",", ".").replace(" ", "").partition(".")
    if not whole.isdecimal() or (rest and not rest.isdecimal()) or len(rest) > places or len(whole) > 9:
        raise invalid(_("rate_minor: an amount like {amount}", amount=_decimal(6400, places)), field="rate_minor")
    return int(whole + rest.ljust(places, "0"))


def read_hours(text: str) -> int | None:
    """A weekly limit as minutes: ``30``, ``37:30`` or ``37.5`` hours; None where it is empty; 422 where it is none."""
    if not text:
        return None
    text = text.replace(",", ".")
    hours, colon, minutes = text.partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2 and int(minutes) < 60:
        found = int(hours[:4]) * 60 + int(minutes)
    else:
        whole, dot, rest = text.partition(".")
        if not whole.isdecimal() or (dot and not rest.isdecimal()) or len(rest) > 2:
            raise invalid(_("weekly_limit_minutes: hours like 30 or 37:30"), field="weekly_limit_minutes")
        found = int(whole[:4]) * 60 + round(int(rest.ljust(2, "0") or 0) * 60 / 100)
    if found > 7 * 24 * 60:
        raise invalid(_("weekly_limit_minutes: a week has 168 hours"), field="weekly_limit_minutes")
    return found


def search(rows: Sequence[Row], words: str) -> list[Row]:
    """The rows in whose project, member or client all of the words occur."""
    wanted = folded(words).split()
    return [row for row in rows if all(word in folded(f"{row.project} {row.member} {row.client}") for word in wanted)]
