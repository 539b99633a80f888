"""Every document against its schema: Kubernetes' own strictly, KEDA's and the Prometheus operator's by their models."""

import importlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import kubernetes_validate
import kubernetes_validate.utils
from pydantic import BaseModel, ValidationError

from deploy.manifests.render import Document, title

#: The oldest version the manifests are for (preStop sleep, matchLabelKeys) and the newest one the schemas know.
VERSIONS = ("1.32.0", "1.37.0")

_CUSTOM = {
    ("keda.sh/v1alpha1", "ScaledObject"): "cloudcoil.models.keda.v1alpha1",
    ("monitoring.coreos.com/v1", "ServiceMonitor"): "cloudcoil.models.prometheus_operator.v1",
    ("monitoring.coreos.com/v1", "PrometheusRule"): "cloudcoil.models.prometheus_operator.v1",
}

# It reads two megabytes of definitions for every document; once is enough.
kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)


def _model(document: Document) -> type[BaseModel] | None:
    """The model of a custom resource. Imported when one is met: the operator's models take seconds."""
    module = _CUSTOM.get((document["apiVersion"], document["kind"]))
    if module is None:
        return None
    model: type[BaseModel] = getattr(importlib.import_module(module), document["kind"])
    return model


def problems(document: Document) -> Iterator[str]:
    """What the document's schema does not allow, unknown keys included."""
    if model := _model(document):
        yield from _custom(document, model)
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except Exception as error:
            yield f"{title(document)}: not valid in Kubernetes {version}: {error}"


def _custom(document: Document, model: type[BaseModel]) -> Iterator[str]:
    try:
        known = model.model_validate(document)
    except ValidationError as error:
        yield f"{title(document)}: {error}"
        return
    # The models let unknown keys pass, so what they did not take up is looked for.
    dumped = known.model_dump(by_alias=True, exclude_unset=True)
    for path in _missing(document, dumped, ""):
        yield f"{title(document)}: unknown key {path}"


def _missing(given: Any, taken: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(taken, dict):
        for key, value in given.items():
            if key in taken:
                yield from _missing(value, taken[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(given, list) and isinstance(taken, list):
        for index, (one, other) in enumerate(zip(given, taken, strict=False)):
            yield from _missing(one, other, f"{path}[{index}]")
