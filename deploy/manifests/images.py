"""deploy/Dockerfile without an engine: hadolint's rules, and that all it copies exists and may be copied."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy.manifests.render import ROOT, tool

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
SERVICES = ("ingest", "media", "scoring", "licensing", "diary")

_COPY = re.compile(r"^COPY (?!--from)(.+) (\S+)$", re.MULTILINE)
_STAGE = re.compile(r"^FROM \S+ AS (\w+)$", re.MULTILINE)


def stages() -> dict[str, str]:
    """The text of each named stage."""
    parts = _STAGE.split(DOCKERFILE.read_text())
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def copied(service: str, stage: str | None = None) -> list[str]:
    """The paths of the tree that a stage (all of them) copies for a service."""
    text = stages()[stage] if stage else DOCKERFILE.read_text()
    sources = [source for match in _COPY.finditer(text) for source in match[1].split()]
    return [source.replace("${SERVICE}", service) for source in sources]


def module(service: str) -> str:
    """The module that a service's image runs."""
    found = re.search(r'CMD \["([\w.]+)"\]', stages()[service])
    if not found:
        raise ValueError(f"the stage {service} has no command")
    return found[1]


def problems() -> Iterator[str]:
    """What is wrong with the recipe."""
    yield from _hadolint()
    for service in SERVICES:
        for path in copied(service):
            if not (ROOT / path).exists():
                yield f"Dockerfile: {path} does not exist"
            elif not _sent(path):
                yield f"Dockerfile: .dockerignore keeps {path} from the builder"
        if not (ROOT / Path(*module(service).split("."))).with_suffix(".py").exists():
            yield f"Dockerfile: {service} runs {module(service)}, which does not exist"


def _hadolint() -> Iterator[str]:
    hadolint = tool("hadolint")
    if hadolint is None:
        yield "NOT CHECKED: hadolint is missing, see `make setup`"
        return
    done = subprocess.run([hadolint, "--no-color", str(DOCKERFILE)], capture_output=True, text=True, check=False)
    yield from done.stdout.splitlines()


def _sent(path: str) -> bool:
    """Whether .dockerignore's exceptions take the path in; it excludes everything first."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    allowed = [line[1:] for line in lines if line.startswith("!")]
    return lines[0] == "*" and any(path == one or path.startswith(f"{one}/") for one in allowed)
