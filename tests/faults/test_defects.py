"""The oracle itself: each seeded defect turns it red, and names it; the same scene without the defect is sound."""

import pytest

from tests.faults.defects import DEFECTS
from tests.faults.seeded import found, plant
from tests.faults.world import World

pytestmark = pytest.mark.timeout(200)


@pytest.mark.parametrize("name", sorted(DEFECTS, key=lambda name: (DEFECTS[str(name)].service, name)))
async def test_a_seeded_defect_is_found(name: str, world: World) -> None:
    verdict = await plant(world, name, "red", restore=False)
    assert found(name, verdict), verdict.findings


async def test_the_same_mishap_without_the_defect_is_sound(world: World) -> None:
    """What the others find is the defect, and not what brings it to light."""
    verdict = await plant(world, "reject_on_error", "green", defect=False)
    assert verdict.findings == []
