"""What ingest costs: CPU of the real process per segment, whole (signature, admission, ledger, journal, receipt).

``python -m tests.bench.ingest [--rounds 5] [--records 10000]``. Own servers, distinct bodies, built off the clock. Two
shapes: *drain*, few devices with a long backlog; *steady*, every record of another device, so that every one has its
own watermark and receipt. The cost of one signature check is measured in the same run, for comparison between machines.
"""

import argparse
import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.wire import proof
from services.wire.slots import slot_of
from tests.ingest.fleet import Device, Licensing
from tests.ingest.running import Ingest, Observer, eventually
from tests.support.servers import Installation, mongo, new_id


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--records", type=int, default=10_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, mongo(Path(folder) / "mongo") as server:
        url = server if isinstance(server, str) else server.url
        installation = Installation(Path(folder) / "installation", url)
        try:
            asyncio.run(_run(installation, Path(folder), given.rounds, given.records))
        finally:
            installation.stop()


async def _run(installation: Installation, folder: Path, rounds: int, records: int) -> None:
    ingest = Ingest(installation, folder, new_id("bench").replace("-", ""))
    installation.migrate(ingest.mongo_prefix)
    client, licensing_client = await installation.connect(), await installation.connect("licensing")
    licensing = Licensing(licensing_client)
    await licensing.come()
    observer = Observer(client, ingest.start().wait_ready())
    # every record takes the next slot: far enough back that none lies in the future
    begin = slot_of(datetime.now(UTC)) - timedelta(days=170)
    drain, steady = ([Device("bench", first_slot=begin) for _ in range(count)] for count in (20, records))
    shapes = {"drain": drain, "steady": steady}
    for devices in shapes.values():
        licensing.know(*devices)
        await _round(observer, devices, len(devices))  # grants and watermarks are there before the clock starts
    figures: dict[str, list[tuple[float, float]]] = {shape: [] for shape in shapes}
    checks = []
    for _ in range(rounds):
        for shape, devices in shapes.items():
            figures[shape].append(await _round(observer, devices, records))
        checks.append(_signature_check())
    assert observer.db.quarantine.count_documents({}) == 0, "a bench of what is refused"
    for shape, measured in figures.items():
        cpu, rate = (statistics.median(column) for column in zip(*measured, strict=True))
        spread = "–".join(f"{edge:.0f}" for edge in (min(one[0] for one in measured), max(one[0] for one in measured)))
        print(f"{shape:8} {cpu:6.0f} µs CPU a segment (rounds {spread}); indicative: {rate:6.0f} segments/s")
    print(f"one signature check in the same run: {statistics.median(checks):.0f} µs")
    ingest.kill()
    observer.close()
    await client.close()
    await licensing_client.close()


async def _round(observer: Observer, devices: Sequence[Device], records: int) -> tuple[float, float]:
    """Publishes while the process stands still, lets it go, and gives CPU µs a segment and segments a second."""
    bodies = [(device.subject, device.close().body) for _ in range(records // len(devices)) for device in devices]
    observer.ingest.child.send(signal.SIGSTOP)
    for start in range(0, len(bodies), 2000):
        acks = [await observer.js.publish_async(subject, body) for subject, body in bodies[start : start + 2000]]
        await asyncio.gather(*acks)
    before, started = _cpu_seconds(observer.ingest.child.pid), time.perf_counter()
    observer.ingest.child.send(signal.SIGCONT)
    await eventually(observer.drained, 300)
    seconds = time.perf_counter() - started
    spent = _cpu_seconds(observer.ingest.child.pid) - before
    return spent / len(bodies) * 1e6, len(bodies) / seconds


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process, threads included (Linux: fields 14 and 15 of its stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _signature_check() -> float:
    device = Device("bench")
    text = device.detail()["salt"] * 40
    signature = proof.sign(device.key, proof.SEGMENT_DOMAIN, text.encode())
    public, repeats = bytes(device.key.verify_key), 1000
    started = time.process_time()
    for _ in range(repeats):
        proof.check(public, proof.SEGMENT_DOMAIN, text.encode(), signature)
    return (time.process_time() - started) / repeats * 1e6


if __name__ == "__main__":
    main()
