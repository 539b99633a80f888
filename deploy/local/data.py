"""A data folder: one stack at a time, with the ports it was given once."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import ports
from deploy.local.files import read, write_private


class DataError(RuntimeError):
    """The folder or a port cannot be used; the message says what to do."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; DataError names the process that has it, or what is wrong with the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise DataError(
            f"The data folder {folder} cannot be used: {error.strerror}. Choose another with --data."
        ) from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise DataError(
                f"The data folder {folder} is in use by another stack (process {file.read().strip()}). "
                "Stop it, or choose another folder with --data."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


class Ports:
    """The ports of one data folder, chosen when first needed and kept in ``ports.json``."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ports.json"
        self._kept: dict[str, int] = read(self._path) or {}

    def of(self, *names: str) -> dict[str, int]:
        """The ports of these names; DataError when one that was kept is taken by another program."""
        missing = [name for name in names if name not in self._kept]
        known = {self._kept[name]: name for name in names if name in self._kept}
        if taken := ports.claim(known):
            raise DataError(
                f"Port {taken}, which this data folder keeps for {known[taken]}, is in use by another program. "
                f"Stop that program, or remove {self._path} to have new ports chosen."
            )
        if missing:
            chosen = ports.free_ports(len(missing), but=self._kept.values())
            self._kept |= dict(zip(missing, chosen, strict=True))
            write_private(self._path, self._kept)
        return {name: self._kept[name] for name in names}

    def web(self, wanted: int) -> int:
        """The port of the pages: the one asked for, or with 0 the one kept."""
        if not wanted:
            return self.of("web")["web"]
        if not ports.is_free(wanted):
            raise DataError(
                f"Port {wanted} is in use by another program. Stop it, or choose another with --port (0: any free one)."
            )
        return wanted
