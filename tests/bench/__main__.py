"""What Daybook costs, measured: ``python -m tests.bench [--only ROW] [--quick]`` (quality.md, *Speed and cost*).

Prints a table; a whole run also writes docs/benchmarks.md and its chart.
"""

import argparse
import asyncio
import gc
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import nullcontext

from tests.bench import (
    agent,
    chain,
    day_view,
    freshness,
    ingest,
    ingest_ratio,
    pictures,
    projector,
    report,
    scoring,
    sign_in,
    startup,
)
from tests.bench.harness import Bench, Figure, servers

MODULES = (ingest_ratio, ingest, chain, freshness, scoring, projector, day_view, pictures, sign_in, agent, startup)
ROWS = {one.__name__.rpartition(".")[2]: one.measure for one in MODULES}


SLOW = "startup"
"""Not part of a quick run: tests/local start whole stacks anyway."""


def measure(bench: Bench, row: str) -> list[Figure]:
    """One row's figures."""
    figures = asyncio.run(ROWS[row](bench))
    gc.collect()
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--only", action="append", choices=list(ROWS), help="one row, or several by repeating it")
    options.add_argument("--quick", action="store_true", help="see that every row yields figures, which mean nothing")
    given = options.parse_args(arguments)
    rows = given.only or [one for one in ROWS if not (given.quick and one == SLOW)]
    found: dict[str, Sequence[Figure]] = {}
    failed, started = list[str](), time.monotonic()
    with servers(given.quick) if given.quick else nullcontext() as shared:
        for row in rows:
            begun = time.monotonic()
            try:
                found[row] = measure(shared, row) if shared else _alone(row)
            except Exception:  # the other rows' minutes are not lost with it
                traceback.print_exc()
                failed.append(row)
                continue
            for figure in found[row]:
                print(report.line(figure), flush=True)
            print(f"{row} took {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    if failed:
        print(f"nothing is written: {', '.join(failed)} failed", file=sys.stderr)
        return 1
    if not given.only and not given.quick:
        with servers(quick=False) as bench:
            versions = report.versions(bench)
        report.write(found, versions, "make bench", time.monotonic() - started)
        print(f"written: {report.PAGE.name}, {report.CHART.name}")
    return 0


def _alone(row: str) -> list[Figure]:
    """A row on servers of its own."""
    with servers(quick=False) as bench:
        return measure(bench, row)


if __name__ == "__main__":
    sys.exit(main())
