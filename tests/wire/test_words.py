"""A policy in plain words: every switch is heard, and what is off says so (T-03 to T-11, M-04, M-05, T-02, G-01)."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing.policies import Policy, build
from services.wire import words
from services.wire.widening import widened

#: In this policy every switch means something, under a monitoring licence.
ALL_ON = build(
    {
        "screenshots": {"enabled": True, "per_segment": 2, "monitors": "member"},
        "camera": {"enabled": True},
        **dict.fromkeys(("recording", "live", "apps", "titles"), True),
        "site": "domain",
        "only_sites": ["example.org"],
        "never_sites": ["bank.example"],
        "tray": False,
        "legal_basis": "Works agreement 12",
    }
)
#: switch → another value than that of ALL_ON
OTHERS: dict[str, Any] = {
    "screenshots.enabled": False,
    "screenshots.per_segment": 3,
    "screenshots.monitors": "all",
    "screenshots.width": 640,
    "screenshots.blur": False,
    "camera.enabled": False,
    "camera.per_hour": 4,
    "recording": False,
    "live": False,
    "apps": False,
    "titles": False,
    "site": "url",
    "only_sites": [],
    "never_sites": ["bank.example", "clinic.example"],
    "notify": False,
    "idle_minutes": 9,
    "movement_counts": True,
    "grace_days": 3,
    "tray": True,
    "legal_basis": None,
    "member_may.choose_monitors": True,
    "member_may.discard": True,
    "member_may.keep_idle": True,
    "member_may.remind": True,
    "member_may.pause": True,
    "capture_days": None,
    "camera_days": 3,
    "legal_hold": True,
    "shifts_only": True,
    "automatic_updates": False,
}


def switches(dump: dict[str, Any], under: str = "") -> list[str]:
    return [
        one
        for name, value in dump.items()
        for one in (switches(value, f"{name}.") if isinstance(value, dict) else [under + name])
        if one != "version"
    ]


def turned(policy: dict[str, Any], switch: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(policy)
    place, *rest = switch.split(".")
    if rest:
        made[place][rest[0]] = value
    else:
        made[place] = value
    return made


def test_the_table_names_every_switch_of_a_policy() -> None:
    assert set(OTHERS) == set(switches(Policy().model_dump()))


@pytest.mark.parametrize("switch", sorted(set(OTHERS) - {"movement_counts"}))  # the workspace's setting decides (T-03)
def test_every_switch_changes_the_text(switch: str) -> None:
    other = turned(ALL_ON, switch, OTHERS[switch])
    assert words.lines(other, "monitoring") != words.lines(ALL_ON, "monitoring")
    assert words.changes(ALL_ON, other)


@pytest.mark.parametrize("mode", ["worklog", "monitoring"])
def test_what_is_off_says_so(mode: str) -> None:
    """B-05: everything is off until turned on, and the text leaves nothing unsaid."""
    said = words.record_of(Policy().model_dump(), mode)
    off = {one.kind for one in said if one.words == "not recorded."}
    assert off == {"apps", "titles", "site", "screenshots", "camera", "recording", "live"}
    assert not any(one.on for one in said if one.kind in off)
    assert "Camera: not recorded." in words.lines(Policy().model_dump(), mode)


def test_what_this_version_does_not_do_yet_is_not_promised() -> None:
    """However much a policy allows, nobody reads that it happens (G-01)."""
    for policy in (ALL_ON, turned(ALL_ON, "tray", True), turned(ALL_ON, "shifts_only", True)):
        for mode in words.MODES:
            said = {one.kind: one for one in words.record_of(policy, mode)}
            assert not any(said[kind].on for kind in ("camera", "recording", "live", "notify", "tray", "updates"))
            for kind in ("camera", "recording", "live"):
                assert said[kind].words.endswith("not recorded by this version's agent.")
    assert "does not know yet" in words.lines(turned(ALL_ON, "shifts_only", True))[0]


def test_what_never_is_recorded_is_said_always() -> None:
    """T-03."""
    for policy in (Policy().model_dump(), ALL_ON):
        assert any("never what was typed or clicked" in line for line in words.lines(policy))


def test_how_many_an_hour_and_how_they_look() -> None:
    """T-05, T-06, M-04."""
    [line] = [one for one in words.lines(ALL_ON) if one.startswith("Screenshots: ")]
    assert "2 pictures in ten minutes, 12 an hour" in line
    assert "as you choose" in line
    assert "blurred on this computer before it leaves" in line
    plain = turned(turned(ALL_ON, "screenshots.blur", False), "screenshots.monitors", "active")
    [line] = [one for one in words.lines(plain) if one.startswith("Screenshots: ")]
    assert "of the active monitor" in line
    assert "not blurred" in line


def test_a_mode_says_who_starts_and_what_a_member_may_do() -> None:
    """T-01, T-02, T-18: a worklog licence always allows what a monitoring policy leaves off."""
    plain = Policy().model_dump()
    worklog = {one.kind: one for one in words.record_of(plain)}
    monitoring = {one.kind: one for one in words.record_of(plain, "monitoring")}
    assert "Start and Stop" in worklog["when"].words
    assert "until it shuts down" in monitoring["when"].words
    assert (worklog["pause"].on, monitoring["pause"].on) == (True, False)
    assert "remind" not in worklog


def test_a_hidden_icon_names_its_basis_or_waits() -> None:
    """G-01."""
    assert "Icon: hidden, on the declared basis: Works agreement 12." in words.lines(ALL_ON)
    waiting = words.lines(turned(ALL_ON, "legal_basis", None))
    assert any(line.startswith("Icon: hidden, once you have acknowledged") for line in waiting)


_POLICIES = st.builds(
    lambda turns: _turned_all(turns),
    st.dictionaries(st.sampled_from(sorted(OTHERS)), st.booleans(), max_size=len(OTHERS)),
)


def _turned_all(turns: dict[str, bool]) -> dict[str, Any]:
    policy = ALL_ON
    for switch, other in turns.items():
        if other:
            policy = turned(policy, switch, OTHERS[switch])
    return policy


@given(_POLICIES, _POLICIES, st.sampled_from(["worklog", "monitoring"]))
def test_nothing_is_widened_in_silence(before: dict[str, Any], after: dict[str, Any], mode: str) -> None:
    """G-01: where a notice is due, the words differ too, unless what was widened hides behind a switch that is off."""
    changed = {one.name for one in words.changes(before, after, [mode])}
    assert words.changes(before, before) == []
    for kind in widened(before, after):
        if kind in ("titles", "site") and not after["apps"]:
            continue
        name = next(one.name for one in words.record_of(after, mode) if one.kind == kind)
        assert name in changed


@given(_POLICIES)
def test_a_missing_switch_counts_as_off(policy: dict[str, Any]) -> None:
    """An agent may be older or newer than the service that made the policy."""
    for name in policy:
        words.lines({other: value for other, value in policy.items() if other != name}, "monitoring")
    assert words.lines({}) == words.lines(Policy().model_dump())
