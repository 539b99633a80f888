"""A licence as a signed file, for computers that are set up without a browser (L-01, L-02)."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from services.licensing.store import now
from services.wire import licence, requests, slots
from tests.licensing.support import Acme, Device, Licensing
from tests.licensing.web import Web

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _file(licensing: Licensing, acme: Acme, index: int = 0) -> dict[str, str]:
    asked = requests.LicenceFileOf(principal=acme.principal("adam"), id=acme.answer["licences"][index]["licence"])
    found: dict[str, str] = await licensing.ask("licence_file", asked)
    return found


def _offer(device: Device, file: dict[str, Any]) -> requests.Activate:
    return device.offer("", licence_file=json.dumps(file))


async def test_a_file_activates_as_its_key_does(shared: Licensing) -> None:
    """The same seat for the same device, whichever way it came."""
    acme = await shared.seed()
    device = Device()
    first = await shared.ask("activate", _offer(device, await _file(shared, acme)))
    again = await shared.ask("activate", device.offer(acme.key()))
    assert first["device"] == again["device"]
    problem = await shared.refused("activate", _offer(Device(), await _file(shared, acme)))
    assert problem.kind == "no-seat-left"
    entries = (await shared.ask("audit", requests.AuditOf(principal=acme.principal("olga"))))["items"]
    assert {"licence.exported", "device.activated"} <= {one["action"] for one in entries}


async def test_a_file_that_does_not_hold_is_refused_with_its_reason(shared: Licensing) -> None:
    acme = await shared.seed()
    answer = await shared.ask("activate", Device().offer(acme.key(1)))
    sound = await _file(shared, acme, 1)
    bound = answer["licence"]
    edited = sound | {"document": sound["document"].replace('"seats":2', '"seats":9')}
    forged = sound | {"key": "0" * 16}
    for file, kind in (
        *((bound, "other-device"), (edited, "edited"), (forged, "forged")),
        *(({"document": "{}"}, "unreadable"), ([], "unreadable")),
    ):
        problem = await shared.refused("activate", _offer(Device(), file))  # type: ignore[arg-type]
        assert (problem.status, problem.kind) == (422, f"licence-file-{kind}")
    over = slots.format_instant(now() + timedelta(hours=1))
    await acme.change("olga", "licences", acme.answer["licences"][1]["licence"], expires=over)
    soon_over = await _file(shared, acme, 1)
    assert licence.verify(_public(shared), soon_over).expires == slots.parse_instant(over)


def _public(licensing: Licensing) -> bytes:
    return base64.b64decode(licensing.installation.keys.signing_public("licence"))


async def test_a_revoked_licence_has_no_file_and_a_file_of_before_is_worth_nothing(shared: Licensing) -> None:
    acme = await shared.seed()
    file = await _file(shared, acme)
    await acme.change("olga", "licences", acme.answer["licences"][0]["licence"], state="revoked")
    assert (await shared.refused("activate", _offer(Device(), file))).kind == "licence-revoked"
    asked = requests.LicenceFileOf(principal=acme.principal("adam"), id=acme.answer["licences"][0]["licence"])
    assert (await shared.refused("licence_file", asked)).kind == "licence-revoked"


async def test_only_admins_may_have_it(web: Web) -> None:
    """L-01: over the API; another tenant's is unknown."""
    acme, other = await web.licensing.seed(), await web.licensing.seed()
    path = f"/api/v1/licences/{acme.answer['licences'][0]['licence']}/file"
    async with web.person(acme, "adam") as http:
        answer = await http.get(path)
        assert answer.headers["content-disposition"].endswith('.daybook-licence"')
        assert licence.verify(_public(web.licensing), answer.json()).workspace == acme.workspace
    async with web.person(acme, "lisa") as http:
        assert (await http.get(path)).status_code == 403
    async with web.person(other, "olga") as http:
        assert (await http.get(path)).status_code == 404
