"""The simulated fleet: ``python -m deploy.local.fleet DATA WEB COUNT``.

Activates a device for each of COUNT demo people (and one in the second workspace), lives through the last fourteen
days, sends them through the real bus, and then lives on in real time. How far it is stands in
``DATA/fleet/progress.json``: ``caught_up`` when the diary shows every segment with its score, and the pictures of this
week (album.py); ``arrived`` when it shows the pictures of the time before, too.
"""

import asyncio
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
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
        """Live the days until now, side by side; the first are under way while the next are lived."""
        for device in self.all:
            device.spool.fresh = self.fresh_since
        midnight = datetime.combine(now, datetime.min.time(), UTC)
        for back in range(DAYS, -1, -1):
            until = min(midnight - timedelta(days=back - 1), slots.slot_of(now))
            for device in self.all:
                days = OTHER_DAYS if device in self.others else DAYS
                device.live_through(slots.slot_of(now - timedelta(days=days)), until)
                device.uplink.wake()
                await asyncio.sleep(0)

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
        for index, whose in enumerate(company.devices(people)):
            if whose < self.count:
                laptop = index >= len(people)
                device = await self._device(first["licences"][index]["key"], people[whose], index, laptop)
                (self.laptops if laptop else self.devices).append(device)
        self.others = [await self._device(second["licences"][0]["key"], company.OTHER, len(people) + 1, False)]

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
        """Wait until the diary shows all that was lived, with the pictures of this week; and find one of the second
        workspace. ``changed``: segments may have gone since, and all pictures are waited for."""
        for number, devices in enumerate((self.devices + self.laptops, self.others)):
            async with api.signed_in(self.web, self.demo.accounts(number)[0]) as http:
                for device in devices:
                    for day, lived in sorted(device.segments.items()):
                        pictures, wanted = changed or day >= self.fresh_since, set() if changed else lived
                        await api.shows(http, device.identity.member, day, wanted, pictures=pictures)
                if devices is not self.others:
                    self.licences_taken = await api.taken_licences(http)
                else:
                    (other,) = devices
                    today = datetime.now(UTC).date()
                    self.others_capture = await api.newest_picture(http, other.identity.member, today, DAYS + 7)

    async def _enter_manual_time(self) -> None:
        """Somebody was on the phone after they had stopped, and says so the next day (S-05); once a data folder."""
        done, device = self.folder / "manual-time", self.devices[0] if self.devices else None
        today = datetime.now(UTC).date()
        monday = slots.week_of(datetime.now(UTC), ZoneInfo("UTC")).isoformat()
        if device is None or done.exists() or not device.persona.manual_time:
            return
        worked = [day for day in sorted(device.segments) if monday <= day < today.isoformat()]
        if worked:
            last = max(segment.split(":", 2)[2] for segment in device.segments[worked[-1]])
            body = company.phone_call(device.contract, slots.parse_instant(last) + slots.SLOT)
            async with api.signed_in(self.web, self.demo.account_of(device.identity.member)) as http:
                await api.add_manual_time(http, device.identity.member, body)
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


def main() -> None:
    """The process that the supervisor starts."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    data, web, count = sys.argv[1:]
    asyncio.run(Fleet(Path(data), web, int(count)).run())


if __name__ == "__main__":
    main()
