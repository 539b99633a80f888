"""``python -m deploy.local up``: all of Daybook on this machine."""

import argparse
import sys
from pathlib import Path

from deploy.local.services import ROOT
from deploy.local.supervisor import Options, up


def _port(text: str) -> int:
    if not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if int(text) < 0:
        raise argparse.ArgumentTypeError("a number of people is 0 or more")
    return int(text)


def _file(text: str) -> Path:
    path = Path(text).absolute()
    if path.is_dir() or not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path} cannot be written: name a file in a folder that exists")
    return path


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    command = parser.add_subparsers(dest="command", required=True).add_parser("up", help="start everything")
    command.add_argument("--data", type=Path, default=ROOT / "var", help="kept between runs (default: var)")
    command.add_argument("--port", type=_port, default=8080, help="of the pages; 0: any free one (default: 8080)")
    command.add_argument("--fleet", type=_count, default=3, help="how many simulated people; 0: none (default: 3)")
    command.add_argument("--ready-file", type=_file, help="written when all is up, removed when it stops")
    given = parser.parse_args()
    return up(Options(given.data.absolute(), given.port, given.fleet, given.ready_file))


if __name__ == "__main__":
    sys.exit(main())
