"""A licence key and a device key become a device (L-01, L-02, L-03)."""

import asyncio
import base64
import json
import secrets
from datetime import timedelta
from typing import Any

import pytest

from services.kit.problems import Problem
from services.licensing import licences, seats
from services.licensing.store import now
from services.wire import proof, requests, slots
from tests.licensing.support import Acme, Device, Licensing, until


def _envelope(answer: dict[str, Any], licensing: Licensing) -> dict[str, Any]:
    body = json.dumps(answer["entitlement"]).encode()
    return proof.open_notice(licensing.notice_public, body, answer["workspace"], answer["device"])


async def test_an_activation_is_answered_in_full(licensing: Licensing, acme: Acme) -> None:
    """L-02: what the agent needs to begin, and the licence as a document that holds offline."""
    answer = await licensing.ask("activate", Device().offer(acme.key(1)))
    assert (answer["workspace"], answer["member"]) == (acme.workspace, acme.member("emil"))
    assert answer["bus"] == [licensing.url]
    assert base64.b64decode(answer["notice_key"]) == licensing.notice_public
    entitlement = _envelope(answer, licensing)
    assert (entitlement["state"], entitlement["mode"]) == ("active", "worklog")
    assert entitlement["policy"]["apps"] is True
    assert entitlement["policy"]["screenshots"]["enabled"] is False
    assert [one["title"] for one in entitlement["contracts"]] == ["Borealis"]
    licence_public = base64.b64decode(licensing.installation.keys.signing_public("licence"))
    text, signature = answer["licence"]["document"], answer["licence"]["signature"]
    proof.check(licence_public, proof.LICENCE_DOMAIN, text.encode(), signature)
    assert json.loads(text)["licence"] == acme.answer["licences"][1]["licence"]

    async def told() -> bool:
        facts = licensing.facts("licence.changed", acme.workspace)
        return any(one["device"] == answer["device"] and one["state"] == "active" for one in facts)

    await until(told)


async def test_a_monitored_computer_has_a_contract_of_its_own(licensing: Licensing, acme: Acme) -> None:
    """T-02: a monitoring licence makes the contract that its time is booked on, and the member it is of."""
    answer = await licensing.ask("activate", Device().offer(acme.key(2)))
    entitlement = _envelope(answer, licensing)
    assert entitlement["mode"] == "monitoring"
    assert [one["contract"] for one in entitlement["contracts"]] == [acme.answer["licences"][2]["contract"]]
    [member] = await acme.read("olga", "members", answer["member"])
    assert (member["name"], member["role"]) == ("Front desk", "employee")


async def test_the_key_may_be_written_any_way(licensing: Licensing, acme: Acme) -> None:
    """L-01: case, spaces and dashes do not matter; the public key may be base64 instead of an nkey."""
    device = Device()
    text = base64.b64encode(bytes(device.key.verify_key)).decode()
    offer = requests.DeviceOffer(name="Tower", os="Windows 11", kind="desktop", public_key=text)
    sloppy = acme.key().lower().replace("-", " ")
    request = device.offer(sloppy, device=offer, proof=proof.prove_possession(device.key, text))
    answer = await licensing.ask("activate", request)
    again = await licensing.ask("activate", device.offer(acme.key()))
    assert again["device"] == answer["device"]


async def test_activating_again_is_the_same_activation(licensing: Licensing, acme: Acme) -> None:
    """L-03: one device key on one licence is one device on one seat, also when it asks many times at once."""
    device = Device()
    answers = await asyncio.gather(*(licensing.ask("activate", device.offer(acme.key(1))) for _ in range(8)))
    assert len({one["device"] for one in answers}) == 1
    assert len({json.dumps(one["entitlement"]) for one in answers}) == 1
    [licence] = await acme.read("olga", "licences", acme.answer["licences"][1]["licence"])
    assert licence["seats_taken"] == 1


async def test_the_last_seat_is_taken_once(licensing: Licensing, acme: Acme) -> None:
    """L-03: the loser is told who holds it."""
    winner = await acme.activated()
    problem = await licensing.refused("activate", Device().offer(acme.key()))
    assert (problem.status, problem.kind) == (409, "no-seat-left")
    assert [one["device"] for one in problem.extra["holders"]] == [winner.device]
    assert "Lisa's laptop" in problem.detail


ROUNDS = 150


@pytest.mark.timeout(300)
async def test_sixteen_race_for_the_last_seat(licensing: Licensing, acme: Acme) -> None:
    """L-03: of sixteen racing for it exactly one wins, every time; the others are told why."""
    for _ in range(ROUNDS):
        made = await acme.create("olga", "licences", mode="worklog", member=acme.member("lisa"))
        offers = [Device().offer(made["key"]) for _ in range(16)]
        results = await asyncio.gather(
            *(seats.activate(licensing.store, one) for one in offers), return_exceptions=True
        )
        lost = [one for one in results if isinstance(one, Problem)]
        won = [one for one in results if isinstance(one, tuple)]
        assert (len(won), [one.kind for one in lost]) == (1, ["no-seat-left"] * 15)
        stored = await licensing.store.one("licences", acme.workspace, made["id"])
        assert stored is not None
        assert stored["seats_taken"] == 1


async def test_the_workspace_has_a_total(licensing: Licensing, acme: Acme) -> None:
    """L-03: seats are counted per workspace too, and a seat given back can be taken again."""
    await acme.change("olga", "workspaces", acme.workspace, seats=2)
    results = await asyncio.gather(
        *(seats.activate(licensing.store, Device().offer(acme.key(index))) for index in (0, 1, 1, 2)),
        return_exceptions=True,
    )
    won = [one for one in results if isinstance(one, tuple)]
    assert len(won) == 2
    assert sum(isinstance(one, Problem) and one.kind == "no-seat-left" for one in results) == 2
    await acme.change("olga", "devices", won[0][1]["id"], state="released")
    [workspace] = await acme.read("olga", "workspaces")
    assert workspace["seats_taken"] == 1
    free = next(index for index in range(3) if acme.answer["licences"][index]["licence"] == won[0][1]["licence"])
    await seats.activate(licensing.store, Device().offer(acme.key(free)))


async def test_a_released_seat_goes_to_another_computer(licensing: Licensing, acme: Acme) -> None:
    """L-04: transfer; the key of the released device stays used up."""
    device = await acme.activated()
    released = await acme.change("adam", "devices", device.device, state="released", drain_hours=0)
    assert (released["state"], released["reason"]) == ("revoked", "The seat was given back.")
    assert (await licensing.refused("activate", device.offer(acme.key()))).kind == "device-released"
    await acme.activated()
    assert await device.is_refused(licensing.url)


async def test_a_device_key_belongs_to_one_licence(licensing: Licensing, acme: Acme) -> None:
    """L-03: over all workspaces; racing activations of one key on two licences leave one device."""
    device = await acme.activated()
    elsewhere = await licensing.seed()
    for key in (acme.key(1), elsewhere.key(1)):
        problem = await licensing.refused("activate", device.offer(key))
        assert (problem.status, problem.kind) == (409, "key-in-use")
    torn = Device()
    offers = [torn.offer(acme.key(1)), torn.offer(elsewhere.key(1))] * 4
    results = await asyncio.gather(*(seats.activate(licensing.store, one) for one in offers), return_exceptions=True)
    won = [one for one in results if isinstance(one, tuple)]
    assert len({one[1]["id"] for one in won}) == 1
    assert [one.kind for one in results if isinstance(one, Problem)] == ["key-in-use"] * (8 - len(won))


async def test_what_is_no_key_or_not_ones_own(licensing: Licensing, acme: Acme) -> None:
    """L-03: 422 for what is no public key, or is somebody else's; nothing is taken by it."""
    device, other = Device(), Device()
    offer = device.offer(acme.key())
    nobody = requests.DeviceOffer(name="x", os="x", kind="desktop", public_key="not a key")
    somebody = requests.DeviceOffer(name="x", os="x", kind="desktop", public_key=other.nkey)
    low_order = requests.DeviceOffer(name="x", os="x", kind="desktop", public_key=proof.user_nkey(b"\1" + bytes(31)))
    for changed, kind in (
        ({"device": nobody}, "not-a-key"),
        ({"device": somebody}, "bad-proof"),
        ({"device": low_order, "proof": base64.b64encode(b"\1" + bytes(63)).decode()}, "bad-proof"),
        ({"proof": "AAAA"}, "bad-proof"),
        ({"proof": proof.prove_possession(other.key, device.nkey)}, "bad-proof"),
        ({"proof": proof.sign(device.key, proof.SEGMENT_DOMAIN, device.nkey.encode())}, "bad-proof"),
    ):
        problem = await licensing.refused("activate", offer.model_copy(update=changed))
        assert (problem.status, problem.kind) == (422, kind)
    [licence] = await acme.read("olga", "licences", acme.answer["licences"][0]["licence"])
    assert licence["seats_taken"] == 0


async def test_an_unknown_licence(licensing: Licensing, acme: Acme) -> None:
    for key in ("", licences.new_key(), acme.key()[:-1], acme.answer["licences"][0]["licence"]):
        problem = await licensing.refused("activate", Device().offer(key))
        assert (problem.status, problem.kind) == (404, "unknown-licence")


def _at(**delta: int) -> str:
    return slots.format_instant(now() + timedelta(**delta))


@pytest.mark.parametrize(
    ("patch", "kind"),
    [
        ({"state": "revoked"}, "licence-revoked"),
        ({"state": "suspended"}, "licence-suspended"),
        ({"expires": {"hours": -1}}, "licence-expired"),
        ({"not_before": {"hours": 1}}, "licence-not-yet-valid"),
    ],
)
async def test_a_licence_that_does_not_hold(licensing: Licensing, acme: Acme, patch: dict[str, Any], kind: str) -> None:
    """L-05: not activated, also not again, with the reason said."""
    device = await acme.activated(1)
    body = {name: value if isinstance(value, str) else _at(**value) for name, value in patch.items()}
    await acme.change("olga", "licences", acme.answer["licences"][1]["licence"], **body)
    for one in (device, Device()):
        problem = await licensing.refused("activate", one.offer(acme.key(1)))
        assert (problem.status, problem.kind) == (409, kind)


async def test_thirty_activations_a_minute_from_one_address(licensing: Licensing, acme: Acme) -> None:
    """Whatever their outcome; another address is not concerned. All at once do not slip past."""
    address = secrets.token_hex(8)
    tries = (seats.activate(licensing.store, Device().offer("wrong", address=address)) for _ in range(40))
    results = await asyncio.gather(*tries, return_exceptions=True)
    kinds = [one.kind for one in results if isinstance(one, Problem)]
    assert (kinds.count("unknown-licence"), kinds.count("too-many-tries")) == (30, 10)
    problem = await licensing.refused("activate", Device().offer(acme.key(), address=address))
    assert problem.status == 429
    assert 1 <= problem.extra["retry_after"] <= 60
    await licensing.ask("activate", Device().offer(acme.key()))


async def test_a_key_is_random_and_kept_as_a_hash(licensing: Licensing, acme: Acme) -> None:
    """L-02: 160 bits, shown once; the store has no trace of it."""
    keys = {licences.new_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert all(len(base64.b32decode(key.replace("-", ""))) == licences.KEY_BYTES == 20 for key in keys)
    made = await acme.create("olga", "licences", mode="worklog", member=acme.member("lisa"))
    plain = made["key"].replace("-", "")
    for name in await licensing.store.db.list_collection_names():
        async for doc in licensing.store[name].find():
            assert plain not in str(doc).replace("-", "")
    assert "key" not in (await acme.read("olga", "licences", made["id"]))[0]
