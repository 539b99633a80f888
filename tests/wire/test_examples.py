"""The examples of ``services/wire/examples`` are taken by producers and consumers alike; v1 stays as it is for ever."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from nacl.signing import SigningKey

from agent.policy import read_entitlement
from services.ingest import ledger, watermark
from services.ingest.admission import Decision, Terms
from services.ingest.reading import Arrival, Proved, Refused, read
from services.ingest.watermark import Mark
from services.wire import events, proof, scores, seals, segments, subjects
from services.wire.reckoning import reckon
from tests.support.servers import ROOT

FOLDER = ROOT / "services/wire/examples"
KEYS = json.loads((FOLDER / "keys.json").read_text())
DEVICE, NOTICE = (SigningKey(base64.b64decode(KEYS[name]["seed"])) for name in ("device", "notice"))
MODELS: dict[str, type[events.Strict]] = events.FACTS | {
    "segments.closed": events.Envelope,
    "record": events.Record,
    "detail": events.Detail,
    "diary.changed": events.DiaryChanged,
    "presence": events.Presence,
    "picture": events.Picture,
}
SIGNED = ("receipt", "entitlement", "command")


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.v1.json").read_text())
    return found


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_there_is_an_example_of_everything_and_of_nothing_else() -> None:
    there = {path.name for path in Path(FOLDER).iterdir()}
    assert there == {f"{name}.v1.json" for name in (*MODELS, *SIGNED)} | {"keys.json"}


@pytest.mark.parametrize("name", MODELS)
def test_its_model_takes_it_and_says_the_same(name: str) -> None:
    body = example(name)["body"]
    read_back = events.check(MODELS[name], body)
    assert json.loads(read_back.model_dump_json(by_alias=True)) == body


@pytest.mark.parametrize("name", MODELS)
def test_its_model_takes_nothing_more_or_less(name: str) -> None:
    body = example(name)["body"]
    with pytest.raises(ValueError):
        events.check(MODELS[name], body | {"more": 1})
    required = [field for field, info in MODELS[name].model_fields.items() if info.is_required()]
    for field in required:
        with pytest.raises(ValueError):
            events.check(MODELS[name], {key: value for key, value in body.items() if key != field})
    for key, value in body.items():
        if type(value) is int:
            for other in (float(value), str(value), bool(value)):
                with pytest.raises(ValueError):
                    events.check(MODELS[name], body | {key: other})


@pytest.mark.parametrize("kind", events.FACTS)
def test_a_fact_is_read_on_its_own_subject_only(kind: str) -> None:
    found = example(kind)
    body = orjson.dumps(found["body"])
    assert type(events.read_fact(found["subject"], body)) is events.FACTS[kind]
    workspace, member = found["subject"].split(".")[2:]
    assert found["subject"] == subjects.fact(kind, workspace, member)
    for subject in (f"{kind}.other.{member}", f"{kind}.{workspace}.other", f"segments.closed.{workspace}.{member}"):
        with pytest.raises(ValueError):
            events.read_fact(subject, body)


def test_the_device_signed_what_it_closed() -> None:
    envelope = example("segments.closed")["body"]
    assert KEYS["device"]["nkey"] == proof.user_nkey(bytes(DEVICE.verify_key))
    assert envelope["record"] == compact(example("record")["body"])
    assert envelope["detail"] == compact(example("detail")["body"])
    assert proof.digest(envelope["detail"]) == example("record")["body"]["detail"]
    # Ed25519 is deterministic: whoever seals the same texts with the same key sends the same bytes
    assert proof.seal_record(DEVICE, envelope["record"], envelope["detail"]) == compact(envelope).encode()


def test_ingest_makes_the_recorded_fact_of_the_closed_segment() -> None:
    """The producer of ``segment.recorded``, byte for byte."""
    closed, recorded = example("segments.closed"), example("segment.recorded")
    _, _, workspace, device = closed["subject"].split(".")
    arrival = Arrival(workspace, device, compact(closed["body"]).encode())
    proved = read(arrival, bytes(DEVICE.verify_key))
    assert isinstance(proved, Proved)
    terms = Terms(bytes(DEVICE.verify_key), "mem-1", "desktop", "lic-1", "active", None, None, None, {})
    now = datetime(2026, 11, 21, 10, 20, 2, tzinfo=UTC)
    row = ledger.row_of(arrival, proved, terms, Decision("recorded"), now)
    subject, body = ledger.fact_of(row, proved.record, proved.record_text, proved.detail_text)
    assert (subject, orjson.loads(body)) == (recorded["subject"], recorded["body"])
    assert ledger.stored_fact(row) == (subject, body)
    assert isinstance(read(arrival, bytes(NOTICE.verify_key)), Refused)


def test_the_recorded_segment_has_the_example_score() -> None:
    fact = events.check(events.SegmentRecorded, example("segment.recorded")["body"])
    scored = events.check(events.SegmentScored, example("segment.scored")["body"])
    minutes = segments.count_minutes(segments.merge([fact.part()]).minutes, [True] * 10)
    tally = scores.Tally(**scored.tally.model_dump())
    assert (minutes["tracked_minutes"], minutes["active_minutes"]) == tally[:2]
    assert scores.score(tally) == (scored.activity, scored.productivity, scored.tracko)


def test_the_seal_is_of_the_recorded_segment() -> None:
    fact, recorded = example("week.sealed")["body"], example("segment.recorded")["body"]
    public = base64.b64decode(KEYS["seal"]["public"])
    seal = seals.read_seal(public, fact["seal"], fact["signature"])
    assert (seal.root, seal.records, seal.edits) == (seals.root_of([recorded["record_hash"]], []), 1, 0)
    assert seal.totals == reckon([recorded["record"]], [], seal.terms, {"dev-1": "desktop"}).totals
    assert seal.devices["dev-1"].key == KEYS["device"]["public"]
    assert (seal.contract, seal.week) == (fact["contract"], fact["week"])


@pytest.mark.parametrize("name", SIGNED)
def test_a_notice_opens_for_its_device_only(name: str) -> None:
    found = example(name)
    message = found["message"]
    body = compact(found["body"]).encode()
    workspace, device = message["workspace"], message["device"]
    assert proof.open_notice(bytes(NOTICE.verify_key), body, workspace, device) == message
    assert json.loads(proof.seal_notice(NOTICE, message)) == found["body"]
    for public, owner in ((bytes(DEVICE.verify_key), device), (bytes(NOTICE.verify_key), "dev-2")):
        with pytest.raises(proof.ProofError):
            proof.open_notice(public, body, workspace, owner)


def test_ingest_makes_the_receipt() -> None:
    message = example("receipt")["message"]
    events.check(events.Receipt, message)
    mark = Mark(412, ((415, 420),), ((409, "unknown_contract"),))
    made = watermark.receipt(mark, message["ledger"], message["workspace"], message["device"], message["now"])
    assert made == message


def test_the_agent_reads_the_entitlement() -> None:
    entitlement = read_entitlement(example("entitlement")["message"])
    assert (entitlement.state, entitlement.licence, entitlement.policy.version) == ("active", "lic-1", 7)
    assert [one.contract for one in entitlement.contracts] == ["con-1"]
    assert (entitlement.policy.captures, entitlement.policy.apps, entitlement.policy.site) == (1, True, "off")
