"""The demo: two workspaces with people, contracts and licences, made once for each data folder.

``Demo`` is what the seeding gave, with the passwords; it is kept in ``demo.json`` (0600) beside the data.
"""

import json
import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.local import company
from deploy.local.company import Persona
from deploy.local.files import write_private
from services.wire.slots import format_instant, parse_instant

DOMAIN = "harbour.example"
OTHER_DOMAIN = "meadow.example"
UNUSED_LICENCES = 16
ROLES = ("owner", "admin", "manager", "employee", "client")


def _person(name: str, role: str, domain: str = DOMAIN, **more: Any) -> dict[str, Any]:
    email = f"{name.lower().replace(' ', '.')}@{domain}"
    return {"email": email, "name": name, "role": role, "password": _password(), **more}


def _password() -> str:
    """Three groups of four characters that are not taken for one another (52 bits)."""
    groups = ("".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4)) for _ in range(3))
    return "-".join(groups)


def _contract(persona: Persona, email: str, client: str) -> dict[str, Any]:
    return {
        "member_email": email,
        "project": persona.project,
        "client_email": client,
        "currency": persona.currency,
        "rate_minor": persona.rate_minor,
        "weekly_limit_minutes": persona.weekly_limit_minutes,
        "manual_time": persona.manual_time,
        "labels": list(persona.labels),
        "memo_required": persona.memo_required,
    }


def _licence(email: str, contract_index: int, now: datetime, policy: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mode": "worklog",
        "member_email": email,
        "contract_index": contract_index,
        "seats": 1,
        "policy": dict(policy),
        "not_before": format_instant(now - timedelta(days=60)),
        "expires": None,
    }


def seed_document(fleet: int, now: datetime) -> dict[str, Any]:
    """What ``services.licensing.seed`` is asked to make: a workspace for a fleet of so many, and a small second one."""
    personas = company.personas(max(fleet, 3))
    client = _person("Camille Aubert", "client")
    newcomer = _person("Robin Castell", "employee", team=personas[0].team, zone="UTC")
    workers = [_person(p.name, "employee", team=p.team, zone=p.zone) for p in personas]
    teams = sorted({p.team for p in personas})
    contracts = [_contract(p, w["email"], client["email"]) for p, w in zip(personas, workers, strict=True)]
    contracts.append(_contract(company.NEWCOMER, newcomer["email"], client["email"]))
    licences = [
        _licence(workers[index]["email"], index, now, personas[index].policy)
        for index in company.devices(personas)  # one for each device, so that each has a seat
    ]
    licences += [_licence(newcomer["email"], len(personas), now, company.TRIAL_POLICY)] * UNUSED_LICENCES
    first = {
        "name": "Harbour Studio",
        "zone": "Europe/Berlin",
        "billing_zone": "UTC",
        "teams": teams,
        "people": [
            _person("Olivia Brandt", "owner", zone="Europe/Berlin"),
            _person("Anton Reyes", "admin", zone="Europe/Berlin"),
            _person("Mara Lindqvist", "manager", manages=teams, zone="Europe/Stockholm"),
            *workers,
            client,
            newcomer,
        ],
        "contracts": contracts,
        "licences": licences,
    }
    return {"workspaces": [first, _second_workspace(now)]}


def _second_workspace(now: datetime) -> dict[str, Any]:
    worker, client = _person("Elif Demir", "employee", OTHER_DOMAIN), _person("Noor Haddad", "client", OTHER_DOMAIN)
    people = [
        _person("Otto Vance", "owner", OTHER_DOMAIN),
        _person("Agnes Moreau", "admin", OTHER_DOMAIN),
        _person("Milan Kovac", "manager", OTHER_DOMAIN, manages=["Workshop"]),
        worker | {"team": "Workshop"},
        client,
    ]
    return {
        "name": "Meadow Works",
        "teams": ["Workshop"],
        "people": people,
        "contracts": [_contract(company.OTHER, worker["email"], client["email"])],
        "licences": [_licence(worker["email"], 0, now, company.OPEN_POLICY)],
    }


class Demo:
    """What was seeded, for the ready file and for the fleet."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    @classmethod
    def load(cls, path: Path) -> "Demo | None":
        """The demo of a data folder, where it has one."""
        return cls(json.loads(path.read_text())) if path.exists() else None

    @classmethod
    def keep(cls, path: Path, document: Mapping[str, Any], seeded: Mapping[str, Any]) -> "Demo":
        """Join what was asked for (names, passwords) with what was made (ids, licence keys), and keep it."""
        workspaces = []
        for asked, made in zip(document["workspaces"], seeded["workspaces"], strict=True):
            known = {person["email"]: person for person in asked["people"]}
            people = [known[one["email"]] | one for one in made["people"]]
            workspaces.append({**made, "people": people})
        content = {"seeded_at": format_instant(datetime.now(UTC)), "workspaces": workspaces}
        write_private(path, content)
        return cls(content)

    @property
    def seeded_at(self) -> datetime:
        """When it was made."""
        return parse_instant(self._content["seeded_at"])

    @property
    def workspaces(self) -> list[dict[str, Any]]:
        """The workspace of the demo people and the second one, each ``{workspace, people, contracts, licences}``."""
        found: list[dict[str, Any]] = self._content["workspaces"]
        return found

    def accounts(self, number: int) -> list[dict[str, str]]:
        """One account of each role in workspace 0 or 1; the first employee is one with data."""
        people = self.workspaces[number]["people"]
        firsts = [next(person for person in people if person["role"] == role) for role in ROLES]
        return [{name: person[name] for name in ("email", "password", "role", "member")} for person in firsts]

    def account_of(self, member: str) -> dict[str, str]:
        """How a member of the first workspace signs in."""
        person = next(one for one in self.workspaces[0]["people"] if one["member"] == member)
        return {name: person[name] for name in ("email", "password", "role", "member")}

    def unused_licences(self, taken: Collection[str] = ()) -> list[dict[str, str]]:
        """Licences of a member outside the fleet, but those with an id among ``taken``."""
        names = ("key", "mode", "member", "contract")
        licences = self.workspaces[0]["licences"]
        spare = [one for one in licences if one["member"] == licences[-1]["member"]]
        return [{name: one[name] for name in names} for one in spare if one["licence"] not in taken]

    def ready(self, others_capture: str | None, taken: Collection[str]) -> dict[str, Any]:
        """The demo's part of the ready file; ``taken`` are the ids of licences that somebody activated since."""
        first, second = self.workspaces
        worker = next(person for person in second["people"] if person["role"] == "employee")
        other = {"workspace": second["workspace"], "accounts": self.accounts(1), "member": worker["member"]}
        return {
            "workspace": first["workspace"],
            "accounts": self.accounts(0),
            "licences": self.unused_licences(taken),
            "others": [other | {"capture": others_capture}],
        }
