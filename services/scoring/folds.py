"""Folds records into a member's slot: every segment recorded in it, by whatever device, with its tally. Pure.

A slot is one document, because a minute counts once for a member (T-14) and so no segment of a slot can be counted
without the others:

    {"_id": "<workspace>|<member>|<slot>", "slot": "2026-11-21T10:10:00Z",
     "stamp": [parts, revision of the rules, version of the classes],
     "segments": {"<contract>|<device>": {"kind": "desktop", "parts": [[seq, session_started, minutes, apps], …],
                                          "tally": [the six integers of a Tally]}}}

A fold only ever adds parts, and rules and classes only ever become newer: so the stamp grows with every change, and
tells which of two states of a slot is the newer. Parts and segments are kept sorted: the same records in any order,
however often they came, give the same bytes. Titles, memos and pictures are not kept; of a site its domain.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.scoring.classes import Catalogue, domain
from services.scoring.tracko import Contender, Rules, tallies
from services.wire.events import SegmentRecorded, SegmentScored, TallyOf
from services.wire.scores import Tally, score, total
from services.wire.segments import Merged, Part, merge

Document = dict[str, Any]


def slot_key(fact: SegmentRecorded) -> str:
    """The ``_id`` of the slot that a record belongs to."""
    return f"{fact.workspace}|{fact.member}|{fact.slot}"


def workspace_of(key: str) -> str:
    """The workspace that an ``_id`` begins with."""
    return key.partition("|")[0]


def fold(
    key: str, known: Mapping[str, Any] | None, facts: Iterable[SegmentRecorded], rules: Rules, catalogue: Catalogue
) -> Document:
    """The slot ``key`` with further records in it, all of it tallied by these rules and classes."""
    segments = {name: (one["kind"], one["parts"]) for name, one in (known["segments"] if known else {}).items()}
    for fact in facts:
        name = f"{fact.contract}|{fact.device}"
        kind, parts = segments.get(name, (fact.device_kind, []))
        if all(part[0] != fact.seq for part in parts):
            segments[name] = (kind, sorted([*parts, _part(fact)], key=lambda part: int(part[0])))
    contenders = {
        name: Contender(name.rpartition("|")[2], kind, _merged(parts)) for name, (kind, parts) in segments.items()
    }
    tallied = tallies(contenders, rules, catalogue)
    return {
        "_id": key,
        "slot": key.rpartition("|")[2],
        "stamp": [sum(len(parts) for _, parts in segments.values()), rules.revision, catalogue.version],
        "segments": {
            name: {"kind": kind, "parts": parts, "tally": list(tallied[name])}
            for name, (kind, parts) in sorted(segments.items())
        },
    }


def tally_of(slot: Mapping[str, Any]) -> Tally:
    """The sum over a slot's segments."""
    return total(Tally(*segment["tally"]) for segment in slot["segments"].values())


def scored(slot: Mapping[str, Any], rules: Rules) -> list[SegmentScored]:
    """``segment.scored`` of every segment of a slot, by the tallies that stand in it."""
    workspace, member, start = slot["_id"].split("|")
    facts = []
    for name, segment in slot["segments"].items():
        contract, device = name.split("|")
        tally = Tally(*segment["tally"])
        result = score(tally, rules.unproductive_weight_percent)
        facts.append(
            SegmentScored.model_construct(  # of what was checked when it came
                workspace=workspace,
                member=member,
                device=device,
                contract=contract,
                segment_id=f"{contract}:{device}:{start}",
                slot=start,
                seq=segment["parts"][-1][0],
                classes_version=slot["stamp"][2],
                stamp=slot["stamp"],
                tally=TallyOf.model_construct(**tally._asdict()),
                activity=result.activity,
                productivity=result.productivity,
                tracko=result.tracko,
            )
        )
    return facts


def _part(fact: SegmentRecorded) -> list[Any]:
    record = fact.record
    apps = [[name, domain(site) if site else None, seconds] for name, _, site, seconds in fact.detail["apps"]]
    return [fact.seq, record["session_started"], record["minutes"], apps]


def _merged(parts: list[list[Any]]) -> Merged:
    if len(parts) == 1:  # as nearly always: what merging would give, but for apps that stand twice, costs a third
        seq, started, minutes, apps = parts[0]
        return Merged(
            minutes, None, None, [[name, None, site, seconds] for name, site, seconds in apps], [], "", started, seq
        )
    return merge(
        Part(seq, minutes, None, None, [(name, None, site, seconds) for name, site, seconds in apps], (), "", started)
        for seq, started, minutes, apps in parts
    )
