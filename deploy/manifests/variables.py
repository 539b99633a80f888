"""Every variable that a manifest sets exists in the settings of the process it is for, and none is missing."""

import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import get_type_hints

from deploy.manifests.render import ROOT, Document, environment, title, workloads
from services.kit.settings import Settings

#: Variables of libraries, not of ours.
FOREIGN = {"OTEL_EXPORTER_OTLP_ENDPOINT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}

_DOCUMENT = ROOT / "docs" / "operating.md"


@cache
def settings_of(module: str) -> type[Settings]:
    """The settings that ``python -m <module>`` takes: what its ``build`` wants, or the class it defines itself."""
    found = importlib.import_module(module)
    if hasattr(found, "build"):
        wanted: type[Settings] = get_type_hints(found.build)["settings"]
        return wanted
    classes = [one for _, one in inspect.getmembers(found, inspect.isclass) if issubclass(one, Settings)]
    return max(classes, key=lambda one: len(one.__mro__))


def names_of(settings: type[Settings]) -> dict[str, bool]:
    """Variable → whether it must be given."""
    return {f"DAYBOOK_{name.upper()}": field.is_required() for name, field in settings.model_fields.items()}


def module_of(container: Document) -> str:
    """The module of a command ``python -m <module>``; ValueError where it is another one."""
    python, flag, module = container["command"]
    if (python, flag) != ("python", "-m"):
        raise ValueError(f"the command is not python -m: {container['command']}")
    return str(module)


def problems(documents: Sequence[Document]) -> Iterator[str]:
    """Unknown, missing and undocumented variables of all containers."""
    settings: dict[str, dict[str, bool]] = {}
    for workload, container in workloads(documents):
        try:
            settings[title(workload)] = names_of(settings_of(module_of(container)))
        except ImportError as error:
            yield f"{title(workload)}: {error}"
    somewhere = FOREIGN.union(*settings.values())
    for workload, container in workloads(documents):
        if (known := settings.get(title(workload))) is None:
            continue
        given = environment(documents, container)
        own = {entry["name"] for entry in container.get("env") or []}
        for name in sorted(own - known.keys()):
            yield f"{title(workload)}: {name} is no setting of {module_of(container)}"
        for name in sorted(given.keys() - somewhere):
            yield f"{title(workload)}: {name} is no setting of any service"
        for name in sorted(name for name, required in known.items() if required and name not in given):
            yield f"{title(workload)}: {name} is needed and not given"
        for name, value in given.items():
            if isinstance(value, tuple) and not _documented(value[0], value[1]):
                yield f"{title(workload)}: secret {value[0]}, key {name}, is not in docs/operating.md"


@cache
def _secrets() -> dict[str, set[str]]:
    """Secret → keys, from the table rows ``| `daybook-…` | `KEY` `KEY` … |`` of docs/operating.md."""
    rows = re.findall(r"^\| `(daybook-[a-z]+)` \|(.*)$", _DOCUMENT.read_text(), re.MULTILINE)
    return {secret: set(re.findall(r"`(DAYBOOK_\w+)`", keys)) for secret, keys in rows}


def _documented(secret: str, key: str) -> bool:
    return key in _secrets().get(secret, set())
