"""A statement: the seal of a week with all it was made of, and the check that none of it is other than it was (B-01).

Pure. A bundle holds texts and signatures only: whatever is in it is signed, or bound to what is signed by a hash, so
that there is nothing in it that could be changed unseen.
"""

import base64
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from services.wire import seals
from services.wire.edits import Edit, Signed, read_edit, removed_by
from services.wire.proof import GENESIS, SEGMENT_DOMAIN, ProofError, check, digest, read_public_key
from services.wire.reckoning import Around, Reckoned, reckon
from services.wire.seals import About, Seal
from services.wire.segments import STATES
from services.wire.slots import SLOT_MINUTES, parse_instant, parse_slot
from services.wire.strict_json import read_json

FORMAT = "daybook/statement/v1"
_KEYS = frozenset({"format", "seal", "signature", "key", "about", "records", "edits"})
_NUMBERS = 5
_LONGEST_MANUAL = timedelta(days=7)
"""More than any entry may have, and little enough to be looked at."""


class Bundle(NamedTuple):
    """``statement.json``: ``key`` is the public half the seal names itself signed with, base64.

    ``records`` in the order of device and seq, ``edits`` in the order of time and id; a detail is None where it was
    erased or withheld, ``about`` where the names were.
    """

    seal: str
    signature: str
    key: str
    about: str | None
    records: Sequence[Signed]
    edits: Sequence[Signed]


class Stretch(NamedTuple):
    """Records of one device that follow one another: from seq to seq. Between stretches lies other work of it."""

    device: str
    first: int
    last: int
    first_prev: str
    last_hash: str


class Checked(NamedTuple):
    """What a bundle proved. ``details``: how many records came with their personal part."""

    seal: Seal
    seal_hash: str
    about: About | None
    reckoned: Reckoned
    stretches: list[Stretch]
    details: int


def write_bundle(bundle: Bundle) -> str:
    """The text of ``statement.json``."""
    body = {"format": FORMAT, **bundle._asdict()}
    body |= {name: [list(one) for one in getattr(bundle, name)] for name in ("records", "edits")}
    return json.dumps(body, ensure_ascii=False, indent=0, separators=(",", ":"))


def read_bundle(text: str | bytes) -> Bundle:
    """A bundle of its text; ValueError where it is none."""
    body = read_json(text)
    if not isinstance(body, dict) or body.get("format") != FORMAT or set(body) != _KEYS:
        raise ValueError(f"not a statement of the format {FORMAT}")
    del body["format"]
    if any(type(body[name]) is not str for name in ("seal", "signature", "key")):
        raise ValueError("seal, signature and key are text")
    if body["about"] is not None and type(body["about"]) is not str:
        raise ValueError("about is text")
    for name in ("records", "edits"):
        if not isinstance(body[name], list):
            raise ValueError(f"{name} is a list")
        body[name] = [_signed(one) for one in body[name]]
    return Bundle(**body)


def _signed(one: Any) -> Signed:
    if not isinstance(one, list) or len(one) != 3 or type(one[0]) is not str or type(one[2]) is not str:
        raise ValueError("a record or edit is a text, its detail or null, and a signature")
    if one[1] is not None and type(one[1]) is not str:
        raise ValueError("a detail is text or null")
    return Signed(*one)


def check_bundle(bundle: Bundle, key: bytes | None = None) -> Checked:
    """Checks everything and works the bill out anew; ProofError says the first thing that is wrong.

    ``key``: the 32 bytes of the public key that is expected; None: the one the bundle names, which proves only that
    the bundle agrees with itself.
    """
    public = _key(bundle.key, key)
    seal = seals.read_seal(public, bundle.seal, bundle.signature)
    if not 1 <= seal.rules <= seals.RULES:
        raise ProofError(f"made by rules {seal.rules}, and this program knows rules {seals.RULES}: take the newer one")
    about = seals.read_about(bundle.about, seal.about) if bundle.about is not None else None
    records = [_record(seal, one) for one in bundle.records]
    _require_order([(one["device"], one["seq"]) for one in records], "records")
    edits = [_edit(public, seal, one) for one in bundle.edits]
    _require_order([(one.at, one.id) for one in edits], "edits")
    _check_leaves(seal, bundle)
    stretches = _stretches(records, [digest(one.text) for one in bundle.records])
    kinds = {name: device.kind for name, device in seal.devices.items()}
    reckoned = reckon(records, edits, seal.terms, kinds, Around(seal.elsewhere, dict(seal.billed_before)))
    _check_totals(seal, reckoned)
    details = sum(one.detail is not None for one in bundle.records)
    return Checked(seal, seals.seal_hash(bundle.seal), about, reckoned, stretches, details)


def check_chain(checked: Sequence[Checked]) -> None:
    """Checks that statements of one contract follow one another by their seals, and bill nothing twice."""
    ordered = sorted(checked, key=lambda one: one.seal.number)
    for before, after in itertools.pairwise(ordered):
        if (before.seal.workspace, before.seal.contract) != (after.seal.workspace, after.seal.contract):
            raise ProofError("these are statements of different contracts")
        if before.seal.number == after.seal.number:
            raise ProofError(f"two statements are number {after.seal.number} of the contract")
        _require_apart(before, after)
        if before.seal.number + 1 == after.seal.number and after.seal.previous != before.seal_hash:
            raise ProofError(f"the seal of week {after.seal.week} follows another than that of {before.seal.week}")


def _require_apart(before: Checked, after: Checked) -> None:
    for one, other in itertools.product(before.stretches, after.stretches):
        if one.device == other.device and one.first <= other.last and other.first <= one.last:
            raise ProofError(f"record {one.device} {max(one.first, other.first)} is billed in two statements")


def _key(named: str, expected: bytes | None) -> bytes:
    public = read_public_key(named)
    if base64.b64encode(public).decode() != named:
        raise ProofError("the key is not written as base64 of 32 bytes")
    if expected is not None and public != expected:
        raise ProofError("sealed with another key than the one that is expected")
    return public


def _record(seal: Seal, signed: Signed) -> dict[str, Any]:
    """One record: signed by a device the seal names, of this contract, with the detail it was signed with."""
    try:
        body = read_json(signed.text)
        place, device = f"record {body['device']} {body['seq']}", seal.devices.get(body["device"])
    except (ValueError, TypeError, KeyError) as error:
        raise ProofError("a record that cannot be read") from error
    if device is None:
        raise ProofError(f"{place}: by a device that the seal does not name")
    try:
        check(read_public_key(device.key), SEGMENT_DOMAIN, signed.text.encode(), signed.signature)
        _require_shape(body, seal)
    except (ValueError, TypeError, KeyError) as error:
        raise ProofError(f"{place}: {error}") from error
    if signed.detail is not None and digest(signed.detail) != body["detail"]:
        raise ProofError(f"{place}: the detail is another than it was signed with")
    return dict(body)


def _require_shape(body: Mapping[str, Any], seal: Seal) -> None:
    if any(body[name] != getattr(seal, name) for name in ("workspace", "member", "contract")):
        raise ProofError("of another member or contract")
    if body["segment_id"] != f"{body['contract']}:{body['device']}:{body['slot']}":
        raise ProofError("segment_id is not contract:device:slot")
    if type(body["seq"]) is not int or body["seq"] < 1 or len(body["minutes"]) != SLOT_MINUTES:
        raise ProofError("not a record")
    if any(type(body[name]) is not str for name in ("prev", "session", "session_started")):
        raise ProofError("not a record")
    if parse_slot(body["slot"]) >= parse_instant(seal.locks_at):
        raise ProofError("later than the lock")
    for minute in body["minutes"]:
        if minute is not None and (
            len(minute) != _NUMBERS + 1
            or minute[4] not in STATES
            or any(type(one) is not int or one < 0 for one in minute[:4])
            or (minute[5] is not None and type(minute[5]) is not int)
        ):
            raise ProofError("a minute that is none")


def _edit(public: bytes, seal: Seal, signed: Signed) -> Edit:
    """One edit, of this contract; it names the week it was made in, which a new billing zone may have changed since."""
    try:
        edit = read_edit(public, signed)
        _require_edit(edit)
    except (ValueError, TypeError, KeyError) as error:
        raise ProofError(f"an edit: {error}") from error
    if any(getattr(edit, name) != getattr(seal, name) for name in ("workspace", "member", "contract")):
        raise ProofError(f"edit {edit.id}: of another member or contract")
    return edit


def _require_edit(edit: Edit) -> None:
    if any(type(one) is not str for one in (edit.id, edit.at)):
        raise ProofError("its id and time are text")
    if edit.kind == "manual":
        start, end = parse_instant(edit.about["start"]), parse_instant(edit.about["end"])
        if not timedelta(0) < end - start <= _LONGEST_MANUAL or edit.about["manual_kind"] not in STATES:
            raise ProofError("manual time that is none")
    for _, minutes, seq in edit.about.get("removed", ()):
        if any(type(one) is not int for one in (seq, *minutes)):
            raise ProofError("a removal that is none")
    removed_by(edit)


def _require_order(places: Sequence[Any], what: str) -> None:
    if any(after <= before for before, after in itertools.pairwise(places)):
        raise ProofError(f"the {what} are not in their order, or one stands twice")


def _check_leaves(seal: Seal, bundle: Bundle) -> None:
    if (len(bundle.records), len(bundle.edits)) != (seal.records, seal.edits):
        found = f"{len(bundle.records)} records and {len(bundle.edits)} edits"
        raise ProofError(f"the seal covers {seal.records} records and {seal.edits} edits, and here are {found}")
    hashes = [[digest(one.text) for one in group] for group in (bundle.records, bundle.edits)]
    if seals.root_of(*hashes) != seal.root:
        raise ProofError("the records and edits are others than the sealed ones")


def _stretches(records: Iterable[Mapping[str, Any]], hashes: Iterable[str]) -> list[Stretch]:
    stretches: list[Stretch] = []
    for record, own in zip(records, hashes, strict=True):
        device, seq, prev = record["device"], record["seq"], record["prev"]
        last = stretches[-1] if stretches else None
        if seq == 1 and prev != GENESIS:
            raise ProofError(f"record {device} 1: names a record before the first")
        if last and (last.device, last.last + 1) == (device, seq):
            if prev != last.last_hash:
                raise ProofError(f"record {device} {seq}: does not follow record {last.last}")
            stretches[-1] = last._replace(last=seq, last_hash=own)
        else:
            stretches.append(Stretch(device, seq, seq, prev, own))
    return stretches


def _check_totals(seal: Seal, reckoned: Reckoned) -> None:
    for name, sealed in seal.totals._asdict().items():
        if (found := getattr(reckoned.totals, name)) != sealed:
            raise ProofError(f"{name}: the seal says {sealed}, and the records and edits come to {found}")
