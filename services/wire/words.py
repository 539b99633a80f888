"""A policy in plain words: what will be recorded of me (T-03 to T-11, M-04, M-05, T-02). Pure, standard library only.

The agent and the back office show the same sentences, so that nobody decides about anything else than what is read.
Input is a policy's dump as it crosses the bus; a switch that is missing counts as off.

A policy can allow what this version of Daybook does not do yet (``NOT_YET``): its sentence says both, and is not *on*.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from services.wire.retention import WORKSPACES

MODES = ("worklog", "monitoring")
NOT_RECORDED = "not recorded."
_SEGMENTS_AN_HOUR = 6

#: Switches that change nothing on a computer yet (``tests/agent/test_policy.py`` compares).
NOT_YET = frozenset(
    {
        *("camera.enabled", "camera.per_hour", "recording", "live", "notify", "tray", "legal_basis"),
        *("member_may.keep_idle", "shifts_only", "automatic_updates"),
    }
)
#: Switches that are the services' to obey: what is kept, and for how long; what counts, the workspace's settings say.
ELSEWHERE = frozenset({"capture_days", "camera_days", "legal_hold", "movement_counts"})
_NONE_YET = "The policy allows it; not recorded by this version's agent."

Dump = Mapping[str, Any]


class Sentence(NamedTuple):
    """One kind of data or one right: its ``kind``, its name, whether it is recorded or on, and the words."""

    kind: str
    name: str
    on: bool
    words: str

    @property
    def text(self) -> str:
        """The whole line: ``Camera: not recorded.``"""
        return f"{self.name}: {self.words}"


class Change(NamedTuple):
    """A sentence that reads otherwise under another policy; None where there is none."""

    name: str
    before: str | None
    after: str | None


def record_of(policy: Dump, mode: str = "worklog") -> list[Sentence]:
    """What is recorded of a member under this policy, in ``worklog`` or ``monitoring`` mode, in a fixed order."""
    monitoring = mode == "monitoring"
    found = [write(policy, monitoring) for write in _SENTENCES]
    return [sentence for sentence in found if sentence is not None]


def lines(policy: Dump, mode: str = "worklog") -> list[str]:
    """The same as plain text, a line a kind."""
    return [sentence.text for sentence in record_of(policy, mode)]


def changes(before: Dump, after: Dump, modes: Sequence[str] = MODES) -> list[Change]:
    """What reads otherwise under ``after``, each kind once, in the words of the first mode in which it does."""
    found: dict[str, Change] = {}
    for mode in modes:
        old = {one.kind: one for one in record_of(before, mode)}
        new = {one.kind: one for one in record_of(after, mode)}
        for kind in dict.fromkeys([*new, *old]):
            was, now = old.get(kind), new.get(kind)
            if was != now and kind not in found:
                name = next(one.name for one in (now, was) if one)
                found[kind] = Change(name, was.words if was else None, now.words if now else None)
    return list(found.values())


def _when(policy: Dump, monitoring: bool) -> Sentence:
    words = "from when this computer starts until it shuts down" if monitoring else "only between your Start and Stop"
    if policy.get("shifts_only"):
        words += "; it is to be only within your shifts, which this version's agent does not know yet"
    return Sentence("when", "When", True, f"{words}.")


def _counts(policy: Dump, monitoring: bool) -> Sentence:
    return Sentence(
        "counts",
        "Activity",
        True,
        "how many keystrokes, clicks, scrolls and pointer movements each minute has; never what was typed or clicked. "
        "Movement alone makes it active only where the workspace's settings say so.",
    )


def _apps(policy: Dump, monitoring: bool) -> Sentence:
    words = "which one is in front and for how long; never those behind it."
    return _switched("apps", "Applications", bool(policy.get("apps")), words)


def _titles(policy: Dump, monitoring: bool) -> Sentence:
    on = bool(policy.get("apps") and policy.get("titles"))
    return _switched("titles", "Window titles", on, "the title of the window in front.")


def _site(policy: Dump, monitoring: bool) -> Sentence:
    kept = {
        "domain": "the domain of the page in front, such as example.org.",
        "url": "the address of the page in front.",
    }
    words = kept.get(str(policy.get("site", "off"))) if policy.get("apps") else None
    return _switched("site", "Websites", words is not None, words or "")


def _site_lists(policy: Dump, monitoring: bool) -> Sentence | None:
    """The lists hide titles and addresses, so they mean something only where one of these is kept (T-04)."""
    only, never = policy.get("only_sites") or (), policy.get("never_sites") or ()
    if not (_titles(policy, monitoring).on or _site(policy, monitoring).on) or not (only or never):
        return None
    said = []
    if only:
        said.append(f"titles and addresses are kept only on {_listed(only)}")
    if never:
        said.append(f"neither is {'ever ' if only else ''}kept on {_listed(never)}")
    if not only:
        said = [f"neither titles nor addresses are kept on {_listed(never)}"]
    return Sentence("site_lists", "Websites by name", True, f"{', and '.join(said)}.")


def _screenshots(policy: Dump, monitoring: bool) -> Sentence:
    shots = policy.get("screenshots") or {}
    often = int(shots.get("per_segment", 1))
    blur = "blurred on this computer before it leaves" if shots.get("blur", True) else "not blurred"
    words = (
        f"{_counted(often, 'picture')} in ten minutes, {often * _SEGMENTS_AN_HOUR} an hour, at random moments, "
        f"of {_monitors(policy, monitoring)}; at most {int(shots.get('width', 1280))} pixels wide and {blur}."
    )
    return _switched("screenshots", "Screenshots", bool(shots.get("enabled")), words)


def _monitors(policy: Dump, monitoring: bool) -> str:
    which = str((policy.get("screenshots") or {}).get("monitors", "member"))
    if which == "member":
        free = not monitoring or _may(policy, "choose_monitors")
        return "all monitors or only the active one, as you choose" if free else "the monitors set on this computer"
    return {"all": "all monitors"}.get(which, "the active monitor")


def _shown(policy: Dump, monitoring: bool) -> Sentence | None:
    """Whether the member sees each capture, and may take it back (T-07)."""
    if not (policy.get("screenshots") or {}).get("enabled"):
        return None
    on, free = bool(policy.get("notify", True)), not monitoring or _may(policy, "discard")
    seen = "to be shown to you, which this version's agent does not do yet" if on else "not shown to you"
    kept = "; the running segment can be discarded with its captures, before they leave this computer."
    return Sentence("notify", "Each capture", False, seen + (kept if free else "; none can be discarded here."))


def _camera(policy: Dump, monitoring: bool) -> Sentence:
    camera = policy.get("camera") or {}
    words = f"at most {_counted(int(camera.get('per_hour', 1)), 'snapshot')} an hour, and only with your own yes."
    return _allowed("camera", "Camera", bool(camera.get("enabled")), words)


def _recording(policy: Dump, monitoring: bool) -> Sentence:
    words = "a video of the screen at a low rate."
    return _allowed("recording", "Screen video", bool(policy.get("recording")), words)


def _live(policy: Dump, monitoring: bool) -> Sentence:
    words = "an admin or your team's manager can watch the screen; each watch is written down, and you can see it."
    return _allowed("live", "Live view", bool(policy.get("live")), words)


def _idle(policy: Dump, monitoring: bool) -> Sentence:
    minutes = _counted(int(policy.get("idle_minutes", 5)), "minute")
    asked = not monitoring or _may(policy, "keep_idle")
    back = (
        "coming back you are to be asked whether to keep it as manual time, which this version's agent does not do yet"
        if asked
        else "you are not asked about it"
    )
    return Sentence(
        "idle", "Idle time", True, f"noted after {minutes} without input; nothing is deducted by itself, and {back}."
    )


def _pause(policy: Dump, monitoring: bool) -> Sentence:
    if not monitoring or _may(policy, "pause"):
        return Sentence(
            "pause", "Break and private", True, "you can switch to either; nothing is captured while you are."
        )
    return Sentence("pause", "Break and private", False, "cannot be chosen on this computer; ask your administrator.")


def _remind(policy: Dump, monitoring: bool) -> Sentence | None:
    if not monitoring:
        return None
    on = _may(policy, "remind")
    words = "you can write them; this version's agent does not remind you of them yet." if on else "not asked for here."
    return Sentence("remind", "Memo and label", on, words)


def _tray(policy: Dump, monitoring: bool) -> Sentence:
    if policy.get("tray", True):
        words = "is to show that recording runs; this version's agent has none yet, and its status page says so."
        return Sentence("tray", "Icon", False, words)
    basis = str(policy.get("legal_basis") or "").strip()
    why = (
        f"on the declared basis: {basis.rstrip('.')}"
        if basis
        else "once you have acknowledged the notice of it on this computer"
    )
    return Sentence("tray", "Icon", False, f"hidden, {why}.")


def _kept(policy: Dump, monitoring: bool) -> Sentence:
    everything = policy.get("capture_days", WORKSPACES)
    screens, camera = (_for_how_long(days) for days in (everything, policy.get("camera_days", everything)))
    words = f"pictures are {screens}"
    if camera != screens:
        words = f"screenshots are {screens}, camera snapshots {camera}"
    hold = "; a legal hold keeps them until it is lifted" if policy.get("legal_hold") else ""
    return Sentence("kept", "How long", True, f"{words}{hold}. Time records stay.")


def _for_how_long(days: Any) -> str:
    if days == WORKSPACES:
        return "kept as long as the workspace's settings say"
    return "kept without an end" if days is None else f"erased for good after {_counted(days, 'day')}"


def _grace(policy: Dump, monitoring: bool) -> Sentence:
    days = _counted(int(policy.get("grace_days", 30)), "day")
    return Sentence("grace", "Without a connection", True, f"recording goes on for {days}, then stops with a message.")


def _updates(policy: Dump, monitoring: bool) -> Sentence:
    on = bool(policy.get("automatic_updates", True))
    words = "wait until somebody installs them."
    if on:
        words = "are to install themselves, which this version's agent does not do yet: somebody installs them."
    return Sentence("updates", "Updates", False, words)


_SENTENCES: Sequence[Callable[[Dump, bool], Sentence | None]] = (
    *(_when, _counts, _apps, _titles, _site, _site_lists, _screenshots, _shown, _camera, _recording, _live),
    *(_idle, _pause, _remind, _tray, _kept, _grace, _updates),
)


def _switched(kind: str, name: str, on: bool, words: str) -> Sentence:
    return Sentence(kind, name, on, words if on else NOT_RECORDED)


def _allowed(kind: str, name: str, on: bool, words: str) -> Sentence:
    """As ``_switched``, of what no agent records yet."""
    return Sentence(kind, name, False, f"{words} {_NONE_YET}" if on else NOT_RECORDED)


def _may(policy: Dump, what: str) -> bool:
    return bool((policy.get("member_may") or {}).get(what))


def _counted(number: int, one: str) -> str:
    return f"{number} {one if number == 1 else one + 's'}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
