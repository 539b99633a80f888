"""The service level: how long from a segment's end on the computer until it is recorded, and until it is visible."""

import json
from datetime import timedelta

from tests.support.stack import until
from tests.support.stranger import SLOT, slot_before, text_of, today
from tests.telemetry.conftest import Traced

STAGES = {"recorded": "ingest", "visible": "projector"}


def _now(traced: Traced, part: str) -> dict[str, float]:
    name = f"daybook_freshness_seconds_{part}"
    return {stage: traced.value(service, name, stage=stage) for stage, service in STAGES.items()}


async def test_it_is_counted_once_from_the_end_on_the_computer(traced: Traced) -> None:
    device = await traced.stack.device()
    try:
        counts, sums = _now(traced, "count"), _now(traced, "sum")
        closed_at = (today() - timedelta(seconds=45)).replace(microsecond=0)
        slot = slot_before(closed_at)
        body = device.record(slot, closed_at=closed_at)
        begun = (today() - closed_at).total_seconds()
        await device.publish(body)
        await until(lambda: _now(traced, "count") == {stage: count + 1 for stage, count in counts.items()}, 60)
        ended = (today() - closed_at).total_seconds()
        took = {stage: value - sums[stage] for stage, value in _now(traced, "sum").items()}
        assert begun <= took["recorded"] <= took["visible"] <= ended

        await device.publish(body)  # comes again, and is seen already
        name = {"subject": "projector", "outcome": "done"}
        done = traced.value("projector", "daybook_messages_total", **name)
        asker = await traced.connect("projector")
        asked = {"workspace": device.workspace, "start": text_of(slot), "end": text_of(slot + SLOT)}
        answer = await asker.request("rpc.ingest.replay", json.dumps(asked).encode(), timeout=20)
        assert json.loads(answer.data)["emitted"] >= 1
        await until(lambda: traced.value("projector", "daybook_messages_total", **name) >= done + 2, 60)
        await asker.close()
        assert traced.value("ingest", "daybook_segments_total", outcome="duplicate") >= 1
        assert _now(traced, "count") == {stage: count + 1 for stage, count in counts.items()}
    finally:
        await device.close()
