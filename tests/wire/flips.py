"""Every single-bit change of a statement, one after another: ``python -m tests.wire.flips`` tries them all."""

import sys
from collections.abc import Iterable, Iterator

from services.wire.proof import ProofError
from services.wire.statements import Bundle, check_bundle, read_bundle, write_bundle
from tests.wire.bundles import small

MASKS = (1, 2, 4, 8, 16, 32, 64, 128)


def undetected(text: bytes, places: Iterable[int], masks: Iterable[int] = MASKS) -> Iterator[tuple[int, int]]:
    """The (place, mask) of changes that are taken for the same statement though they say something else."""
    meant = read_bundle(text)
    for place in places:
        for mask in masks:
            changed = text[:place] + bytes([text[place] ^ mask]) + text[place + 1 :]
            if (found := _taken(changed)) is not None and found != meant:
                yield place, mask


def _taken(text: bytes) -> Bundle | None:
    """What a text is taken for; None where it is refused."""
    try:
        bundle = read_bundle(text)
        check_bundle(bundle)
    except (ProofError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return None
    return bundle


def main() -> int:
    """The command."""
    text = write_bundle(small()).encode()
    found = list(undetected(text, range(len(text))))
    print(f"{len(text) * len(MASKS)} changes of {len(text)} bytes, {len(found)} of them not found {found[:10]}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
