"""The simulated fleet: ``python -m deploy.local.fleet DATA WEB COUNT``.

Activates a device for each of COUNT demo people (and one in the second workspace), lives through the last fourteen
days, sends them through the real bus, and then lives on in real time. How far it is stands in
``DATA/fleet/progress.json``: ``caught_up`` when the diary shows every segment with its score, and the pictures of the
last days (album.py); ``arrived`` when it shows the pictures of the time before, too.
"""

import asyncio
import logging
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx

from deploy.local import api, company
from deploy.local.album import Album, fresh_since, sent
from deploy.local.company import Calendar, Persona
from deploy.local.demo import Demo
from deploy.local.device import Activation, Device, drained
from deploy.local.files import write_private
from deploy.local.screens import Screens
from services.wire import slots

DAYS = 14
OTHER_DAYS = 4
"""Of the second workspace; whatever the day of the week, there is a working day among them."""
_SHOWN_SECONDS = 60.0
_AT_ONCE = 8
_BREATH_SECONDS = 0.004
"""Between two days of a device, in which the uplinks send what is there and the services take it."""
T = TypeVar("T")
log = logging.getLogger("fleet")


class Fleet:
    """All simulated devices of one data folder."""

    def __init__(self, data: Path, web: str, count: int) -> None:
        self.folder = data / "fleet"
        demo = Demo.load(data / "demo.json")
        assert demo, "the demo is seeded before its fleet is started"
        self.demo = demo
        self.web = web
        self.count = count
        self.calendar = Calendar(demo.seeded_at)
        self.screens = Screens(data / "screens")
        self.devices: list[Device] = []
        self.laptops: list[Device] = []
        self.others: list[Device] = []
        self.others_capture: str | None = None
        self.licences_taken: list[str] = []
        self.fresh_since = ""
        self._caught_up = self._arrived = False

    @property
    def all(self) -> list[Device]:
        """Every device."""
        return [*self.devices, *self.laptops, *self.others]

    async def run(self) -> None:
        """Catch up with the present, then live."""
        uplinks: list[asyncio.Task[None]] = []
        try:
            await self._switch_on()
            now = datetime.now(UTC)
            self.fresh_since = fresh_since(now).isoformat()
            uplinks += [asyncio.create_task(device.uplink.run()) for device in self.devices + self.others]
            await self._live_through(now)
            progress = asyncio.create_task(self._say_progress())
            await sent(_spools(self.devices + self.others), pictures=False)
            # the laptop was away from every network, and comes home last
            uplinks += [asyncio.create_task(laptop.uplink.run()) for laptop in self.laptops]
            await sent(_spools(self.all), pictures=True)
            await self._visible()
            await self._enter_manual_time()
            self._caught_up = True
            self._write_progress()
            lives = [device.live() for device in self.devices + self.others]
            await asyncio.gather(*lives, *uplinks, self._arrive(progress))
        finally:
            for uplink in uplinks:
                uplink.cancel()

    async def _live_through(self, now: datetime) -> None:
        """Live the days until now, side by side; the first are under way while the next are lived.

        The last two in one go: who is on call may be called before midnight.
        """
        for device in self.all:
            device.spool.fresh = self.fresh_since
        midnight = datetime.combine(now, datetime.min.time(), UTC)
        for back in (*range(DAYS, 1, -1), 0):
            until = min(midnight - timedelta(days=back - 1), slots.slot_of(now))
            on_call = self.all[0] if back == 0 else None
            for device in self.all:
                days = OTHER_DAYS if device in self.others else DAYS
                since = slots.slot_of(now - timedelta(days=days))
                device.live_through(since, until, on_call=device is on_call)
                device.uplink.wake()
                await asyncio.sleep(_BREATH_SECONDS)

    async def _arrive(self, progress: asyncio.Task[None]) -> None:
        """Send the older pictures, too; wait until they are there, and say so."""
        for device in self.all:
            device.spool.older = True
            device.uplink.wake()
        await drained(self.all)
        # somebody may be at work in the diary by now: what they change there is not waited for
        with suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(_SHOWN_SECONDS):
                await self._visible(changed=True)
        self._arrived = True
        progress.cancel()
        self._write_progress()

    # activation -------------------------------------------------------------------------------------------------------

    async def _switch_on(self) -> None:
        first, second = self.demo.workspaces
        used = len(first["licences"]) - len(self.demo.unused_licences())
        people = company.personas(used - 1)
        wanted = [
            self._device(first["licences"][index]["key"], people[whose], index, index >= len(people))
            for index, whose in enumerate(company.devices(people))
            if whose < self.count
        ]
        wanted.append(self._device(second["licences"][0]["key"], company.OTHER, len(people) + 1, False))
        *own, other = await _side_by_side(wanted)
        self.devices = [device for device in own if not device.travelling]
        self.laptops = [device for device in own if device.travelling]
        self.others = [other]

    async def _device(self, licence_key: str, persona: Persona, number: int, laptop: bool) -> Device:
        folder = self.folder / str(number)
        activation = Activation.load(folder / "activation.json")
        if activation is None:
            name = f"{persona.name.split()[0].lower()}-{'laptop' if laptop else 'desk'}"
            activation = Activation(*await api.activate(self.web, licence_key, name))
            activation.keep(folder / "activation.json")
        return Device(folder, persona, self.calendar, self.screens, activation, travelling=laptop)

    # seen from the diary ----------------------------------------------------------------------------------------------

    async def _visible(self, *, changed: bool = False) -> None:
        """Wait until the diary shows all that was lived, with the pictures of the last days; and find one of the second
        workspace. ``changed``: segments may have gone since, and all pictures are waited for."""
        first, second = self.demo.accounts(0)[0], self.demo.accounts(1)[0]
        async with api.signed_in(self.web, first) as http, api.signed_in(self.web, second) as other:
            own = [self._shown(http, *lived, changed=changed) for lived in _lived(self.devices + self.laptops)]
            await _side_by_side([*own, *(self._shown(other, *lived, changed=changed) for lived in _lived(self.others))])
            self.licences_taken = await api.taken_licences(http)
            member, today = self.others[0].identity.member, datetime.now(UTC).date()
            self.others_capture = await api.newest_picture(other, member, today, DAYS + 7)

    async def _shown(
        self, http: httpx.AsyncClient, member: str, days: Mapping[str, set[str]], *, changed: bool
    ) -> None:
        for day, lived in sorted(days.items()):
            pictures, wanted = changed or day >= self.fresh_since, set() if changed else lived
            await api.shows(http, member, day, wanted, pictures=pictures)

    async def _enter_manual_time(self) -> None:
        """Somebody was on the phone after they had stopped, and says so the next day (S-05); once a data folder."""
        done, device = self.folder / "manual-time", self.devices[0] if self.devices else None
        now = datetime.now(UTC)
        monday = slots.week_of(now, ZoneInfo("UTC")).isoformat()
        if device is None or done.exists() or not device.persona.manual_time:
            return
        worked = [day for day in sorted(device.segments) if monday <= day < now.date().isoformat()]
        lasts = [max(segment.split(":", 2)[2] for segment in device.segments[day]) for day in worked]
        calls = [company.phone_call(device.contract, slots.parse_instant(last) + slots.SLOT) for last in lasts]
        over = [body for body in calls if slots.parse_instant(body["end"]) <= now]
        if over:
            async with api.signed_in(self.web, self.demo.account_of(device.identity.member)) as http:
                await api.add_manual_time(http, device.identity.member, over[-1])
        done.touch()

    # progress ---------------------------------------------------------------------------------------------------------

    async def _say_progress(self) -> None:
        while True:
            self._write_progress()
            await asyncio.sleep(0.3)

    def _write_progress(self) -> None:
        backlogs = [device.spool.backlog() for device in self.all]
        content: dict[str, Any] = {
            "segments": sum(len(found) for device in self.all for found in device.segments.values()),
            "records_waiting": sum(backlog.unsent for backlog in backlogs),
            "pictures_waiting": sum(backlog.pictures for backlog in backlogs),
            "others_capture": self.others_capture,
            "licences_taken": self.licences_taken,
            "fresh_since": self.fresh_since,
            "caught_up": self._caught_up,
            "arrived": self._arrived,
        }
        write_private(self.folder / "progress.json", content)


def _spools(devices: list[Device]) -> list[Album]:
    return [device.spool for device in devices]


async def _side_by_side(work: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results in order; not more at once than one web answers quickly."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(part: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await part

    return await asyncio.gather(*map(one, work))


def _lived(devices: list[Device]) -> Iterable[tuple[str, Mapping[str, set[str]]]]:
    """The segments of each member by UTC day, on whatever device they were lived."""
    found: dict[str, dict[str, set[str]]] = {}
    for device in devices:
        days = found.setdefault(device.identity.member, {})
        for day, segments in device.segments.items():
            days[day] = days.get(day, set()) | segments
    return found.items()


def main() -> None:
    """The process that the supervisor starts."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    data, web, count = sys.argv[1:]
    asyncio.run(Fleet(Path(data), web, int(count)).run())


if __name__ == "__main__":
    main()
