"""What licensing grants each device, remembered for half a minute and while licensing is away.

``licence.changed`` and ``contract.changed`` end what is remembered of their workspace at once.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from typing import Any, NamedTuple

from services.ingest.admission import Terms
from services.kit.problems import Problem
from services.wire import proof
from services.wire.events import check
from services.wire.requests import Grant, GrantOf
from services.wire.slots import parse_instant

log = logging.getLogger(__name__)

Device = tuple[str, str]
"""Workspace and device."""

TTL_SECONDS = 30.0
_REMEMBERED = 50_000
_AWAY_SECONDS = 1.0
_NEVER = float("-inf")


class Snapshot(NamedTuple):
    """What licensing said when it was asked (monotonic seconds); no terms: it knows no such device, or is away."""

    terms: Terms | None
    asked_at: float


AWAY = Snapshot(None, _NEVER)


class Grants:
    """The grants of devices; ``ask`` is ``rpc.licensing.grant``."""

    def __init__(self, ask: Callable[[GrantOf], Awaitable[Any]]) -> None:
        self._ask = ask
        self._known: OrderedDict[Device, Snapshot] = OrderedDict()
        self._changed_at: dict[str, float] = {}
        self._away_until = _NEVER

    async def of(self, devices: Collection[Device]) -> dict[Device, Snapshot]:
        """A snapshot for each device: remembered, asked for, or an old one while licensing is away, else AWAY."""
        now = time.monotonic()
        found = {device: snapshot for device in devices if (snapshot := self._fresh(device, now))}
        return found | await self.again([device for device in devices if device not in found])

    async def again(self, devices: Collection[Device]) -> dict[Device, Snapshot]:
        """As ``of``, asking for every one of them."""
        return dict(zip(devices, await asyncio.gather(*map(self._asked, devices)), strict=True))

    async def changed(self, subject: str, body: bytes) -> None:
        """A licence or contract changed: nothing older is relied on in its workspace."""
        self._changed_at[subject.split(".")[2]] = time.monotonic()

    def _fresh(self, device: Device, now: float) -> Snapshot | None:
        snapshot = self._known.get(device)
        if snapshot is None or now - snapshot.asked_at > TTL_SECONDS:
            return None
        return snapshot if snapshot.asked_at > self._changed_at.get(device[0], _NEVER) else None

    async def _asked(self, device: Device) -> Snapshot:
        asked_at = time.monotonic()
        if asked_at < self._away_until:
            return self._known.get(device, AWAY)
        try:
            answer = await self._ask(GrantOf(workspace=device[0], device=device[1]))
            snapshot = Snapshot(terms_of(check(Grant, answer)), asked_at)
        except (Problem, ValueError) as problem:
            if isinstance(problem, Problem) and problem.status == 404:
                self._known.pop(device, None)
                return Snapshot(None, asked_at)
            log.warning("licensing cannot say what a device is granted: %s", problem)
            self._away_until = time.monotonic() + _AWAY_SECONDS
            return self._known.get(device, AWAY)
        self._remember(device, snapshot)
        return snapshot

    def _remember(self, device: Device, snapshot: Snapshot) -> None:
        self._known[device] = snapshot
        self._known.move_to_end(device)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)


def terms_of(grant: Grant) -> Terms:
    """What admission needs of a grant; ValueError where its key is none."""
    return Terms(
        public_key=proof.read_public_key(grant.public_key),
        member=grant.member,
        device_kind=grant.device_kind,
        licence=grant.licence,
        state=grant.state,
        not_before=parse_instant(grant.not_before) if grant.not_before else None,
        expires=parse_instant(grant.expires) if grant.expires else None,
        revoked_at=parse_instant(grant.revoked_at) if grant.revoked_at else None,
        contracts={one.contract: frozenset(one.labels) for one in grant.contracts},
    )
