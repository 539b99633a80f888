"""``python -m agent``: activate a licence, run the resident process, and speak with it."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from agent import control, language
from agent.settings import Settings, SettingsError, write_private
from services.wire.language import _, again, ngettext, speak


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when it was done; 1 with one line on standard error when not; 2 for a wrong command line."""
    speak(language.of_computer())
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
    parser = argparse.ArgumentParser(prog="daybook-agent", description=_("Records work in ten-minute segments."))
    parser.add_argument(
        "--home", type=Path, help=_("the agent's folder (else DAYBOOK_AGENT_HOME, else the usual place)")
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, act: Any, help: str, **more: Any) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help)
        # also after the command, where one looks for it first
        command.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.set_defaults(act=act, **more)
        return command

    def add_work(command: argparse.ArgumentParser) -> None:
        command.add_argument("--contract", help=_("whose time it is; may be left out where there is only one"))
        command.add_argument("--memo", help=_("what the time is for"))
        command.add_argument("--label", help=_("one of the contract's activity labels"))

    activate = add("activate", _activate, _("bind this computer to a licence (its key on standard input)"))
    activate.add_argument("--server", help=_("https://… of the diary"))
    activate.add_argument("--licence-file", type=Path, help=_("a file that holds the key"))
    activate.add_argument("--licence", help=_("the key itself; others on this computer may see it"))
    run = add("run", _run, _("run the resident process"))
    run.add_argument("--start", action="store_true", help=_("start recording at once"))
    add_work(run)
    add_work(add("start", _tell, _("start recording, or go over to another contract"), command="start"))
    add("stop", _tell, _("stop recording"), command="stop")
    add_work(add("note", _tell, _("change memo or label while time runs"), command="note"))
    add("work", _tell, _("back to work (nothing is captured on a break or in private)"), command="work")
    add("break", _tell, _("on a break (nothing is captured on a break or in private)"), command="break")
    add("private", _tell, _("private time (nothing is captured on a break or in private)"), command="private")
    add("discard", _tell, _("take the running segment and its captures back"), command="discard")
    monitors = add("monitors", _monitors, _("which monitors are captured, where the policy leaves it to you"))
    monitors.add_argument("which", choices=("all", "active"))
    status = add("status", _tell, _("what the agent is doing"), command="status")
    status.add_argument("--json", action="store_true")
    notices = add("notices", _notices, _("what is recorded here, and what you were told of it"))
    notices.add_argument("--acknowledge", action="store_true", help=_("you have read them all"))
    add("contracts", _contracts, _("the contracts that time can be recorded on")).add_argument(
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
        return _fail(_("say which server: --server https://…"))
    if asked.licence:
        key = asked.licence
    elif asked.licence_file:
        key = asked.licence_file.read_text()
    else:
        key = sys.stdin.readline()
    if not key.strip():
        return _fail(_("no licence key was given"))
    try:
        activation, entitlement = activate(settings, server, key)
    except ActivationError as problem:
        return _fail(str(problem))
    spool = Spool(settings.spool)
    remember(spool, entitlement, datetime.now(UTC))
    spool.close()
    speak(language.of(entitlement.get("language")))
    said = _(
        "activated: device {device} of workspace {workspace}", device=activation.device, workspace=activation.workspace
    )
    sys.stdout.write(f"{said}\n")
    return 0


def _bound(settings: Settings, remembered: Any, spool_at: Any) -> str | None:
    """T-02: a monitored computer takes no other licence while its own holds."""
    try:
        activation = settings.activation()
    except SettingsError:
        return None
    spool = spool_at(settings.spool)
    try:
        entitlement = remembered(spool, activation)[0]
    except ValueError:  # what was kept cannot be read: activating again is what helps
        return None
    finally:
        spool.close()
    if entitlement.monitoring and entitlement.state in ("active", "grace"):
        return _("this computer is monitored: its administrator releases it before another licence is loaded")
    return None


def _run(settings: Settings, asked: argparse.Namespace) -> int:
    from agent.resident import run
    from agent.session import NotAllowed
    from agent.spool import SpoolError

    start = {name: getattr(asked, name) for name in ("contract", "memo", "label")} if asked.start else None
    try:
        run(settings, start)
    except NotAllowed as problem:
        return _fail(again(problem.args[0]))
    except SpoolError as problem:
        return _fail(_("the spool cannot be used: {problem}", problem=str(problem)))
    return 0


def _tell(settings: Settings, asked: argparse.Namespace) -> int:
    settings.activation()
    more = {name: value for name, value in vars(asked).items() if name in ("contract", "memo", "label") and value}
    answer = control.ask(settings.door, asked.command, **more)
    if "error" in answer:
        return _fail(str(answer["error"]))
    speak(language.of(answer.get("language")))
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
        sys.stdout.write(f"{one['contract']}  {one['title']}  {_('labels: {labels}', labels=labels)}\n")
    return 0


def _notices(settings: Settings, asked: argparse.Namespace) -> int:
    settings.activation()
    status = control.ask(settings.door, "status")
    speak(language.of(status.get("language")))
    for notice in status["notices"]:
        told = "".join(f"  {line}\n" for line in notice["changes"])
        since = _("since {moment} more is recorded than before:", moment=notice["created_at"])
        sys.stdout.write(f"{since}\n{told}")
    sys.stdout.write(_("recorded on this computer:") + "\n" + "".join(f"  {line}\n" for line in status["recorded"]))
    if asked.acknowledge:
        read = [notice["notice"] for notice in status["notices"]]
        answer = control.ask(settings.door, "notices", read=read)
        return _fail(str(answer["error"])) if "error" in answer else 0
    return 0


def _lines(status: dict[str, Any]) -> str:
    """The status for a person: what is known, line by line; what is fine is not said."""
    lines = [_("{status} since {moment}", status=again(status["status"]), moment=status["since"]), *_times(status)]
    about = {"state": again(status["bus"]), "records": status["unsent"], "pictures": status["pictures_unsent"]}
    lines.append(_("bus {state}, {records} records and {pictures} pictures wait", **about))
    lines += [_("recorded here:"), *(f"  {line}" for line in status["recorded"])]
    return "\n".join([*lines, *(f"! {problem}" for problem in _problems(status) if problem)]) + "\n"


def _times(status: dict[str, Any]) -> list[str]:
    minutes, lines = status["minutes"], list[str]()
    if status["contract"]:
        about = {"contract": status["contract"], "memo": status["memo"] or "-", "label": status["label"] or "-"}
        lines.append(_("on {contract}: {memo} ({label})", **about))
        lines.append(_("session {minutes} min (this is not the bill)", minutes=minutes["session"]))
    return [*lines, _("today {today} min, this week {week} min", today=minutes["today"], week=minutes["week"])]


def _problems(status: dict[str, Any]) -> list[str]:
    problems = [status["stopped_because"], status["bus_problem"], status["disk_problem"], status["told"]]
    problems += [f"{again(source)}: {reason}" for source, reason in status["missing"].items()]
    problems += [
        _("record {seq} was not admitted: {reason}", seq=seq, reason=reason) for seq, reason in status["quarantined"]
    ]
    state, because = again(status["licence"]), status["stopped_because"] or ""
    if status["licence"] != "active" and not because.endswith(f" {state}"):
        until = status["grace_until"]
        problems.append(
            _("licence {state} until {moment}: connect this computer", state=state, moment=until)
            if until
            else _("licence {state}", state=state)
        )
    if status["notices"]:
        problems.append(
            ngettext(
                "{number} notices of what is recorded: read them with `notices`",
                "{number} notices of what is recorded: read them with `notices`",
                len(status["notices"]),
            )
        )
    return problems


if __name__ == "__main__":
    sys.exit(main())
