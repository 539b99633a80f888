"""Folds records into a member's slot: every segment recorded in it, by whatever device, with its tally. Pure.

A slot is one document, because a minute counts once for a member (T-14) and so no segment of a slot can be counted
without the others:

    {"_id": "<workspace>|<member>|<slot>", "slot": "2026-11-21T10:10:00Z",
     "stamp": [parts and removals, revision of the rules, version of the classes],
     "segments": {"<contract>|<device>": {"kind": "desktop", "parts": [[seq, session_started, minutes, apps], …],
                                          "tally": [the six integers of a Tally]}},
     "gone": {"<contract>|<device>": [the highest seq removed of each minute]}, "edits": [ids of the removals]}

What a member removed is not tracked time any more (S-08): ``gone`` and ``edits`` are there where something was.
A fold only ever adds parts and removals, and rules and classes only ever become newer: so the stamp grows with every
change, and tells which of two states of a slot is the newer. Parts and segments are kept sorted: the same records in
any order, however often they came, give the same bytes. Titles, memos and pictures are not kept; of a site its domain.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from services.scoring.classes import Catalogue, domain
from services.scoring.tracko import Contender, Rules, tallies
from services.wire.edits import Edit, removed_by
from services.wire.events import SegmentRecorded
from services.wire.scores import Tally, score, total
from services.wire.segments import NOTHING_GONE, Gone, Merged, Part, is_tracked, left_of, merge, unite_gone

Document = dict[str, Any]


def slot_key(fact: SegmentRecorded) -> str:
    """The ``_id`` of the slot that a record belongs to."""
    return f"{fact.workspace}|{fact.member}|{fact.slot}"


def workspace_of(key: str) -> str:
    """The workspace that an ``_id`` begins with."""
    return key.partition("|")[0]


def slots_of(edit: Edit) -> set[str]:
    """The ``_id`` of every slot in which an edit removes recorded minutes."""
    return {
        f"{edit.workspace}|{edit.member}|{segment.split(':', 2)[2]}"
        for segment, gone in removed_by(edit).items()
        if max(gone) > 0  # manual time is removed with seq 0, and no score is made of it
    }


def fold(
    key: str,
    known: Mapping[str, Any] | None,
    facts: Iterable[SegmentRecorded | Edit],
    rules: Rules,
    catalogue: Catalogue,
) -> Document:
    """The slot ``key`` with further records and removals in it, all of it tallied by these rules and classes."""
    segments = {name: (one["kind"], one["parts"]) for name, one in (known["segments"] if known else {}).items()}
    facts = list(facts)
    removals = [fact for fact in facts if isinstance(fact, Edit)]
    gone, edits = _removed(key, known, removals) if removals or (known and "gone" in known) else ({}, [])
    for fact in (one for one in facts if not isinstance(one, Edit)):
        name = f"{fact.contract}|{fact.device}"
        kind, parts = segments.get(name, (fact.device_kind, []))
        if all(part[0] != fact.seq for part in parts):
            segments[name] = (kind, sorted([*parts, _part(fact)], key=lambda part: int(part[0])))
    contenders = {
        name: one
        for name, (kind, parts) in segments.items()
        if (one := _contender(name.rpartition("|")[2], kind, parts, gone.get(name)))
    }
    tallied = tallies(contenders, rules, catalogue)
    changes = sum(len(parts) for _, parts in segments.values()) + len(edits)
    return {
        "_id": key,
        "slot": key.rpartition("|")[2],
        "stamp": [changes, rules.revision, catalogue.version],
        "segments": {
            name: {"kind": kind, "parts": parts, "tally": list(tallied.get(name, _NOTHING))}
            for name, (kind, parts) in sorted(segments.items())
        },
        **({"gone": gone, "edits": edits} if edits else {}),
    }


_NOTHING = total(())


def _removed(
    key: str, known: Mapping[str, Any] | None, removals: Iterable[Edit]
) -> tuple[dict[str, list[int]], list[str]]:
    """What is removed of the slot's segments, and by which edits."""
    gone: dict[str, list[int]] = dict(known.get("gone", {})) if known else {}
    edits = {edit.id for edit in removals} | set(known.get("edits", ()) if known else ())
    slot = key.rpartition("|")[2]
    for edit in removals:
        for segment, taken in removed_by(edit).items():
            contract, device, start = segment.split(":", 2)
            if start == slot:
                name = f"{contract}|{device}"
                gone[name] = unite_gone(gone.get(name, NOTHING_GONE), taken)
    return dict(sorted(gone.items())), sorted(edits)


def _contender(device: str, kind: str, parts: list[list[Any]], gone: Gone | None) -> Contender | None:
    """A segment as removals left it; None where they left nothing. Its apps' seconds go by the minutes that stay."""
    if gone is None:
        return Contender(device, kind, _merged(parts))
    left = left_of(map(_as_part, parts), gone)
    if not left:
        return None
    seqs = {part.seq for part in left}
    before = _merged([part for part in parts if part[0] in seqs]).minutes
    return Contender(device, kind, merge(left), sum(map(is_tracked, before)))


def tally_of(slot: Mapping[str, Any]) -> Tally:
    """The sum over a slot's segments."""
    return total(Tally(*segment["tally"]) for segment in slot["segments"].values())


def scored(slot: Mapping[str, Any], rules: Rules) -> list[bytes]:
    """``segment.scored`` of every segment of a slot as JSON (``wire.events.SegmentScored``), by the tallies in it.

    What it says was checked when it came: making the model of it, to write it, costs as much as the fold itself.
    """
    workspace, member, start = slot["_id"].split("|")
    facts = []
    for name, segment in slot["segments"].items():
        contract, device = name.split("|")
        tally = Tally(*segment["tally"])
        said = {
            "workspace": workspace,
            "member": member,
            "device": device,
            "contract": contract,
            "segment_id": f"{contract}:{device}:{start}",
            "slot": start,
            "seq": segment["parts"][-1][0],
            "classes_version": slot["stamp"][2],
            "stamp": slot["stamp"],
            "tally": tally._asdict(),
            **score(tally, rules.unproductive_weight_percent)._asdict(),
        }
        facts.append(orjson.dumps(said))
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
    return merge(map(_as_part, parts))


def _as_part(part: list[Any]) -> Part:
    seq, started, minutes, apps = part
    return Part(
        seq, minutes, None, None, [(name, None, site, seconds) for name, site, seconds in apps], (), "", started
    )
