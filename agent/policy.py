"""What this device may do: the entitlement as licensing says it, read once, everything off unless it is on (B-05).

Pure. The names are those of the policy that licensing sends; a name that is missing or unknown changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from agent.slot import App, clean
from services.wire import slots
from services.wire.language import N_, _, ngettext

#: How a licence can stand, for people.
STATES = (
    *(N_("active"), N_("grace"), N_("issued"), N_("draft"), N_("suspended"), N_("revoked"), N_("expired")),
    N_("not known yet"),
)
CONFIRMED_FOR = timedelta(hours=26)
"""A running agent signs in again within a day; longer without that, and it lives on its grace."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The switches the agent acts on. Captures a segment: 0 is off."""

    version: int = 1
    captures: int = 0
    monitors: str = "member"
    """``all``, ``active``, or ``member``: the member chooses (T-06)."""
    width: int = 1280
    blur: bool = True
    apps: bool = False
    titles: bool = False
    site: str = "off"
    never_sites: tuple[str, ...] = ()
    only_sites: tuple[str, ...] = ()
    idle_minutes: int = 5
    grace_days: int = 30
    may_pause: bool = True
    """Break and private time (T-18); under monitoring it is the policy's."""
    may_discard: bool = True
    """T-07, likewise."""
    may_choose_monitors: bool = True
    """T-06, likewise."""
    may_annotate: bool = True
    """Memo and label (T-20); under monitoring only where the policy lets the member be reminded of them (T-02)."""

    def visible(self, front: App | None) -> App | None:
        """What of the window in front may be kept (T-04)."""
        if front is None or not self.apps:
            return None
        host = (urlsplit(front.site if "//" in front.site else f"//{front.site}").hostname or "") if front.site else ""
        hidden = _among(host, self.never_sites) or (host and self.only_sites and not _among(host, self.only_sites))
        if hidden:
            return App(clean(front.name))
        title = clean(front.title) or None if self.titles and front.title else None
        site = {"domain": clean(host), "url": clean(front.site or "")}.get(self.site) or None
        return App(clean(front.name), title, site)


def _among(host: str, sites: tuple[str, ...]) -> bool:
    return any(host == site or host.endswith(f".{site}") for site in sites)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract that time may be booked on today."""

    contract: str
    title: str
    labels: tuple[str, ...] = ()
    memo_required: bool = False


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The licence's word on this device, as last heard."""

    state: str = "active"
    licence: str = ""
    mode: str = "worklog"
    policy: Policy = field(default_factory=Policy)
    contracts: tuple[Contract, ...] = ()
    notices: tuple[Any, ...] = ()
    minimum_agent: str | None = None
    not_before: datetime | None = None
    expires: datetime | None = None
    language: str = ""
    """What Daybook speaks with its member (W-06); empty where older services do not say."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """The policy as it was said, for its words (services/wire/words.py)."""

    @property
    def monitoring(self) -> bool:
        """T-02: records from start to shutdown, without the member's doing."""
        return self.mode == "monitoring"

    def obstacle(self, now: datetime, confirmed_at: datetime | None, agent: str) -> str | None:
        """Why nothing may be recorded now; None where it may (L-04, L-05, T-15)."""
        if self.state not in ("active", "grace"):
            return _("the licence is {state}", state=self.state)
        if self.not_before is not None and now < self.not_before:
            return _("the licence begins {begin}", begin=slots.format_instant(self.not_before))
        if self.expires is not None and now >= self.expires:
            return _("the licence ended {end}: ask to have it renewed", end=slots.format_instant(self.expires))
        grace = timedelta(days=self.policy.grace_days)
        if confirmed_at is not None and now - confirmed_at > grace:
            return ngettext(
                "the licence was not confirmed for {number} days: connect this computer",
                "the licence was not confirmed for {number} days: connect this computer",
                self.policy.grace_days,
            )
        if self.minimum_agent and _version(agent) < _version(self.minimum_agent):
            return _(
                "this agent ({agent}) is too old: version {needed} is needed", agent=agent, needed=self.minimum_agent
            )
        return None

    def grace_until(self, now: datetime, confirmed_at: datetime | None) -> datetime | None:
        """Until when it goes on unconfirmed, where that is so; None while the services confirm it (L-04)."""
        if self.state not in ("active", "grace") or confirmed_at is None or now - confirmed_at <= CONFIRMED_FOR:
            return None
        return confirmed_at + timedelta(days=self.policy.grace_days)

    def contract(self, wanted: str | None) -> Contract:
        """The contract to record on; where there is only one it need not be named. ValueError says what is wrong."""
        if wanted is None and len(self.contracts) == 1:
            return self.contracts[0]
        for contract in self.contracts:
            if contract.contract == wanted:
                return contract
        if not self.contracts:
            raise ValueError(_("no contract runs today that time could be recorded on"))
        raise ValueError(
            _("say which contract: {contracts}", contracts=", ".join(one.contract for one in self.contracts))
        )


def read_entitlement(message: Mapping[str, Any]) -> Entitlement:
    """Reads the message of a signed entitlement; ValueError where its shape is another."""
    try:
        mode = str(message.get("mode", "worklog"))
        return Entitlement(
            state=str(message["state"]),
            licence=str(message["licence"]),
            mode=mode,
            policy=_read_policy(message["policy"], mode),
            contracts=tuple(
                Contract(one["contract"], one["title"], tuple(one["labels"]), bool(one["memo_required"]))
                for one in message["contracts"]
            ),
            notices=tuple(message.get("notices") or ()),
            minimum_agent=message.get("minimum_agent"),
            not_before=_instant(message.get("not_before")),
            expires=_instant(message.get("expires")),
            language=str(message.get("language") or ""),
            said=dict(message["policy"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an entitlement: {error}") from error


def _instant(text: str | None) -> datetime | None:
    return slots.parse_instant(text) if text else None


def _read_policy(policy: Mapping[str, Any], mode: str) -> Policy:
    screenshots = policy.get("screenshots") or {}
    member_may = policy.get("member_may") or {}
    free = mode != "monitoring"
    return Policy(
        version=int(policy["version"]),
        captures=max(1, min(10, int(screenshots.get("per_segment", 1)))) if screenshots.get("enabled") else 0,
        monitors=str(screenshots.get("monitors", "member")),
        width=int(screenshots.get("width", 1280)),
        blur=bool(screenshots.get("blur", True)),
        apps=bool(policy.get("apps")),
        titles=bool(policy.get("titles")),
        site=str(policy.get("site", "off")),
        never_sites=tuple(policy.get("never_sites") or ()),
        only_sites=tuple(policy.get("only_sites") or ()),
        idle_minutes=max(1, int(policy.get("idle_minutes", 5))),
        grace_days=int(policy.get("grace_days", 30)),
        may_pause=free or bool(member_may.get("pause")),
        may_discard=free or bool(member_may.get("discard")),
        may_choose_monitors=free or bool(member_may.get("choose_monitors")),
        may_annotate=free or bool(member_may.get("remind")),
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
