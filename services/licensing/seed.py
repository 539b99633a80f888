"""``python -m services.licensing.seed`` makes workspaces with their people, contracts and licences.

A JSON document on standard input, its mirror with ids and licence keys on standard output; the environment is that of
the licensing service. The facts are staged, and said by the licensing service once it runs (within seconds). Only the
store is needed, not the bus. A workspace of a name is made again each time: there is no looking for an older one.

Input (``?``: may be left out)::

    {"workspaces": [{
      "name": "Acme", "zone": "Europe/Berlin"?, "billing_zone": "UTC"?, "teams": ["Design"]?,
      "people": [{"email", "name", "password"?, "role", "team"?, "manages"?: ["Design"], "zone"?}],
      "contracts": [{"member_email", "project", "client_email"?, "currency"?, "rate_minor"?, "weekly_limit_minutes"?,
                     "manual_time"?, "labels"?, "memo_required"?, "starts_on"?, "ends_on"?}]?,
      "licences": [{"mode", "member_email"?, "computer"?, "contract_index"?, "seats"?, "policy"?: {…what differs from
                    services.licensing.policies.Policy…}, "not_before"?, "expires"?}]?
    }]}

Output::

    {"workspaces": [{
      "workspace", "name", "teams": [{"team", "name"}], "people": [{"member", "person", "email", "role"}],
      "contracts": [{"contract", "member", "project", "client"}],
      "licences": [{"licence", "key", "mode", "member", "contract", "policy"}]
    }]}

``contract`` of a worklog licence is the one ``contract_index`` names, or null; of a monitoring licence its own.
"""

import argparse
import asyncio
import sys
from typing import Any

import orjson
from pydantic import Field, ValidationError

from services.kit import mongo
from services.kit.bus import Bus
from services.kit.mongo import Session
from services.kit.problems import Problem
from services.licensing import contracts, licences, people, teams, workspaces
from services.licensing.settings import LicensingSettings
from services.licensing.store import Document, Store
from services.wire.events import Strict, check
from services.wire.requests import Role


class SeedPerson(Strict):
    """A person; teams are named, for they have no ids yet."""

    email: str
    name: str
    role: Role
    password: str | None = None
    team: str | None = None
    manages: list[str] = Field(default_factory=list)
    zone: str | None = None


class SeedWorkspace(Strict):
    """A workspace; contracts and licences are bodies of the API in which people are named by e-mail address."""

    name: str
    zone: str = "UTC"
    billing_zone: str = "UTC"
    teams: list[str] = Field(default_factory=list)
    people: list[SeedPerson]
    contracts: list[dict[str, Any]] = Field(default_factory=list)
    licences: list[dict[str, Any]] = Field(default_factory=list)


class Seed(Strict):
    """The document."""

    workspaces: list[SeedWorkspace]


async def seed(store: Store, document: Any) -> dict[str, Any]:
    """Makes all of a document, each workspace whole or not at all; ValueError or a 4xx Problem says what is wrong."""
    await store.prepare()
    return {"workspaces": [await _workspace(store, one) for one in check(Seed, document).workspaces]}


async def _workspace(store: Store, wanted: SeedWorkspace) -> dict[str, Any]:
    hashed = await asyncio.gather(*(people.hash_password(one.password) for one in wanted.people if one.password))
    hashes = dict(zip([one.email for one in wanted.people if one.password], hashed, strict=True))

    async def work(session: Session) -> dict[str, Any]:
        body = check(workspaces.New, wanted.model_dump(include={"name", "zone", "billing_zone"}))
        workspace = await workspaces.create(store, session, body)
        of_name = {
            name: await teams.create(store, session, workspace["id"], check(teams.New, {"name": name}))
            for name in wanted.teams
        }
        members = {
            one.email: await _member(store, session, workspace, one, of_name, hashes.get(one.email))
            for one in wanted.people
        }
        made = [await _contract(store, session, workspace, one, members) for one in wanted.contracts]
        issued = [await _licence(store, session, workspace, one, members, made) for one in wanted.licences]
        return {
            "workspace": workspace["id"],
            "name": workspace["name"],
            "teams": [{"team": doc["id"], "name": name} for name, doc in of_name.items()],
            "people": [
                {"member": doc["id"]} | {name: doc[name] for name in ("person", "email", "role")}
                for doc in members.values()
            ],
            "contracts": [
                {"contract": doc["id"]} | {name: doc[name] for name in ("member", "project", "client")} for doc in made
            ],
            "licences": issued,
        }

    return await store.write(work)


async def _member(
    store: Store,
    session: Session,
    workspace: Document,
    wanted: SeedPerson,
    of_name: dict[str, Document],
    hashed: str | None,
) -> Document:
    fields = wanted.model_dump(include={"email", "name", "role", "zone", "password"})
    fields |= {
        "team": of_name[wanted.team]["id"] if wanted.team else None,
        "manages": [of_name[name]["id"] for name in wanted.manages],
    }
    body = check(people.New, fields)
    return await people.create(store, session, workspace["id"], workspace["zone"], body, hashed)


async def _contract(
    store: Store, session: Session, workspace: Document, wanted: dict[str, Any], members: dict[str, Document]
) -> Document:
    fields = dict(wanted)
    fields["member"] = members[fields.pop("member_email")]["id"]
    client = fields.pop("client_email", None)
    fields["client"] = members[client]["id"] if client else None
    return await contracts.create(store, session, workspace["id"], check(contracts.New, fields))


async def _licence(
    store: Store,
    session: Session,
    workspace: Document,
    wanted: dict[str, Any],
    members: dict[str, Document],
    made: list[Document],
) -> dict[str, Any]:
    fields = dict(wanted)
    member, index = fields.pop("member_email", None), fields.pop("contract_index", None)
    fields["member"] = members[member]["id"] if member else None
    doc, licence_key = await licences.create(store, session, workspace, check(licences.New, fields))
    contract = doc["contract"] or (made[index]["id"] if index is not None else None)
    return {"licence": doc["id"], "key": licence_key, "contract": contract} | {
        name: doc[name] for name in ("mode", "member", "policy")
    }


async def _run(settings: LicensingSettings, document: Any) -> bytes:
    store = Store(mongo.database(settings, "licensing"), Bus("licensing", settings))
    return orjson.dumps(await seed(store, document)) + b"\n"


def main() -> int:
    """The command line: 0, or 2 with what is wrong with the environment or the document on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m services.licensing.seed",
        usage="%(prog)s [--help] <document.json >mirror.json",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    try:
        settings = LicensingSettings()
    except ValidationError as error:
        missing = ", ".join(f"DAYBOOK_{'.'.join(map(str, one['loc']))}".upper() for one in error.errors())
        parser.error(f"these settings are missing or wrong: {missing}. The environment is the licensing service's.")
    try:
        sys.stdout.buffer.write(asyncio.run(_run(settings, orjson.loads(sys.stdin.buffer.read()))))
    except (ValueError, Problem) as error:
        parser.error(f"the document cannot be made: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
