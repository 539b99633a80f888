"""Ingest against a bare loop in the same run, the check of signatures left out of both.

The loop fetches 500, validates, finds, inserts and acks. Ingest moreover decides, says the fact on JOURNAL, moves the
watermark and pushes a signed receipt. Both get the same bodies, in turn.
"""

from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StreamConfig

from tests.bench.harness import INGEST, Bench, Figure, median, work_off
from tests.bench.ingest import closed, fleet
from tests.ingest.fleet import Licensing

BARE = ("BARE", "bare")


async def measure(bench: Bench) -> list[Figure]:
    """Throughput of one process against the loop's."""
    records = bench.of(4_000, 200)
    async with bench.client() as client, bench.client("licensing") as answering:
        licensing = Licensing(answering)
        await licensing.come()
        js = client.jetstream()
        queue = StreamConfig(name="BARE", subjects=["bare"], retention=RetentionPolicy.WORK_QUEUE, allow_atomic=True)
        await js.add_stream(queue)
        await js.add_consumer(
            "BARE",
            ConsumerConfig(durable_name="bare", ack_policy=AckPolicy.EXPLICIT, ack_wait=30, max_ack_pending=20_000),
        )
        ingest = bench.run("unsigned ingest", "tests.bench.unsigned_ingest", bench.environment("ingest"))
        await ingest.ready()
        environment = bench.environment("ingest") | {"DAYBOOK_BUS_SEED": bench.installation.operator_seed}
        bare = bench.run("bare loop", "tests.bench.bare_loop", environment)
        devices = fleet(20)
        licensing.know(*devices)
        rates, cpu, loop, loop_cpu = [], [], [], []
        for number in range(bench.rounds + 1):
            messages = closed(devices, records if number else 200)
            reference = await work_off(bench, client, [bare], [("bare", body) for _, body in messages], BARE)
            ours = await work_off(bench, client, [ingest], messages, INGEST)
            if number:  # the first warms both
                rates.append(ours.rate / reference.rate)
                cpu.append(reference.cpu[bare.name] / ours.cpu[ingest.name])
                loop.append(reference.rate)
                loop_cpu.append(reference.cpu[bare.name])
    bench.stop(ingest.name, bare.name)
    return [
        median("ingest without signatures ÷ bare loop", "× its rate", rates, target=0.9, at_least=True),
        median("the same by CPU", "×", cpu, note="CPU of the loop ÷ CPU of ingest"),
        median("the bare loop", "µs CPU a segment", loop_cpu, note=f"indicative: {max(loop):.0f} segments/s"),
    ]
