"""``python -m deploy.local up``: all of Daybook on this machine."""

import argparse
import sys
from pathlib import Path

from deploy.local.services import ROOT
from deploy.local.supervisor import Options, up


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    command = parser.add_subparsers(dest="command", required=True).add_parser("up", help="start everything")
    command.add_argument("--data", type=Path, default=ROOT / "var", help="kept between runs (default: var)")
    command.add_argument("--port", type=int, default=8080, help="of the pages; 0: any free one (default: 8080)")
    command.add_argument("--fleet", type=int, default=3, help="how many simulated people; 0: none (default: 3)")
    command.add_argument("--ready-file", type=Path, help="written when all is up, removed when it stops")
    given = parser.parse_args()
    ready_file = given.ready_file.absolute() if given.ready_file else None
    return up(Options(given.data.absolute(), given.port, given.fleet, ready_file))


if __name__ == "__main__":
    sys.exit(main())
