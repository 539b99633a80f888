"""What the agent reads of a policy is what the plain words say it obeys (G-01, T-02 to T-11, T-15)."""

import pytest

from services.licensing.policies import Policy
from services.wire import words
from tests.agent.life import entitled
from tests.wire.test_words import ALL_ON, OTHERS, turned

PLAIN = Policy().model_dump()


@pytest.mark.parametrize("switch", OTHERS)
def test_every_switch_is_obeyed_or_said_not_to_be(switch: str) -> None:
    """A switch that the agent learns to obey goes out of ``words.NOT_YET``, and one that it forgets comes in."""
    read = [
        entitled(mode=mode, **policy).policy
        for mode in words.MODES
        for policy in (ALL_ON, turned(ALL_ON, switch, OTHERS[switch]), PLAIN, turned(PLAIN, switch, OTHERS[switch]))
    ]
    obeyed = any(read[at] != read[at + 1] for at in range(0, len(read), 2))
    assert obeyed == (switch not in words.NOT_YET | words.ELSEWHERE)
