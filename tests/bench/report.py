"""Figures as a table, as a page of the docs, and as a chart."""

import json
import os
import platform
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path

import pymongo

from tests.bench.harness import Bench, Figure
from tests.support.servers import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
CHART = ROOT / "docs" / "images" / "benchmarks.svg"
_PACKAGES = ("nats-py", "faststream", "motor", "pymongo", "pydantic", "fastapi", "uvloop", "PyNaCl", "pillow")
_MARK = {True: "met", False: "**missed**", None: ""}


def number(value: float) -> str:
    """Three digits that say something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def line(figure: Figure) -> str:
    """One figure in one line."""
    mark = {True: "met", False: "MISSED", None: ""}[figure.met]
    value = f"{number(figure.value)} {figure.unit}"
    return f"{figure.name:52} {value:>26}  {target(figure):>8}  {mark:6}  {spread(figure):16}  {figure.note}".rstrip()


def target(figure: Figure) -> str:
    """What it should be."""
    if figure.target is None:
        return ""
    return f"{'≥' if figure.at_least else '≤'} {figure.target:g}"


def spread(figure: Figure) -> str:
    """The lowest and the highest round."""
    if len(figure.rounds) < 2:
        return ""
    return f"{number(min(figure.rounds))} to {number(max(figure.rounds))}"


def write(found: dict[str, Sequence[Figure]], versions: str, command: str, seconds: float) -> None:
    """Writes the page and the chart."""
    PAGE.write_text(page(found, versions, command, seconds))
    CHART.write_text(chart([one for figures in found.values() for one in figures]))


def page(found: dict[str, Sequence[Figure]], versions: str, command: str, seconds: float) -> str:
    """The page in the docs."""
    return _PAGE.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        command=command,
        minutes=f"{seconds / 60:.0f}",
        machine=machine(),
        versions=versions,
        rows="\n".join(_row(one) for figures in found.values() for one in figures),
    )


def _row(one: Figure) -> str:
    cells = (one.name, f"{number(one.value)} {one.unit}", spread(one), target(one), _MARK[one.met], one.note)
    return f"| {' | '.join(cells)} |"


_PAGE = """\
# What Daybook costs

Measured on {date} by `{command}` in {minutes} minutes, on {machine}.
{versions}.

![Each figure against its target](images/benchmarks.svg)

| what | figure | rounds | target | | |
|---|---:|---:|---:|---|---|
{rows}

## How to read it

- CPU is user and system time of whole processes, threads included, from `/proc`. A figure of several rounds is their
  median; rounds that are compared alternate within one run. Bodies are distinct, and made off the clock.
- The targets were set where checking one signature takes 56 µs and the bare loop 73 µs of Python: what the two took
  here says how fast this machine was.
- Times of the clock on the wall, and rates, depend on the machine and on what else it does: they are indicative. Ratios
  and CPU time travel better.
- Load generator, services, bus (every message synced to disk) and MongoDB (majority, journalled) share the machine.
- Not measured here: 10,000 open connections, more than one machine, a day's outage of a whole fleet, Windows and macOS.
- `python -m tests.bench --only ingest` measures one row and writes nothing; the rows are the files of `tests/bench`.
"""


def machine() -> str:
    """The machine's name for a reader: CPU, cores, memory, system."""
    cpu, memory = platform.processor() or platform.machine(), ""
    info, size = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    if info.exists():
        named = [one.split(":", 1)[1].strip() for one in info.read_text().splitlines() if one.startswith("model name")]
        cpu = named[0] if named else cpu
    if size.exists():
        memory = f", {int(size.read_text().split()[1]) / 2**20:.0f} GB"
    return f"{len(os.sched_getaffinity(0))} cores of {cpu}{memory}, {platform.system()} {platform.release()}"


def versions(bench: Bench) -> str:
    """Of what was measured; servers are asked."""
    with pymongo.MongoClient(bench.installation.mongo_url) as client:  # type: pymongo.MongoClient[dict[str, object]]
        mongodb = client.server_info()["version"]
    with urllib.request.urlopen(f"{bench.installation.nats.monitor_url}/varz", timeout=10) as answer:
        bus = json.load(answer)["version"]
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    return ", ".join([f"Python {platform.python_version()}", f"NATS {bus}", f"MongoDB {mongodb}", *packages])


# the chart ----------------------------------------------------------------------------------------------------------

_ROW, _LEFT, _WIDE = 26, 330, 420
_FULL = 1.5  # of the target is where a bar ends


def chart(figures: Sequence[Figure]) -> str:
    """Bars as a share of the target; the line is the target, and what stays left of it is good enough."""
    shown = [one for one in figures if one.target]
    height, at = 54 + _ROW * len(shown), _LEFT + _WIDE / _FULL
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-40 0 1050 {height}" font-family="system-ui, sans-serif" '
        'font-size="13" role="img" aria-label="Each figure as a share of its target">',
        f'<rect x="-40" width="1050" height="{height}" fill="#ffffff"/>',
        f'<text x="{at:.0f}" y="18" text-anchor="middle" fill="#39424e">target</text>',
        f'<text x="{_LEFT}" y="18" fill="#39424e">better ←</text>',
    ]
    for row, one in enumerate(shown):
        parts += _bar(one, 30 + _ROW * row)
    parts += [
        f'<line x1="{at:.1f}" y1="24" x2="{at:.1f}" y2="{height - 20}" stroke="#39424e" stroke-dasharray="4 3"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(one: Figure, top: int) -> list[str]:
    assert one.target
    share = one.target / one.value if one.at_least else one.value / one.target
    width, colour = _WIDE * min(share, _FULL) / _FULL, "#2f7d5b" if one.met else "#b3541e"
    text = f"{number(one.value)} {one.unit}"
    return [
        f'<text x="{_LEFT - 10}" y="{top + 14}" text-anchor="end" fill="#1c232b">{escape(one.name)}</text>',
        f'<rect x="{_LEFT}" y="{top + 2}" width="{width:.1f}" height="16" rx="2" fill="{colour}"/>',
        f'<text x="{_LEFT + _WIDE + 12}" y="{top + 14}" fill="#39424e">{escape(text)}</text>',
    ]
