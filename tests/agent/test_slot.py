"""The pure part: minutes, slots, moments, texts."""

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agent.sampler import Counts, Sampler
from agent.slot import App, Minute, OpenSlot, capture_moments, clean, dump, load, minute_of, part_of
from services.wire import slots
from services.wire.segments import STATES
from tests.agent.doubles import START

apps = st.builds(App, st.text(max_size=9), st.none() | st.text(max_size=9), st.none() | st.text(max_size=9))
counts = st.integers(0, 2**40)
minutes = st.builds(Minute, counts, counts, counts, counts, st.sampled_from(STATES), st.none() | apps)
puts = st.lists(st.tuples(st.integers(-2, 12), minutes, st.dictionaries(apps, st.integers(0, 90_000)), counts))


def opened(carried: int = 0) -> OpenSlot:
    return OpenSlot(START, "c", "s", "2026-11-21T10:00:00Z", "UTC", 1, "boot", (5, 5), carried=carried)


@given(st.integers(0, 9), st.floats(0, 59.999))
def test_an_instant_falls_in_its_minute(minute: int, second: float) -> None:
    assert minute_of(START, START + timedelta(minutes=minute, seconds=second)) == minute


@given(puts, st.integers(0, 1023))
def test_a_minute_is_taken_once_and_never_one_that_was_carried(
    done: list[tuple[int, Minute, dict[App, int], int]], carried: int
) -> None:
    """S-11, T-01: Start again in the same slot carries the further minutes only."""
    slot = opened(carried)
    first: dict[int, Minute] = {}
    for index, minute, front, uptime in done:
        slot.put(index, minute, front.items(), uptime)
        if 0 <= index < 10 and not carried >> index & 1:
            first.setdefault(index, minute)
    assert [index for index in range(10) if slot.minutes[index]] == sorted(first)
    assert slot.tracked & carried == 0
    for index, minute in first.items():
        kept = slot.minutes[index]
        assert kept == Minute._make([*(min(count, 2**31 - 1) for count in minute[:4]), *minute[4:]])
        assert kept.app is None or kept.app in slot.apps
    assert slot.uptime_ms[1] >= slot.uptime_ms[0]


@given(puts)
def test_a_checkpoint_brings_back_what_was_there(done: list[tuple[int, Minute, dict[App, int], int]]) -> None:
    """T-10."""
    slot = opened()
    for index, minute, front, uptime in done:
        slot.put(index, minute, front.items(), uptime)
    assert load(dump(slot)) == slot


@given(st.integers(1, 10), st.integers(0, 599), st.integers())
def test_n_captures_are_one_random_moment_in_each_of_n_equal_parts(captures: int, late: int, seed: int) -> None:
    """T-05; who starts late in a part still has the capture of what is left of it."""
    since = START + timedelta(seconds=late)
    moments = capture_moments(START, captures, since, Random(seed))
    assert list(moments) == list(range(part_of(START, captures, since), captures))
    assert all(part_of(START, captures, at) == part for part, at in moments.items())
    assert all(since <= at and slots.slot_of(at) == START for at in moments.values())


@given(st.text(alphabet=st.characters(), max_size=500), st.integers(1, 300))
def test_texts_are_made_sound_for_every_reader(text: str, limit: int) -> None:
    made = clean(text, limit)
    made.encode()
    assert len(made) <= limit
    assert all(char >= " " for char in made)


def test_a_minute_has_the_state_that_took_most_of_it() -> None:
    sampler = Sampler()
    sampler.span(20_000, "work", App("code"))
    sampler.count(Counts(9, 9, 9, 9), "work")
    sampler.span(40_000, "private", App("bank"))
    sampler.count(Counts(5), "private")
    assert sampler.finish(idle=False) == (Minute(0, 0, 0, 0, "private", None), {})
    sampler.span(20_000, "break", None)
    sampler.span(40_000, "work", App("code"))
    sampler.count(Counts(5), "break")
    sampler.count(Counts(1, 2, 3, 4), "work")
    assert sampler.finish(idle=False) == (Minute(1, 2, 3, 4, "work", App("code")), {App("code"): 40_000})
    assert not sampler.begun


def test_an_idle_minute_names_its_application_but_counts_no_seconds_for_it() -> None:
    """T-11: nothing is deducted; time in front of nobody is nobody's usage."""
    sampler = Sampler()
    sampler.span(60_000, "work", App("film"))
    assert sampler.finish(idle=True) == (Minute(0, 0, 0, 0, "idle", App("film")), {})
    sampler.span(60_000, "work", App("film"))
    sampler.count(Counts(1), "work")
    assert sampler.finish(idle=True)[0].state == "work"


@given(st.lists(st.tuples(st.sampled_from(["work", "break", "private", "locked"]), st.integers(0, 60_000), counts)))
def test_nothing_is_counted_but_work(spans: list[tuple[str, int, int]]) -> None:
    """T-18."""
    sampler = Sampler()
    for state, ms, keys in spans:
        sampler.span(ms, state, App(state))
        sampler.count(Counts(keys), state)
    minute, front = sampler.finish(idle=False)
    assert minute.keys in (0, sum(keys for state, _, keys in spans if state == "work"))
    assert set(front) <= {App("work")}
    assert minute.app in (None, App("work"))
    assert minute.state == "work" or (minute.keys == 0 and minute.app is None)
