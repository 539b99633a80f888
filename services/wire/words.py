"""A policy in plain words: what will be recorded of me (T-03 to T-11, M-04, M-05, T-02). Pure, standard library only.

The agent and the back office show the same sentences, so that nobody decides about anything else than what is read.
Input is a policy's dump as it crosses the bus; a switch that is missing counts as off.

A policy can allow what this version of Daybook does not do yet (``NOT_YET``): its sentence says both, and is not *on*.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from services.wire.language import N_, _, again, ngettext
from services.wire.retention import WORKSPACES

MODES = ("worklog", "monitoring")
NOT_RECORDED = N_("not recorded.")
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
_NONE_YET = N_("The policy allows it; not recorded by this version's agent.")

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
    when = _("only between your Start and Stop")
    if monitoring:
        when = _("from when this computer starts until it shuts down")
    words = _("{when}.", when=when)
    if policy.get("shifts_only"):
        words = _(
            "{when}; it is to be only within your shifts, which this version's agent does not know yet.", when=when
        )
    return Sentence("when", _("When"), True, words)


def _counts(policy: Dump, monitoring: bool) -> Sentence:
    return Sentence(
        "counts",
        _("Activity"),
        True,
        _(
            "how many keystrokes, clicks, scrolls and pointer movements each minute has; never what was typed or "
            "clicked. Movement alone makes it active only where the workspace's settings say so."
        ),
    )


def _apps(policy: Dump, monitoring: bool) -> Sentence:
    words = _("which one is in front and for how long; never those behind it.")
    return _switched("apps", _("Applications"), bool(policy.get("apps")), words)


def _titles(policy: Dump, monitoring: bool) -> Sentence:
    on = bool(policy.get("apps") and policy.get("titles"))
    return _switched("titles", _("Window titles"), on, _("the title of the window in front."))


def _site(policy: Dump, monitoring: bool) -> Sentence:
    kept = {
        "domain": _("the domain of the page in front, such as example.org."),
        "url": _("the address of the page in front."),
    }
    words = kept.get(str(policy.get("site", "off"))) if policy.get("apps") else None
    return _switched("site", _("Websites"), words is not None, words or "")


def _site_lists(policy: Dump, monitoring: bool) -> Sentence | None:
    """The lists hide titles and addresses, so they mean something only where one of these is kept (T-04)."""
    only, never = policy.get("only_sites") or (), policy.get("never_sites") or ()
    if not (_titles(policy, monitoring).on or _site(policy, monitoring).on) or not (only or never):
        return None
    if only and never:
        words = _(
            "titles and addresses are kept only on {only}, and neither is ever kept on {never}.",
            only=_listed(only),
            never=_listed(never),
        )
    elif only:
        words = _("titles and addresses are kept only on {only}.", only=_listed(only))
    else:
        words = _("neither titles nor addresses are kept on {never}.", never=_listed(never))
    return Sentence("site_lists", _("Websites by name"), True, words)


def _screenshots(policy: Dump, monitoring: bool) -> Sentence:
    shots = policy.get("screenshots") or {}
    often = int(shots.get("per_segment", 1))
    words = ngettext(
        "{number} picture in ten minutes, {hourly} an hour, at random moments, {monitors}; at most {width} pixels wide "
        "and {blur}.",
        "{number} pictures in ten minutes, {hourly} an hour, at random moments, {monitors}; at most {width} pixels "
        "wide and {blur}.",
        often,
        hourly=often * _SEGMENTS_AN_HOUR,
        monitors=_monitors(policy, monitoring),
        width=int(shots.get("width", 1280)),
        blur=_("blurred on this computer before it leaves") if shots.get("blur", True) else _("not blurred"),
    )
    return _switched("screenshots", _("Screenshots"), bool(shots.get("enabled")), words)


def _monitors(policy: Dump, monitoring: bool) -> str:
    which = str((policy.get("screenshots") or {}).get("monitors", "member"))
    if which == "member":
        free = not monitoring or _may(policy, "choose_monitors")
        if free:
            return _("of all monitors or only the active one, as you choose")
        return _("of the monitors set on this computer")
    return _("of all monitors") if which == "all" else _("of the active monitor")


def _shown(policy: Dump, monitoring: bool) -> Sentence | None:
    """Whether the member sees each capture, and may take it back (T-07)."""
    if not (policy.get("screenshots") or {}).get("enabled"):
        return None
    on, free = bool(policy.get("notify", True)), not monitoring or _may(policy, "discard")
    seen = _("to be shown to you, which this version's agent does not do yet") if on else _("not shown to you")
    words = _("{seen}; none can be discarded here.", seen=seen)
    if free:
        words = _(
            "{seen}; the running segment can be discarded with its captures, before they leave this computer.",
            seen=seen,
        )
    return Sentence("notify", _("Each capture"), False, words)


def _camera(policy: Dump, monitoring: bool) -> Sentence:
    camera = policy.get("camera") or {}
    words = ngettext(
        "at most {number} snapshot an hour, and only with your own yes.",
        "at most {number} snapshots an hour, and only with your own yes.",
        int(camera.get("per_hour", 1)),
    )
    return _allowed("camera", _("Camera"), bool(camera.get("enabled")), words)


def _recording(policy: Dump, monitoring: bool) -> Sentence:
    words = _("a video of the screen at a low rate.")
    return _allowed("recording", _("Screen video"), bool(policy.get("recording")), words)


def _live(policy: Dump, monitoring: bool) -> Sentence:
    words = _("an admin or your team's manager can watch the screen; each watch is written down, and you can see it.")
    return _allowed("live", _("Live view"), bool(policy.get("live")), words)


def _idle(policy: Dump, monitoring: bool) -> Sentence:
    minutes = int(policy.get("idle_minutes", 5))
    if not monitoring or _may(policy, "keep_idle"):
        words = ngettext(
            "noted after {number} minute without input; nothing is deducted by itself, and coming back you are to be "
            "asked whether to keep it as manual time, which this version's agent does not do yet.",
            "noted after {number} minutes without input; nothing is deducted by itself, and coming back you are to be "
            "asked whether to keep it as manual time, which this version's agent does not do yet.",
            minutes,
        )
    else:
        words = ngettext(
            "noted after {number} minute without input; nothing is deducted by itself, and you are not asked about it.",
            "noted after {number} minutes without input; nothing is deducted by itself, and you are not asked about "
            "it.",
            minutes,
        )
    return Sentence("idle", _("Idle time"), True, words)


def _pause(policy: Dump, monitoring: bool) -> Sentence:
    if not monitoring or _may(policy, "pause"):
        words = _("you can switch to either; nothing is captured while you are.")
        return Sentence("pause", _("Break and private"), True, words)
    words = _("cannot be chosen on this computer; ask your administrator.")
    return Sentence("pause", _("Break and private"), False, words)


def _remind(policy: Dump, monitoring: bool) -> Sentence | None:
    if not monitoring:
        return None
    on = _may(policy, "remind")
    words = _("not asked for here.")
    if on:
        words = _("you can write them; this version's agent does not remind you of them yet.")
    return Sentence("remind", _("Memo and label"), on, words)


def _tray(policy: Dump, monitoring: bool) -> Sentence:
    if policy.get("tray", True):
        words = _("is to show that recording runs; this version's agent has none yet, and its status page says so.")
        return Sentence("tray", _("Icon"), False, words)
    basis = str(policy.get("legal_basis") or "").strip()
    words = _("hidden, once you have acknowledged the notice of it on this computer.")
    if basis:
        words = _("hidden, on the declared basis: {basis}.", basis=basis.rstrip("."))
    return Sentence("tray", _("Icon"), False, words)


def _kept(policy: Dump, monitoring: bool) -> Sentence:
    everything = policy.get("capture_days", WORKSPACES)
    screens, camera = (_for_how_long(days) for days in (everything, policy.get("camera_days", everything)))
    said = _("pictures are {kept}", kept=screens)
    if camera != screens:
        said = _("screenshots are {screens}, camera snapshots {camera}", screens=screens, camera=camera)
    words = _("{kept}. Time records stay.", kept=said)
    if policy.get("legal_hold"):
        words = _("{kept}; a legal hold keeps them until it is lifted. Time records stay.", kept=said)
    return Sentence("kept", _("How long"), True, words)


def _for_how_long(days: Any) -> str:
    if days == WORKSPACES:
        return _("kept as long as the workspace's settings say")
    if days is None:
        return _("kept without an end")
    return ngettext("erased for good after {number} day", "erased for good after {number} days", days)


def _grace(policy: Dump, monitoring: bool) -> Sentence:
    words = ngettext(
        "recording goes on for {number} day, then stops with a message.",
        "recording goes on for {number} days, then stops with a message.",
        int(policy.get("grace_days", 30)),
    )
    return Sentence("grace", _("Without a connection"), True, words)


def _updates(policy: Dump, monitoring: bool) -> Sentence:
    on = bool(policy.get("automatic_updates", True))
    words = _("wait until somebody installs them.")
    if on:
        words = _("are to install themselves, which this version's agent does not do yet: somebody installs them.")
    return Sentence("updates", _("Updates"), False, words)


_SENTENCES: Sequence[Callable[[Dump, bool], Sentence | None]] = (
    *(_when, _counts, _apps, _titles, _site, _site_lists, _screenshots, _shown, _camera, _recording, _live),
    *(_idle, _pause, _remind, _tray, _kept, _grace, _updates),
)


def _switched(kind: str, name: str, on: bool, words: str) -> Sentence:
    return Sentence(kind, name, on, words if on else again(NOT_RECORDED))


def _allowed(kind: str, name: str, on: bool, words: str) -> Sentence:
    """As ``_switched``, of what no agent records yet."""
    return Sentence(kind, name, False, f"{words} {again(_NONE_YET)}" if on else again(NOT_RECORDED))


def _may(policy: Dump, what: str) -> bool:
    return bool((policy.get("member_may") or {}).get(what))


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return _("{several} and {last}", several=", ".join(names[:-1]), last=names[-1])
