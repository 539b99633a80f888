"""B-07: one trace follows a segment from the computer to the page, over every real service."""

from tests.support.collector import Caught
from tests.telemetry.conftest import Followed

WAY = {
    # span: (its service, the span above it, the batch it went with)
    "segment": ("agent", None, None),
    "segment recorded": ("ingest", "segment", "take segments.closed"),
    "segment scored": ("scoring", "segment recorded", "take scoring"),
    "segment visible": ("projector", "segment recorded", "take projector"),
    "score visible": ("projector", "segment scored", "take projector"),
}


def test_the_agents_trace_goes_on_to_the_ledger_the_score_and_the_page(followed: Followed) -> None:
    found = {span.name: span for span in followed.spans if span.trace == followed.trace}
    assert found.keys() == WAY.keys()
    assert len([span for span in followed.spans if span.trace == followed.trace]) == len(WAY)
    assert (found["segment"].span, found["segment"].parent) == (followed.span, "")
    for name, (service, above, _) in WAY.items():
        assert found[name].service == service
        if above:
            assert found[name].parent == found[above].span, name


def test_each_step_starts_after_the_one_above_it(followed: Followed) -> None:
    found = {span.name: span for span in followed.spans if span.trace == followed.trace}
    assert found["segment"].end <= found["segment recorded"].start
    for name, (_, above, _) in WAY.items():
        if above:
            assert found[above].start <= found[name].start <= found[name].end, name


def test_a_step_names_its_batch_and_the_batch_its_messages(followed: Followed) -> None:
    """Batches have traces of their own: links lead across, both ways."""
    found = {span.name: span for span in followed.spans if span.trace == followed.trace}
    for name, (service, above, batch) in WAY.items():
        if not (above and batch):
            continue
        ((trace, identity),) = found[name].links
        (taken,) = [span for span in followed.spans if (span.trace, span.span) == (trace, identity)]
        assert (taken.name, taken.service) == (batch, service)
        assert (followed.trace, found[above].span) in taken.links, f"{batch} does not name the message of {name}"
        assert taken.trace != followed.trace


def test_a_pictures_trace_leads_from_the_device_to_the_page(followed: Followed) -> None:
    found: dict[str, Caught] = {span.name: span for span in followed.spans if span.trace == followed.picture_trace}
    answered, visible = found["answer device.picture"], found["picture visible"]
    assert (answered.service, answered.parent) == ("media", followed.picture_span)
    assert (visible.service, visible.parent) == ("projector", answered.span)


def test_requests_between_services_are_one_trace(followed: Followed) -> None:
    """Who asked is the parent of who answered."""
    by_id = {(span.trace, span.span): span for span in followed.spans}
    answered = [span for span in followed.spans if span.name in ("answer grant", "answer picture", "answer sign_in")]
    assert {span.name for span in answered} == {"answer grant", "answer picture", "answer sign_in"}
    for span in answered:
        asked = by_id[span.trace, span.parent]
        assert asked.name == f"ask {span.service}.{span.name.removeprefix('answer ')}"
