"""What a test run has time for, and what is tried when there is more.

``make test-long`` and ``make hostile`` set ``DAYBOOK_TESTS=long``: then every combination is tried. Otherwise it is a
selection in which every part of a combination occurs (each page, each width), so that the suite stays under ten minutes
on two cores.
"""

import os
from typing import TypeVar

Some = TypeVar("Some")
LONG = os.environ.get("DAYBOOK_TESTS") == "long"


def unless_long(short: Some, whole: Some) -> Some:
    """``short`` in an ordinary test run, ``whole`` in a long one."""
    return whole if LONG else short
