"""The simulated fleet: ``python -m deploy.local.fleet DATA WEB COUNT``.

Activates a device for each of COUNT demo people (and one in the second workspace), lives through the last fourteen
days, sends them through the real bus, waits until the diary shows them, and then lives on in real time. How far it is
stands in ``DATA/fleet/progress.json``.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from nacl.signing import SigningKey

from deploy.local import company
from deploy.local.company import Calendar, Persona
from deploy.local.demo import Demo
from deploy.local.device import Activation, Device, drained
from deploy.local.files import write_private
from deploy.local.screens import Screens
from services.wire import proof, slots

DAYS = 14
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
        self._caught_up = False

    @property
    def all(self) -> list[Device]:
        """Every device."""
        return [*self.devices, *self.laptops, *self.others]

    async def run(self) -> None:
        """Catch up with the present, then live."""
        uplinks: list[asyncio.Task[None]] = []
        try:
            async with httpx.AsyncClient(base_url=self.web, timeout=30) as http:
                await self._switch_on(http)
                since, until = self._span()
                for device in self.all:
                    device.live_through(since, until)
                    if device not in self.laptops:
                        uplinks.append(asyncio.create_task(device.uplink.run()))
                    await asyncio.sleep(0)
                progress = asyncio.create_task(self._say_progress())
                await drained([*self.devices, *self.others])
                # the laptop was away from every network, and comes home last
                uplinks += [asyncio.create_task(laptop.uplink.run()) for laptop in self.laptops]
                await drained(self.laptops)
                await self._visible()
            self._caught_up = True
            self._write_progress()
            progress.cancel()
            lives = [device.live() for device in self.devices + self.others]
            await asyncio.gather(*lives, *uplinks)
        finally:
            for uplink in uplinks:
                uplink.cancel()

    def _span(self) -> tuple[datetime, datetime]:
        now = datetime.now(UTC)
        return slots.slot_of(now - timedelta(days=DAYS)), slots.slot_of(now)

    # activation -------------------------------------------------------------------------------------------------------

    async def _switch_on(self, http: httpx.AsyncClient) -> None:
        first, second = self.demo.workspaces
        used = len(first["licences"]) - len(self.demo.unused_licences())
        people = company.personas(used - 1)
        for index, whose in enumerate(company.devices(people)):
            if whose < self.count:
                laptop = index >= len(people)
                device = await self._device(http, first["licences"][index]["key"], people[whose], index, laptop)
                (self.laptops if laptop else self.devices).append(device)
        self.others = [await self._device(http, second["licences"][0]["key"], company.OTHER, len(people) + 1, False)]

    async def _device(
        self, http: httpx.AsyncClient, licence_key: str, persona: Persona, number: int, laptop: bool
    ) -> Device:
        folder = self.folder / str(number)
        activation = Activation.load(folder / "activation.json")
        if activation is None:
            name = f"{persona.name.split()[0].lower()}-{'laptop' if laptop else 'desk'}"
            activation = await activate(http, licence_key, name)
            activation.keep(folder / "activation.json")
        return Device(folder, persona, self.calendar, self.screens, activation, travelling=laptop)

    # seen from the diary ----------------------------------------------------------------------------------------------

    async def _visible(self) -> None:
        """Wait until the diary shows every segment that was closed, and one picture of the second workspace."""
        for number, devices in enumerate((self.devices + self.laptops, self.others)):
            async with self._signed_in(number) as http:
                for device in devices:
                    for day, segments in sorted(device.segments.items()):
                        await self._day_shows(http, device.identity.member, day, segments)
                if number == 1:
                    await self._shows_a_picture(http)

    async def _day_shows(self, http: httpx.AsyncClient, member: str, day: str, segments: set[str]) -> None:
        while True:
            shown = {segment["segment_id"] for segment in await _segments(http, member, day)}
            if segments <= shown:
                return
            await asyncio.sleep(0.2)

    async def _shows_a_picture(self, http: httpx.AsyncClient) -> None:
        (device,) = self.others
        for day in sorted(device.segments, reverse=True):
            while device.pictured is not None:
                captures = [
                    one for seg in await _segments(http, device.identity.member, day) for one in seg["captures"]
                ]
                stored = [capture["capture_id"] for capture in captures if capture["state"] == "stored"]
                if stored:
                    self.others_capture = stored[0]
                    return
                if not captures:
                    break
                await asyncio.sleep(0.2)

    @asynccontextmanager
    async def _signed_in(self, workspace: int) -> AsyncIterator[httpx.AsyncClient]:
        """The API as the owner of a workspace uses it."""
        owner = self.demo.accounts(workspace)[0]
        async with httpx.AsyncClient(base_url=self.web, timeout=30) as http:
            answer = await http.post("/api/v1/sessions", json={name: owner[name] for name in ("email", "password")})
            answer.raise_for_status()
            http.cookies.clear()
            http.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            yield http

    # progress ---------------------------------------------------------------------------------------------------------

    others_capture: str | None = None

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
            "caught_up": self._caught_up,
        }
        write_private(self.folder / "progress.json", content)


async def activate(http: httpx.AsyncClient, licence_key: str, name: str) -> Activation:
    """Make a device key and exchange the licence key for what the device needs; waits where there were too many."""
    key = SigningKey.generate()
    public = proof.user_nkey(bytes(key.verify_key))
    device = {"name": name, "os": "linux", "kind": "desktop", "public_key": public}
    offer = {"licence_key": licence_key, "device": device, "proof": proof.prove_possession(key, public)}
    while True:
        answer = await http.post("/api/v1/activations", json=offer)
        if answer.status_code != 429:
            break
        await asyncio.sleep(int(answer.headers.get("Retry-After", "5")))
    if answer.is_error:
        raise RuntimeError(f"{name} was not activated: {answer.text}")
    return Activation(key, answer.json())


async def _segments(http: httpx.AsyncClient, member: str, day: str) -> list[dict[str, Any]]:
    answer = await http.get(f"/api/v1/diary/{member}/days/{day}", params={"zone": "UTC"})
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["segments"]
    return found


def main() -> None:
    """The process that the supervisor starts."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    data, web, count = sys.argv[1:]
    asyncio.run(Fleet(Path(data), web, int(count)).run())


if __name__ == "__main__":
    main()
