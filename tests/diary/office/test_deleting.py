"""An owner exports and deletes a workspace, by page and API on real services; one of them was down (W-02)."""

import asyncio
import csv
import io
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nats.errors
import pytest

from services.kit import mongo
from services.kit.settings import Settings
from services.scoring import app as scoring
from services.wire.slots import format_instant, week_of
from tests.diary.office.running import Office, plain
from tests.diary.running import until
from tests.licensing.support import PASSWORD
from tests.support.stranger import slot_before

here = pytest.mark.asyncio(loop_scope="module")


async def left(office: Office, service: str, workspace: str) -> set[str]:
    """The collections of a service that still name the workspace."""
    db = office.licensing.store.db.client[f"{office.prefix}_{service}"]
    found = set()
    for name in await db.list_collection_names():
        async for doc in db[name].find():
            if workspace in repr(doc):
                found.add(name)
                break
    return found


@here
async def test_exported_then_deleted_everywhere(office: Office, tmp_path: Path) -> None:
    acme, other = await office.acme(), await office.acme()
    device = await office.device(acme.key(0))
    slot = slot_before(datetime.now(UTC))
    locked = slot - timedelta(days=21)
    for one in (locked, slot):
        await device.publish(device.record(one))
    await device.settled()
    segments = office.web.edge.db["segments"]

    async def folded() -> bool:
        return await segments.count_documents({"_id": mongo.prefix_range(acme.workspace)}) == 2

    await until(folded)
    values: dict[str, Any] = office._values("scoring")
    rules = mongo.database(Settings(**values), "scoring")["rules"]
    await rules.insert_many([{"_id": f"{one.workspace}|rules", "revision": 99} for one in (acme, other)])

    async with office.browser(acme, "olga") as olga, office.browser(acme, "adam") as adam:
        assert (await adam.http.get("/settings/delete")).status_code == 403
        assert "Archive it first" in (await olga.http.get("/settings/delete")).text
        await olga.http.post("/settings/archive", data={"archived": "yes"})
        page = plain((await olga.http.get("/settings/delete")).text)
        for words in ("7 members", "1 computer", "2 segments of time", "Export it first"):
            assert words in page
        name = (await olga.http.get(f"/api/v1/workspaces/{acme.workspace}")).json()["name"]
        form = {"name": name, "password": PASSWORD}
        refused = await olga.http.post("/settings/delete", data=form)
        assert refused.status_code == 409
        assert "Export the workspace first" in plain(refused.text)

        assert (await adam.http.get(f"/api/v1/workspaces/{acme.workspace}/export")).status_code in (401, 403)
        assert (await olga.http.get(f"/api/v1/workspaces/{other.workspace}/export")).status_code == 404
        contract, week = device.contracts[0], str(week_of(locked, UTC))
        sheet = f"/api/v1/timesheets/{contract}/{week}"
        assert (await olga.http.get(f"{sheet}/statement")).status_code == 200  # sealed now, if nobody came to that yet
        bill = (await olga.http.get(sheet)).json()
        export = await olga.http.get(f"/api/v1/workspaces/{acme.workspace}/export")
        hold_export(export.content, acme.member("lisa"), format_instant(slot))
        key = (await olga.http.get("/api/v1/keys")).json()["seal_key"]
        await hold_statement(export.content, f"statements/{contract}/{week}", bill, key, tmp_path)

        wrong = await olga.http.post("/settings/delete", data=form | {"password": "not this one"})
        assert wrong.status_code == 403
        assert "This is not your password" in plain(wrong.text)
        assert "not this one" not in wrong.text
        gone = await olga.http.post("/settings/delete", data=form)
        assert gone.url.path == "/sign-in"
        assert f"{name} is deleted" in plain(gone.text)
        assert (await olga.http.get("/api/v1/me")).status_code == 401
        assert (await adam.http.get("/api/v1/me")).status_code == 401

    for service in ("licensing", "ingest", "diary"):

        async def clean(service: str = service) -> bool:
            return await left(office, service, acme.workspace) == {"deleted_workspaces"}

        await until(clean)
    # scoring was down all the while, and does its part when it is back
    assert await rules.count_documents({"_id": f"{acme.workspace}|rules"}) == 1
    async with scoring.build(Settings(**values)).running():

        async def taken() -> bool:
            return await left(office, "scoring", acme.workspace) == {"deleted_workspaces"}

        await until(taken)
    assert await rules.count_documents({"_id": f"{other.workspace}|rules"}) == 1
    await device.close()
    with pytest.raises(nats.errors.Error):
        await device.connect(allow_reconnect=False)
    async with office.browser(other, "olga") as olga:
        assert (await olga.http.get("/api/v1/me")).json()["workspace"] == other.workspace


def hold_export(content: bytes, member: str, slot: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert {"README.txt", "audit.csv", "verify.pyz", "workspace/licences.json", "workspace/policies.json"} <= names
        members = json.loads(archive.read("workspace/members.json"))["items"]
        assert member in {one["id"] for one in members}
        day = json.loads(archive.read(f"diaries/{member}/{slot[:10]}.json"))
        assert slot in {one["slot"] for one in day["segments"]}
        actions = {row["action"] for row in csv.DictReader(io.StringIO(archive.read("audit.csv").decode("utf-8-sig")))}
        assert {"workspace.changed", "workspace.exported", "device.activated"} <= actions


async def hold_statement(content: bytes, name: str, bill: dict[str, Any], key: str, folder: Path) -> None:
    """B-01: of the locked week, checked by the program that came along; it says what the timesheet says."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert "without.txt" not in archive.namelist()
        archive.extractall(folder)
    command = [sys.executable, "verify.pyz", f"{name}.json", "--key", key, "--json"]
    ran = await asyncio.to_thread(subprocess.run, command, cwd=folder, capture_output=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["totals"] == bill["totals"] | {"amount_minor": bill["amount_minor"]}
    rows = list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text("utf-8-sig"))))
    assert [int(row["billed_minutes"]) for row in rows] == [bill["totals"]["billable_minutes"]] == [10]


@here
async def test_by_the_api_without_an_export(office: Office) -> None:
    acme = await office.acme()
    address = f"/api/v1/workspaces/{acme.workspace}/deletion"
    async with office.web.person(acme, "olga") as olga, office.web.person(acme, "adam") as adam:
        assert (await adam.get(address)).status_code == 403
        assert (await adam.post(address, json={"name": "x", "password": "x"})).status_code == 403
        token = (await olga.post("/api/v1/tokens", json={"name": "all", "scopes": ["read", "write"]})).json()["token"]
        assert (await olga.patch(f"/api/v1/workspaces/{acme.workspace}", json={"archived": True})).is_success
        offer = (await olga.get(address)).json()
        assert offer["export"] == {"downloaded_at": None}
        body = {"name": offer["name"], "password": PASSWORD}
        assert (await olga.post(address, json=body)).json()["type"].endswith("export-not-taken")
        async with office.web.browse() as program:
            program.headers["Authorization"] = f"Bearer {token}"
            assert (await program.post(address, json=body | {"without_export": True})).status_code in (401, 403)
        done = await olga.post(address, json=body | {"without_export": True})
        assert done.status_code == 202
        again = await olga.post(address, json=body | {"without_export": True})
        assert again.status_code == 401, "said again it finds nobody signed in"
