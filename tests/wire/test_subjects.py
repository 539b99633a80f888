"""No id can be more than one token of a subject (L-06)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire import subjects

BUILDERS = [
    subjects.segments_closed,
    subjects.presence,
    subjects.live,
    subjects.receipts,
    subjects.commands,
    subjects.diary_changed,
    lambda workspace, device: subjects.device_request(workspace, device, "receipts"),
    lambda workspace, member: subjects.fact("segment.recorded", workspace, member),
]
BAD = ["", "*", ">", "a.b", "a b", "a*", "a>", "ü", "a\n", "a\r\n", "$SYS", "x" * 41, "\0", "a\t", "a|b"]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("build", BUILDERS)
def test_what_is_no_id_makes_no_subject(build, bad: str) -> None:  # type: ignore[no-untyped-def]
    for ids in ((bad, "ok"), ("ok", bad)):
        with pytest.raises(ValueError):
            build(*ids)


@given(st.text(max_size=60))
def test_a_token_is_an_id_or_refused(text: str) -> None:
    try:
        one = subjects.token(text)
    except ValueError:
        return
    assert one == text
    assert 1 <= len(text) <= 40
    assert text.isascii()
    assert not set(text) & set(".*> \t\r\n|")


@given(st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_ids_stand_where_they_belong(workspace: str, other: str) -> None:
    assert subjects.segments_closed(workspace, other).split(".") == ["segments", "closed", workspace, other]
    assert subjects.device_inbox(other) == f"_INBOX.{other}"
    for build in BUILDERS:
        assert build(workspace, other).split(".")[2 if build is BUILDERS[-2] else -2] == workspace


def test_an_inbox_is_one_token_too() -> None:
    for bad in BAD:
        with pytest.raises(ValueError):
            subjects.device_inbox(bad)


def test_facts_are_those_of_the_journal() -> None:
    with pytest.raises(ValueError):
        subjects.fact("segments.closed", "ws", "mem")
    assert subjects.fact("workspace.changed", "ws", "-") == "workspace.changed.ws.-"


def test_every_subject_has_one_stream_and_every_durable_reads_what_its_stream_keeps() -> None:
    taken = [subject for stream in subjects.STREAMS for subject in stream.subjects]
    assert len(taken) == len(set(taken))
    for stream in subjects.STREAMS:
        for durable in stream.durables:
            assert durable.stream == stream.name
            assert set(durable.subjects) <= set(stream.subjects)
