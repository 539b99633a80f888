"""The quick reader takes nothing that the strict one refuses, and reads the same (fine-print.md, *Records*)."""

import json
import random
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest import quick
from services.wire import events
from tests.ingest.fleet import Device, compact

CAPTURE = {
    "capture_id": "capture-1",
    "kind": "screen",
    "at": "2026-11-21T10:12:30Z",
    "sha256": "ab" * 32,
    "bytes": 76_000,
    "width": 1280,
    "height": 720,
    "monitor": 0,
    "blurred": False,
    "app": 0,
}
DEVICE = Device("ws")
DETAIL = compact(DEVICE.detail(captures=[CAPTURE, {**CAPTURE, "app": None, "kind": "camera"}], memo=None))
RECORD = compact(DEVICE.record(DETAIL))
BODY = DEVICE.close().body.decode()
READERS: dict[str, tuple[str, Callable[[str], Any], type[events.Strict]]] = {
    "envelope": (BODY, lambda text: quick.envelope(text.encode()), events.Envelope),
    "record": (RECORD, quick.record, events.Record),
    "detail": (DETAIL, quick.detail, events.Detail),
}


def plain(read: Any) -> Any:
    """What was read, as JSON."""
    if isinstance(read, quick._Read):
        return {name: plain(read[name]) for name in read.__struct_fields__}
    return [plain(one) for one in read] if isinstance(read, list | tuple) else read


def agree(kind: str, text: str) -> bool:
    """Whether the quick reader took it, which it may only where the strict one does; both read the same then."""
    _, reader, model = READERS[kind]
    try:
        found = reader(text)
    except UnicodeEncodeError:
        return False
    if found is None:
        return False
    strict = events.read(model, text)
    assert plain(found) == json.loads(strict.model_dump_json())
    # what follows from it elsewhere reads the text with orjson
    assert orjson.loads(text) == events.read_json(text)
    return True


@pytest.mark.parametrize("kind", READERS)
def test_it_takes_what_devices_send(kind: str) -> None:
    assert agree(kind, READERS[kind][0])


@pytest.mark.parametrize("kind", READERS)
def test_a_key_that_stands_twice_is_never_taken(kind: str) -> None:
    text = READERS[kind][0]
    for name, value in orjson.loads(text).items():
        same, null = orjson.dumps({name: value})[1:-1].decode(), f'"{name}":null'
        escaped = same.replace(name, f"\\u{ord(name[0]):04x}{name[1:]}", 1)
        for again in (same, null, escaped, same.replace(":", " : ", 1)):
            for doubled in (f"{{{again},{text[1:]}", f"{text[:-1]},{again}}}"):
                assert READERS[kind][1](doubled) is None, doubled


def test_quotes_hidden_in_escapes_do_not_make_up_for_a_doubled_key() -> None:
    envelope = orjson.loads(BODY)
    for hidden in range(1, 9):
        record = orjson.dumps(envelope["record"]).decode().replace('\\"', "\\u0022", hidden)
        body = f'{{"v":1,"v":1,"record":{record},"detail":"","signature":""}}'
        assert quick.envelope(body.encode()) is None
    assert quick.record(RECORD.replace('"zone":"Europe/Berlin"', '"zone":"a","zone":"\\"')) is None


ODD = st.sampled_from(
    [*("1.0", "1e2", "-0", "-1", "true", "null", "NaN", "18446744073709551616", "2147483648", "[]", "{}", "601", "0"),
     *('""', '"a b"', '"x\\n"', '"\\ud800"', '"\\u0041"', '"é"', '"\u2028"', '"Work"', '"work"', '"idle"'),
     *('"2026-11-21T10:10:00Z"', '"2026-11-21T10:10:00.5Z"', '"2026-11-21T10:11:00Z"', '"2026-02-30T10:10:00Z"'),
     *('"ab\\n"', '"a\n"', f'"{"a" * 41}"', f'"{"ab" * 32}"', f'"{"AB" * 32}"', '[1,2]', '[1,2,3]', '"\x01"')]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(list(READERS)), st.randoms(use_true_random=False), st.data())
def test_what_it_takes_the_strict_reader_takes_too(kind: str, draw: random.Random, data: st.DataObject) -> None:
    """Values exchanged for odd ones anywhere in the tree, keys dropped, added and doubled, bytes changed."""
    text = READERS[kind][0]
    value = orjson.loads(text)
    for _ in range(data.draw(st.integers(0, 2))):
        places = list(_places(value))
        holder, key = draw.choice(places)
        holder[key] = _Raw(data.draw(ODD))
    text = _dump(value)
    for _ in range(data.draw(st.integers(0, 2))):
        at, other = draw.randrange(len(text)), draw.choice(' \t\n"\\,:{}[]0aZ-.e\x00')
        text = draw.choice(
            (text[:at] + other + text[at:], text[:at] + text[at + 1 :], text[:at] + other + text[at + 1 :])
        )
    agree(kind, text)


class _Raw(str):
    """JSON as it is to stand there."""


def _places(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _places(inner)


def _dump(value: Any) -> str:
    if isinstance(value, _Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_dump(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
