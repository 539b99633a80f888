"""Load of thousands of computers on a stack that runs: ``python -m deploy.local.load READY_FILE --data DIR``.

Makes a workspace with one member, contract and licence an endpoint, has each endpoint live through some hours as the
demo's people do, offline, and lets all come home at once: the agent's own slots, chain, spool and uplink, one process
a core. Each process writes what it closed into a ledger of its own, outside the spools; at the end that ledger is held
against ingest's. Exits 1 where a record is lost, altered or quarantined.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import nats
import orjson
from nats.aio.client import Client

from deploy.local import company, endpoints
from deploy.local.files import read
from deploy.local.keys import Keys, Places
from deploy.local.narrator import say
from deploy.local.services import step
from services.wire import proof, slots
from services.wire.requests import RecordsOf
from services.wire.slots import format_instant

SEED_SECONDS = 600


class Options(NamedTuple):
    """What was asked for."""

    ready: Path
    data: Path
    endpoints: int
    hours: int
    processes: int


class Verdict(NamedTuple):
    """The processes' ledgers against ingest's."""

    closed: int
    accepted: int
    lost: int
    altered: int
    unknown: int

    @property
    def sound(self) -> bool:
        """Whether each closed record is there, once and unchanged."""
        return (self.lost, self.altered, self.unknown) == (0, 0, 0)


def document(count: int, now: datetime, name: str) -> dict[str, Any]:
    """What ``services.licensing.seed`` is asked for: a workspace with so many people on a contract and licence each."""
    personas = company.personas(count)
    emails = [f"endpoint-{number}@{name}.example" for number in range(count)]
    people = [
        {"email": email, "name": persona.name, "role": "employee", "zone": persona.zone}
        for email, persona in zip(emails, personas, strict=True)
    ]
    owner = {"email": f"owner@{name}.example", "name": "Owner of the load", "role": "owner"}
    contracts = [
        {"member_email": email, "project": persona.project, "weekly_limit_minutes": persona.weekly_limit_minutes}
        for email, persona in zip(emails, personas, strict=True)
    ]
    since = format_instant(now - timedelta(days=60))
    licences = [
        {"mode": "worklog", "member_email": email, "contract_index": number, "seats": 1, "not_before": since}
        | {"policy": {"apps": True, "titles": True}}
        for number, email in enumerate(emails)
    ]
    workspace = {"name": name, "people": [owner, *people], "contracts": contracts, "licences": licences}
    return {"workspaces": [workspace]}


def run(options: Options) -> int:
    """Seeds, lives, drains, compares; prints the figures."""
    ready = read(options.ready)
    if ready is None:
        say(f"{options.ready} is not there: start a stack with --ready-file first.")
        return 2
    keys, places = Keys.open(options.data), Places(ready["nats"], ready["mongo"], ready["s3"])
    folder = Path(tempfile.mkdtemp(prefix="daybook-load-"))
    try:
        return _run(options, keys, places, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(options: Options, keys: Keys, places: Places, folder: Path) -> int:
    now, name = datetime.now(UTC), f"load-{os.getpid()}"
    seed = step("seed", "services.licensing.seed", keys.environment("licensing", places), folder / "seed.log")
    say(f"Making a workspace for {options.endpoints} endpoints.")
    text = seed.run(orjson.dumps(document(options.endpoints, now, name)), SEED_SECONDS)
    (made,) = orjson.loads(text)["workspaces"]
    shares = [made["licences"][number :: options.processes] for number in range(options.processes)]
    say(f"{options.processes} processes live through {options.hours} hours.")
    begun = time.monotonic()
    told = _spread(options, keys.bus_seed("diary"), places.nats, shares, folder, now)
    took = time.monotonic() - begun
    verdict = asyncio.run(compare(keys.bus_seed("diary"), places.nats, made["workspace"], folder, options.hours, now))
    drained = max(one["drained_seconds"] for one in told)
    say(
        f"{verdict.closed} records of {options.endpoints} endpoints: all receipted {drained:.1f} s after the first "
        f"connection ({verdict.closed / drained:.0f} a second), {took:.1f} s in all."
    )
    say(f"Accepted {verdict.accepted}, lost {verdict.lost}, altered {verdict.altered}, unknown {verdict.unknown}.")
    return 0 if verdict.sound else 1


def _spread(
    options: Options, seed: str, bus: str, shares: Sequence[Sequence[Mapping[str, Any]]], folder: Path, now: datetime
) -> list[dict[str, float]]:
    context = multiprocessing.get_context("spawn")
    tasks = [
        endpoints.Share(folder / str(number), bus, seed, number, list(share), options.hours, now)
        for number, share in enumerate(shares)
        if share
    ]
    with context.Pool(len(tasks)) as pool:
        return pool.map(endpoints.live, tasks, chunksize=1)


async def compare(seed: str, bus: str, workspace: str, folder: Path, hours: int, now: datetime) -> Verdict:
    """Holds all ledgers of ``folder`` against the records that ingest has of the workspace."""
    closed = {
        (line["device"], line["seq"]): line["hash"]
        for path in folder.glob("*/ledger.jsonl")
        for line in map(json.loads, path.read_text().splitlines())
    }
    client = await nats.connect(bus, nkeys_seed_str=seed)
    try:
        there = await _records(client, workspace, sorted({device for device, _ in closed}), hours, now)
    finally:
        await client.close()
    altered = sum(1 for key, text in there.items() if key in closed and closed[key] != text)
    return Verdict(len(closed), len(there), len(closed.keys() - there), altered, len(there.keys() - closed.keys()))


async def _records(
    client: Client, workspace: str, devices: Sequence[str], hours: int, now: datetime
) -> dict[tuple[str, int], str]:
    """The hash of every record by device and seq, asked page by page."""
    start, end = format_instant(now - timedelta(hours=hours + 1)), format_instant(now + slots.SLOT)
    found: dict[tuple[str, int], str] = {}
    for first in range(0, len(devices), 100):
        after: str | None = ""
        while after is not None:
            asked = RecordsOf(
                workspace=workspace,
                devices=list(devices[first : first + 100]),
                after=after,
                **{"from": start, "to": end},
            )
            body = asked.model_dump_json(by_alias=True).encode()
            answer = orjson.loads((await client.request("rpc.ingest.records", body, timeout=30)).data)
            found |= {(one["device"], one["seq"]): proof.digest(one["record"]) for one in answer["records"]}
            after = answer["next"]
    return found


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.load", description=__doc__)
    parser.add_argument("ready", type=Path, help="the stack's --ready-file")
    parser.add_argument("--data", type=Path, required=True, help="the stack's data folder, for its keys")
    parser.add_argument("--endpoints", type=int, default=1000, help="how many computers (default: 1000)")
    parser.add_argument("--hours", type=int, default=2, help="how long each was offline (default: 2)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one a core")
    given = parser.parse_args()
    return run(Options(given.ready, given.data, given.endpoints, given.hours, given.processes))


if __name__ == "__main__":
    sys.exit(main())
