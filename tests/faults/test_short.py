"""A short run of ``make faults``: nothing closed is lost or doubled, whatever happens on its way (T-10, S-11, T-14)."""

import pytest

from tests.faults.catalogue import CATALOGUE
from tests.faults.scenes import play
from tests.faults.storm import storm
from tests.faults.world import World

SEED = "short"
RECORDS = 40
#: Each a few seconds; the others wait for the bus's ack wait, or for an older database, and are ``make faults``'s.
QUICK = (
    "agent_killed",
    "clock_hours_ahead_and_back",
    "cloned_device",
    "cut_between_publish_and_puback",
    "disk_full",
    "doubled_and_shuffled",
    "edited_and_removed_then_sent_again",
    "hours_late_and_across_the_lock",
    "poison",
    "receipts_forged_and_doubled",
    "started_again_in_the_same_slot",
    "two_devices_of_one_member_at_once",
)
pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("name", QUICK)
async def test_nothing_is_lost_or_doubled_by(name: str, world: World) -> None:
    """Ledger, quarantine, diary, bills and chains are those of the books (S-01, S-03, S-11, T-14, B-02)."""
    verdict = await play(world, CATALOGUE[name], SEED, RECORDS)
    assert verdict.findings == []
    assert verdict.closed > 10
    assert (verdict.lost, verdict.doubled) == (0, 0)


async def test_nothing_is_lost_or_doubled_where_every_part_is_killed_in_mid_flight(world: World) -> None:
    """T-10: bus, database and all services get SIGKILL, each at its own moment, and all is well within 60 s."""
    strikes = [one for one in CATALOGUE.values() if one.composes]
    assert {"kill_the_bus", "kill_the_database", "kill_ingest", "kill_projector"} <= {one.name for one in strikes}
    verdict = await storm(world, SEED, RECORDS * 3, members=1, strikes=strikes)
    assert verdict.findings == []
    assert verdict.closed == RECORDS * 3 * 2
    assert verdict.recovery <= 60


async def test_the_bus_wiped_loses_nothing_that_was_closed(world: World) -> None:
    """Only a receipt lets a device forget: what the bus forgot is sent again."""
    verdict = await play(world, CATALOGUE["wipe_the_bus"], SEED, RECORDS)
    assert verdict.findings == []
