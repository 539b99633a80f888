"""``python -m agent``: activate a licence, run the resident process, and speak with it."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent import control
from agent.settings import Settings, SettingsError, write_private


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when it was done; 1 with one line on standard error when not; 2 for a wrong command line."""
    asked = _parser().parse_args(arguments)
    try:
        settings = Settings.read(home=asked.home)
        return int(asked.act(settings, asked) or 0)
    except (SettingsError, control.NotRunning, OSError) as problem:
        return _fail(str(problem))
    except KeyboardInterrupt:
        return 130


def _fail(problem: str) -> int:
    sys.stderr.write(f"daybook-agent: {problem}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="daybook-agent", description="Records work in ten-minute segments.")
    parser.add_argument("--home", type=Path, help="the agent's folder (else DAYBOOK_AGENT_HOME, else the usual place)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, act: Any, help: str, **more: Any) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help)
        # also after the command, where one looks for it first
        command.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.set_defaults(act=act, **more)
        return command

    def add_work(command: argparse.ArgumentParser) -> None:
        command.add_argument("--contract", help="whose time it is; may be left out where there is only one")
        command.add_argument("--memo", help="what the time is for")
        command.add_argument("--label", help="one of the contract's activity labels")

    activate = add("activate", _activate, "bind this computer to a licence (its key on standard input)")
    activate.add_argument("--server", help="https://… of the diary")
    activate.add_argument("--licence-file", type=Path, help="a file that holds the key")
    activate.add_argument("--licence", help="the key itself; others on this computer may see it")
    run = add("run", _run, "run the resident process")
    run.add_argument("--start", action="store_true", help="start recording at once")
    add_work(run)
    add_work(add("start", _tell, "start recording, or go over to another contract", command="start"))
    add("stop", _tell, "stop recording", command="stop")
    add_work(add("note", _tell, "change memo or label while time runs", command="note"))
    for state, help in (("work", "back to work"), ("break", "on a break"), ("private", "private time")):
        add(state, _tell, f"{help} (nothing is captured on a break or in private)", command=state)
    add("discard", _tell, "take the running segment and its captures back", command="discard")
    monitors = add("monitors", _monitors, "which monitors are captured, where the policy leaves it to you")
    monitors.add_argument("which", choices=("all", "active"))
    status = add("status", _tell, "what the agent is doing", command="status")
    status.add_argument("--json", action="store_true")
    notices = add("notices", _notices, "what is recorded here, and what you were told of it")
    notices.add_argument("--acknowledge", action="store_true", help="you have read them all")
    add("contracts", _contracts, "the contracts that time can be recorded on").add_argument(
        "--json", action="store_true"
    )
    return parser


def _activate(settings: Settings, asked: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from agent.activation import ActivationError, activate
    from agent.resident import remember, remembered
    from agent.spool import Spool

    if bound := _bound(settings, remembered, Spool):
        return _fail(bound)
    server = asked.server or settings.server
    if not server:
        return _fail("say which server: --server https://…")
    if asked.licence:
        key = asked.licence
    elif asked.licence_file:
        key = asked.licence_file.read_text()
    else:
        key = sys.stdin.readline()
    if not key.strip():
        return _fail("no licence key was given")
    try:
        activation, entitlement = activate(settings, server, key)
    except ActivationError as problem:
        return _fail(str(problem))
    spool = Spool(settings.spool)
    remember(spool, entitlement, datetime.now(UTC))
    spool.close()
    sys.stdout.write(f"activated: device {activation.device} of workspace {activation.workspace}\n")
    return 0


def _bound(settings: Settings, remembered: Any, spool_at: Any) -> str | None:
    """T-02: a monitored computer takes no other licence while its own holds."""
    try:
        activation = settings.activation()
    except SettingsError:
        return None
    spool = spool_at(settings.spool)
    try:
        entitlement, _ = remembered(spool, activation)
    except ValueError:  # what was kept cannot be read: activating again is what helps
        return None
    finally:
        spool.close()
    if entitlement.monitoring and entitlement.state in ("active", "grace"):
        return "this computer is monitored: its administrator releases it before another licence is loaded"
    return None


def _run(settings: Settings, asked: argparse.Namespace) -> int:
    from agent.resident import run
    from agent.session import NotAllowed
    from agent.spool import SpoolError

    start = {name: getattr(asked, name) for name in ("contract", "memo", "label")} if asked.start else None
    try:
        run(settings, start)
    except NotAllowed as problem:
        return _fail(str(problem))
    except SpoolError as problem:
        return _fail(f"the spool cannot be used: {problem}")
    return 0


def _tell(settings: Settings, asked: argparse.Namespace) -> int:
    settings.activation()
    more = {name: value for name, value in vars(asked).items() if name in ("contract", "memo", "label") and value}
    answer = control.ask(settings.door, asked.command, **more)
    if "error" in answer:
        return _fail(str(answer["error"]))
    sys.stdout.write(json.dumps(answer, indent=1) + "\n" if getattr(asked, "json", False) else _lines(answer))
    return 0


def _monitors(settings: Settings, asked: argparse.Namespace) -> int:
    settings.make_home()
    chosen = {"monitors": asked.which} | ({"server": settings.server} if settings.server else {})
    write_private(settings.home / "settings.json", json.dumps(chosen).encode())
    with suppress(control.NotRunning):  # else it will read the file
        control.ask(settings.door, "monitors", which=asked.which)
    return 0


def _contracts(settings: Settings, asked: argparse.Namespace) -> int:
    settings.activation()
    answer = control.ask(settings.door, "contracts")
    if asked.json:
        sys.stdout.write(json.dumps(answer["contracts"], indent=1) + "\n")
        return 0
    for one in answer["contracts"]:
        labels = ", ".join(one["labels"]) or "-"
        sys.stdout.write(f"{one['contract']}  {one['title']}  labels: {labels}\n")
    return 0


def _notices(settings: Settings, asked: argparse.Namespace) -> int:
    settings.activation()
    status = control.ask(settings.door, "status")
    for notice in status["notices"]:
        told = "".join(f"  {line}\n" for line in notice["changes"])
        sys.stdout.write(f"since {notice['created_at']} more is recorded than before:\n{told}")
    sys.stdout.write("recorded on this computer:\n" + "".join(f"  {line}\n" for line in status["recorded"]))
    if asked.acknowledge:
        read = [notice["notice"] for notice in status["notices"]]
        answer = control.ask(settings.door, "notices", read=read)
        return _fail(str(answer["error"])) if "error" in answer else 0
    return 0


def _lines(status: dict[str, Any]) -> str:
    """The status for a person: what is known, line by line; what is fine is not said."""
    minutes = status["minutes"]
    lines = [f"{status['status']} since {status['since']}"]
    if status["contract"]:
        lines.append(f"on {status['contract']}: {status['memo'] or '-'} ({status['label'] or '-'})")
        lines.append(f"session {minutes['session']} min (this is not the bill)")
    lines.append(f"today {minutes['today']} min, this week {minutes['week']} min")
    lines.append(f"bus {status['bus']}, {status['unsent']} records and {status['pictures_unsent']} pictures wait")
    problems = [status["stopped_because"], status["bus_problem"], status["disk_problem"], status["told"]]
    problems += [f"{source}: {reason}" for source, reason in status["missing"].items()]
    problems += [f"record {seq} was not admitted: {reason}" for seq, reason in status["quarantined"]]
    if status["licence"] not in ("active", (status["stopped_because"] or "").rpartition(" ")[2]):
        until = f" until {status['grace_until']}: connect this computer" if status["grace_until"] else ""
        problems.append(f"licence {status['licence']}{until}")
    if status["notices"]:
        problems.append(f"{len(status['notices'])} notices of what is recorded: read them with `notices`")
    lines += ["recorded here:", *(f"  {line}" for line in status["recorded"])]
    return "\n".join([*lines, *(f"! {problem}" for problem in problems if problem)]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
