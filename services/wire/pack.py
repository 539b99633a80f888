"""``python -m services.wire.pack OUT``: the checker of statements as one file, ``verify.pyz``.

It runs on any computer with Python and PyNaCl: ``python verify.pyz STATEMENT``. The same sources give the same bytes.
"""

import argparse
import io
import zipfile
from functools import cache
from pathlib import Path

MODULES = (
    *("verify", "statements", "reckoning", "seals", "merkle", "edits", "billing", "segments", "slots"),
    *("proof", "strict_json"),
)
"""Of ``services.wire``: what the checker is made of, and nothing else."""
_START = b"""import sys
try:
    from services.wire.verify import main
except ModuleNotFoundError as error:
    print(f"{error}: signatures are checked by PyNaCl; python -m pip install pynacl", file=sys.stderr)
    sys.exit(2)
sys.exit(main())
"""
_HEAD = b"#!/usr/bin/env python3\n"


@cache
def pack() -> bytes:
    """The bytes of ``verify.pyz``."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry("__main__.py"), _START)
        for folder in ("services", "services/wire"):
            archive.writestr(_entry(f"{folder}/__init__.py"), b"")  # what is imported from a zip needs them
        for name in sorted(MODULES):
            archive.writestr(_entry(f"services/wire/{name}.py"), Path(__file__).with_name(f"{name}.py").read_bytes())
    return _HEAD + packed.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980: its bytes must not hang on when it was packed
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes verify.pyz, the program that checks statements.")
    parser.add_argument("out", type=Path)
    parser.parse_args().out.write_bytes(pack())
