"""A licence key and a device key become a device (L-01, L-02, L-03)."""

import asyncio
import base64
import json
import secrets
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from services.kit.problems import Problem
from services.licensing import licences, seats
from services.licensing.store import now
from services.wire import licence as wire
from services.wire import proof, requests, slots
from tests.licensing import races
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
    assert base64.b64decode(answer["licence_public"]) == licence_public
    document = wire.verify(licence_public, answer["licence"], answer["device"])
    assert (document.licence, document.device) == (acme.answer["licences"][1]["licence"], answer["device"])

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
    contract = entitlement["contracts"][0]["contract"]
    assert {one["id"]: one["monitored"] async for one in licensing.store["contracts"].find({})}[contract] is True


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
    assert len({_envelope(one, licensing)["revision"] for one in answers}) == 1
    [licence] = await acme.read("olga", "licences", acme.answer["licences"][1]["licence"])
    assert licence["seats_taken"] == 1


async def test_the_last_seat_is_taken_once(licensing: Licensing, acme: Acme) -> None:
    """L-03: the loser is told who holds it."""
    winner = await acme.activated()
    problem = await licensing.refused("activate", Device().offer(acme.key()))
    assert (problem.status, problem.kind) == (409, "no-seat-left")
    assert [one["device"] for one in problem.extra["holders"]] == [winner.device]
    assert "Lisa's laptop" in problem.detail


async def test_sixteen_race_for_the_last_seat(licensing: Licensing, acme: Acme) -> None:
    """L-03: of sixteen racing exactly one wins, every time; ``python -m tests.licensing.races`` does it often."""
    assert await races.run(acme, rounds=12) == {"licence": 12, "wrong": 0}


async def test_fewer_seats_than_are_taken_end_nothing(licensing: Licensing, acme: Acme) -> None:
    """L-03: lowered below use, all go on, nobody new gets in, and a release does not let one in either."""
    devices = [await acme.activated(1) for _ in range(2)]
    lowered = await acme.change("olga", "licences", acme.answer["licences"][1]["licence"], seats=1)
    assert (lowered["seats"], lowered["seats_taken"], lowered["over_limit"]) == (1, 2, True)
    for device in devices:
        assert not await device.is_refused(licensing.url)
    await acme.change("olga", "devices", devices[0].device, state="released", drain_hours=0)
    assert (await licensing.refused("activate", Device().offer(acme.key(1)))).kind == "no-seat-left"
    await acme.change("olga", "devices", devices[1].device, state="released", drain_hours=0)
    await acme.activated(1)


async def test_a_transfer_keeps_the_seat_for_the_next_computer(licensing: Licensing, acme: Acme) -> None:
    """L-04: the old one drains and is out; nobody else of the workspace gets its seat meanwhile."""
    await acme.change("olga", "workspaces", acme.workspace, seats=1)
    old = await acme.activated()
    moved = await acme.change("adam", "devices", old.device, state="transferred", drain_hours=0)
    assert (moved["state"], moved["seat"]) == ("revoked", "released")
    [licence] = await acme.read("olga", "licences", acme.answer["licences"][0]["licence"])
    assert (licence["seats_taken"], licence["seats_reserved"]) == (1, 1)
    assert (await licensing.refused("activate", Device().offer(acme.key(1)))).kind == "no-seat-left"
    offers = [Device().offer(acme.key()) for _ in range(4)]
    results = await asyncio.gather(*(seats.activate(licensing.store, one) for one in offers), return_exceptions=True)
    assert sum(isinstance(one, tuple) for one in results) == 1
    await until(lambda: old.is_refused(licensing.url))
    [licence] = await acme.read("olga", "licences", licence["id"])
    assert (licence["seats_taken"], licence["seats_reserved"]) == (1, 0)


async def test_a_kept_seat_is_given_up(licensing: Licensing, acme: Acme) -> None:
    device = await acme.activated()
    await acme.change("adam", "devices", device.device, state="transferred")
    licence = acme.answer["licences"][0]["licence"]
    given_up = await acme.change("adam", "licences", licence, seats_reserved=0)
    assert (given_up["seats_taken"], given_up["seats_reserved"]) == (0, 0)
    assert (await acme.read("olga", "workspaces"))[0]["seats_taken"] == 0


async def test_a_node_locked_licence_moves_by_transfer_only(licensing: Licensing, acme: Acme) -> None:
    """L-03: a seat given back is not for another computer; one that was transferred is."""
    made = await acme.create("olga", "licences", mode="worklog", member=acme.member("lisa"), node_locked=True)
    first, second = Device(), Device()
    device = (await licensing.ask("activate", first.offer(made["key"])))["device"]
    await acme.change("olga", "devices", device, state="released", drain_hours=0)
    problem = await licensing.refused("activate", second.offer(made["key"]))
    assert (problem.kind, problem.title) == ("no-seat-left", "This licence is bound to another computer.")
    other = await acme.create("olga", "licences", mode="worklog", member=acme.member("lisa"), node_locked=True)
    device = (await licensing.ask("activate", Device().offer(other["key"])))["device"]
    await acme.change("olga", "devices", device, state="transferred", drain_hours=0)
    await licensing.ask("activate", second.offer(other["key"]))


async def test_a_draft_has_no_key_until_it_is_issued(licensing: Licensing, acme: Acme) -> None:
    """L-04, G-01: nothing is announced or activated before; moves that its state forbids are 409."""
    wanted = {"mode": "worklog", "member": acme.member("lisa"), "policy": {"apps": True}, "draft": True}
    draft = await acme.create("olga", "licences", **wanted)
    assert (draft["state"], "key" in draft, await acme.read("lisa", "notices")) == ("draft", False, [])
    for wish in ("active", "suspended"):
        with pytest.raises(Problem, match="409"):
            await acme.change("olga", "licences", draft["id"], state=wish)
    issued = await acme.change("olga", "licences", draft["id"], state="issued")
    assert (issued["state"], len(await acme.read("lisa", "notices"))) == ("issued", 1)
    assert "key" not in (await acme.read("olga", "licences", draft["id"]))[0]
    assert "key" not in await acme.change("olga", "licences", draft["id"], state="issued")
    await licensing.ask("activate", Device().offer(issued["key"]))
    with pytest.raises(Problem, match="409"):
        await acme.change("olga", "licences", draft["id"], state="issued")
    await acme.change("olga", "licences", draft["id"], state="revoked")
    for wish in ("active", "suspended", "issued"):
        with pytest.raises(Problem, match="409"):
            await acme.change("olga", "licences", draft["id"], state=wish)


async def test_the_workspace_has_a_total(licensing: Licensing, acme: Acme) -> None:
    """L-03: seats are counted per workspace too, and a seat given back can be taken again."""
    await acme.change("olga", "workspaces", acme.workspace, seats=2)
    results = await asyncio.gather(
        *(seats.activate(licensing.store, Device().offer(acme.key(index))) for index in (0, 1, 1, 2)),
        return_exceptions=True,
    )
    won = [one for one in results if isinstance(one, tuple)]
    assert len(won) == 2
    lost = [one for one in results if isinstance(one, Problem) and one.kind == "no-seat-left"]
    assert len(lost) == 2
    held = Counter(one[1]["licence"] for one in won)
    refused = [one for one in lost if one.title == "The workspace has no seat left."]
    assert refused
    for one in refused:  # in the middle of the race, or after it
        assert Counter({h["licence"]: h["seats"] for h in one.extra["holders"]}) == held
        assert one.detail.startswith("All 2 are taken.")
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
        assert problem.extra["field"] == ("device" if kind == "not-a-key" else "proof")
        assert " " in problem.detail, "what to do"
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


async def test_a_renewed_licence_goes_on_where_it_was(licensing: Licensing, acme: Acme) -> None:
    """L-04: the same device and seat; while it was over it could only deliver."""
    device, id = await acme.activated(1), acme.answer["licences"][1]["licence"]
    over = await acme.change("olga", "licences", id, expires=_at(hours=-1))
    assert over["state"] == "expired"
    [row] = await acme.read("olga", "devices", device.device)
    assert (row["state"], row["reason"]) == ("expired", "The licence is over.")
    renewed = await acme.change("olga", "licences", id, expires=_at(days=30))
    assert (renewed["state"], renewed["seats_taken"]) == ("active", 1)
    again = await licensing.ask("activate", device.offer(acme.key(1)))
    assert (again["device"], _envelope(again, licensing)["state"]) == (device.device, "active")
