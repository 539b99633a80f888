"""What the day's dialogues say before something is done, and what their forms are read as (S-04, S-05, S-08, M-03)."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.datastructures import FormData

from services.diary.access import Viewer
from services.diary.pages import manual_view, memo_view, removal_view
from services.diary.pages.forms import Sent
from services.diary.pages.rights import rights_of
from services.kit.problems import Problem
from services.wire.requests import Principal
from tests.diary.pages import sample

OSLO, KATHMANDU = ZoneInfo("Europe/Oslo"), ZoneInfo("Asia/Kathmandu")
TERMS = {sample.PORTAL: {"labels": ["Build", "Test"]}, sample.TARIFF: {"labels": ["Build"]}}
NINE = datetime(2026, 11, 20, 8, tzinfo=UTC)


def sent(*pairs: tuple[str, str]) -> Sent:
    return Sent(FormData(list(pairs)))


def a_viewer(role: str, member: str = "m-lead", **more: Any) -> Viewer:
    who = {"session": "s", "workspace": "w", "person": "p", "name": "Lead", "issued": 0, "expires": 1}
    return Viewer(Principal(member=member, role=role, **who), **more)  # type: ignore[arg-type]


# memo and label -----------------------------------------------------------------------------------------------------


def test_one_memo_stands_in_the_field_and_several_are_kept_by_an_empty_one() -> None:
    """S-12."""
    same = [sample.segment(NINE, memo="Call"), sample.segment(NINE, memo="Call", contract=sample.TARIFF)]
    view = memo_view.memo_view(same, TERMS, "", None)
    assert (view.form.value("memo"), view.mixed, view.title) == ("Call", False, "Memo and label of 2 segments")
    mixed = memo_view.memo_view([*same, sample.segment(NINE, memo=None)], TERMS, "", None)
    assert (mixed.form.value("memo"), mixed.mixed) == ("", True)


def test_labels_are_those_of_all_contracts_and_those_that_stand_there() -> None:
    """T-20, S-04: a label that is not on the list is kept and said to be so."""
    assert memo_view.choices([["Build", "Test"], ["Build"]], ["Old", None]) == [
        (memo_view.KEEP, "Keep as they are"),
        ("", "No label"),
        ("Build", "Build"),
        ("Old", "Old (not on the list)"),
    ]
    assert memo_view.choices([], [None]) == [("", "No label")]


@pytest.mark.parametrize(
    ("pairs", "changes"),
    [
        ([("memo", "A"), ("memo_was", "A"), ("label", memo_view.KEEP)], {}),
        ([("memo", "B"), ("memo_was", "A"), ("label", memo_view.KEEP)], {"memo": "B"}),
        ([("memo", ""), ("memo_was", "A"), ("label", "")], {"memo": None, "label": None}),
        ([("memo", ""), ("memo_was", ""), ("clear", "yes"), ("label", "Build")], {"memo": None, "label": "Build"}),
    ],
)
def test_only_what_was_changed_is_sent(pairs: list[tuple[str, str]], changes: dict[str, Any]) -> None:
    assert memo_view.changes_of(sent(*pairs), memo=True, label=True) == changes


def test_a_client_changes_the_label_alone() -> None:
    """S-07."""
    form = sent(("memo", "B"), ("memo_was", "A"), ("label", "Test"))
    assert memo_view.changes_of(form, memo=False, label=True) == {"label": "Test"}


# removal ------------------------------------------------------------------------------------------------------------


def a_loss(**more: Any) -> dict[str, Any]:
    week = {"contract": sample.PORTAL, "week": "2026-11-16", "before": 390, "after": 370}
    return {
        "tracked_minutes": 18,
        "billable_minutes": 20,
        "manual_minutes": 0,
        "captures": ["a", "b"],
        "segments": [],
        "week_totals": [week],
        **more,
    }


def test_the_button_says_how_many_minutes_go_and_the_week_before_and_after() -> None:
    """S-08: the amount is in the title and on the button."""
    view = removal_view.removal_view(a_loss(), sample.CONTRACTS, "segment", "09:40 to 10:00, Halden portal")
    assert (view.title, view.button) == ("Delete 20 minutes and 2 pictures?", "Delete 20 minutes")
    assert view.loss == [
        ("09:40 to 10:00, Halden portal", "20\u00a0min billable, 18\u00a0min tracked"),
        ("Halden portal, Week 47", "6\u00a0h\u00a030 →\u00a06\u00a0h\u00a010"),
        ("Pictures erased from the store", "2"),
    ]
    assert view.words.startswith("In this workspace a picture takes its whole segment with it.")
    assert "no undo" in view.words


def test_freed_limit_that_later_time_fills_is_said() -> None:
    """S-03: what leaves the bill is then nothing, and the button names the minutes of the diary."""
    week = {"contract": sample.PORTAL, "week": "2026-11-16", "before": 1800, "after": 1800}
    loss = a_loss(billable_minutes=0, week_totals=[week])
    view = removal_view.removal_view(loss, sample.CONTRACTS, "since_previous", "09:40 to 10:00, Halden portal")
    assert view.button == "Delete 18 minutes"
    assert "The bill stays the same" in view.words
    assert "back to the picture before it" in view.words


def test_a_bill_that_grows_is_said() -> None:
    """S-03: six minutes go, and ten that were over the limit fit now; the button names what leaves the diary."""
    week = {"contract": sample.PORTAL, "week": "2026-11-16", "before": 1796, "after": 1800}
    loss = a_loss(billable_minutes=-4, tracked_minutes=6, week_totals=[week])
    view = removal_view.removal_view(loss, sample.CONTRACTS, "segment", "09:40 to 09:50, Halden portal")
    assert view.button == "Delete 6 minutes"
    assert view.loss[0][1] == "6\u00a0min tracked"
    assert "The bill grows by 4\u00a0min" in view.words


def test_an_admins_deletion_says_that_time_stays() -> None:
    """M-03, S-08."""
    view = removal_view.pictures_view(1, "Mira Solberg", blur=False)
    assert (view.title, view.button) == ("Delete 1 picture?", "Delete 1 picture")
    assert ("Time", "stays") in view.loss
    assert "cannot be made sharp again" in removal_view.pictures_view(3, "Mira Solberg", blur=True).words


# manual time --------------------------------------------------------------------------------------------------------


def test_times_are_read_in_the_pages_zone() -> None:
    """S-05, V-01: also where an hour is no hour of UTC."""
    day = date(2026, 11, 20)
    assert manual_view.instant_of(day, "09:40", OSLO, "start") == "2026-11-20T08:40:00Z"
    assert manual_view.instant_of(day, "09:40", KATHMANDU, "start") == "2026-11-20T03:55:00Z"
    assert manual_view.instant_of(day, "00:00", OSLO, "end", ends=True) == "2026-11-20T23:00:00Z"


def test_a_time_that_the_clocks_skip_is_refused_at_its_field() -> None:
    with pytest.raises(Problem, match="invalid") as refused:
        manual_view.instant_of(date(2026, 3, 29), "02:30", OSLO, "start")
    assert refused.value.extra["field"] == "start"
    twice = manual_view.instant_of(date(2026, 10, 25), "02:30", OSLO, "start")
    assert twice == "2026-10-25T00:30:00Z", "of an hour that comes twice the first is meant"


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"start": "9"}, "start"), ({"end": "09:00"}, "end"), ({"reason": " "}, "reason"), ({"end": "10:00:30"}, "end")],
)
def test_what_does_not_fit_is_said_at_its_field(changed: dict[str, str], field: str) -> None:
    values = {"contract": "c", "kind": "work", "start": "09:30", "end": "10:00", "reason": "A call"} | changed
    with pytest.raises(Problem) as refused:
        manual_view.body_of(sent(*values.items()), date(2026, 11, 20), OSLO)
    assert refused.value.extra["field"] == field


def test_only_contracts_that_allow_it_and_run_then_are_offered() -> None:
    """S-05."""
    plain = {"member": "m", "manual_time": True, "starts_on": None, "ends_on": None}
    contracts = [
        {"project": "b", **plain},
        {"project": "A", **plain},
        {"project": "no", **plain, "manual_time": False},
        {"project": "other", **plain, "member": "n"},
        {"project": "ended", **plain, "ends_on": "2026-11-19"},
        {"project": "not yet", **plain, "starts_on": "2026-11-21"},
    ]
    found = manual_view.contracts_for(contracts, "m", "2026-11-20")
    assert [one["project"] for one in found] == ["A", "b"]


# rights -------------------------------------------------------------------------------------------------------------


def test_who_may_not_do_something_has_no_button_for_it() -> None:
    """S-04, S-07, S-08, M-03."""
    own = rights_of(a_viewer("employee", "m-mira"), "m-mira", "t-web", [])
    assert (own.memo, own.label, own.remove, own.pictures, own.blur) == (True, True, True, False, False)
    admin = rights_of(a_viewer("admin"), "m-mira", "t-web", [])
    assert (admin.memo, admin.remove, admin.pictures, admin.blur, admin.entries) == (True, False, True, True, True)
    manager = rights_of(a_viewer("manager", manages=frozenset({"t-web"})), "m-mira", "t-web", [])
    assert not manager.any
    client = rights_of(a_viewer("client", contracts=frozenset({"c"})), "m-mira", "t-web", [])
    assert client._replace(label=False) == rights_of(a_viewer("employee"), "m-mira", None, [])
    assert client.label
