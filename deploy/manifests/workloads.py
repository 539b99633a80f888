"""The house's own rules for what runs: each a sentence of docs/operating.md that would otherwise be a hope."""

import tomllib
from collections.abc import Iterator, Sequence

from deploy.local.bus_config import ACCOUNT
from deploy.manifests.render import ROOT, Document, of_kind, pod_labels, pod_spec, selects, title, workloads
from services.wire.subjects import STREAMS

_PROBES = {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/livez"}


def problems(documents: Sequence[Document]) -> Iterator[str]:
    """What a rendered kustomization lacks."""
    for workload, container in workloads(documents):
        for problem in (*_pod(workload), *_container(container)):
            yield f"{title(workload)}: {problem}"
    for deployment in of_kind(documents, "Deployment"):
        for problem in (*_deployment(deployment), *_company(deployment, documents)):
            yield f"{title(deployment)}: {problem}"
    yield from _references(documents)
    yield from _network(documents)
    yield from _scalers(documents)


def _pod(workload: Document) -> Iterator[str]:
    spec = pod_spec(workload)
    context = spec.get("securityContext") or {}
    if spec.get("automountServiceAccountToken") is not False:
        yield "mounts a service account's token"
    if not context.get("runAsNonRoot") or (context.get("seccompProfile") or {}).get("type") != "RuntimeDefault":
        yield "may run as root, or without seccomp's default profile"
    if len(spec["containers"]) != 1 or any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield "has other containers than its own, or shares the host's namespaces"


def _container(container: Document) -> Iterator[str]:
    context = container.get("securityContext") or {}
    if context.get("allowPrivilegeEscalation") is not False or not context.get("readOnlyRootFilesystem"):
        yield "may gain privileges, or write to its image"
    if (context.get("capabilities") or {}).get("drop") != ["ALL"]:
        yield "keeps capabilities"
    resources = container.get("resources") or {}
    if set(resources.get("requests") or {}) != {"cpu", "memory"} or "memory" not in (resources.get("limits") or {}):
        yield "needs requests of cpu and memory, and a limit of memory"
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    if not container["image"].endswith(f":{version}"):
        yield f"its image is {container['image']}, not of version {version}"


def _deployment(deployment: Document) -> Iterator[str]:
    spec = pod_spec(deployment)
    container = spec["containers"][0]
    names = {port["name"] for port in container.get("ports") or []}
    for kind, path in _PROBES.items():
        probe = (container.get(kind) or {}).get("httpGet") or {}
        if probe.get("path") != path or probe.get("port") not in names:
            yield f"its {kind} must ask {path} on a named port"
    pause = (((container.get("lifecycle") or {}).get("preStop") or {}).get("sleep") or {}).get("seconds", 0)
    graceful = 8  # services.kit.settings: once for open requests, once for what the bus handed out
    if not pause or spec.get("terminationGracePeriodSeconds", 30) <= pause + 2 * graceful:
        yield "the grace period must exceed preStop and twice the graceful seconds"
    if not spec.get("topologySpreadConstraints"):
        yield "its replicas may all sit on one node"


def _company(deployment: Document, documents: Sequence[Document]) -> Iterator[str]:
    """What stands beside a Deployment: a budget, a Service, one thing that sets its replicas."""
    labels, name = pod_labels(deployment), deployment["metadata"]["name"]
    budgets = [one for one in of_kind(documents, "PodDisruptionBudget") if selects(one["spec"]["selector"], labels)]
    if len(budgets) != 1 or budgets[0]["spec"].get("maxUnavailable") != 1:
        yield "needs one disruption budget that lets one replica go at a time"
    services = [
        one
        for one in of_kind(documents, "Service")
        if one["spec"].get("selector") and selects({"matchLabels": one["spec"]["selector"]}, labels)
    ]
    if len(services) != 1:
        yield f"{len(services)} Services select it, not one"
    scalers = [
        one
        for one in of_kind(documents, "HorizontalPodAutoscaler", "ScaledObject")
        if one["spec"]["scaleTargetRef"]["name"] == name
    ]
    if len(scalers) + ("replicas" in deployment["spec"]) != 1:
        yield "its replicas are set by nothing, or by two"


def _references(documents: Sequence[Document]) -> Iterator[str]:
    accounts = {one["metadata"]["name"] for one in of_kind(documents, "ServiceAccount")}
    deployments = {one["metadata"]["name"] for one in of_kind(documents, "Deployment")}
    services = {one["metadata"]["name"] for one in of_kind(documents, "Service")}
    for workload, _ in workloads(documents):
        if pod_spec(workload).get("serviceAccountName") not in accounts:
            yield f"{title(workload)}: has no service account of its own"
    for scaler in of_kind(documents, "HorizontalPodAutoscaler", "ScaledObject"):
        if scaler["spec"]["scaleTargetRef"]["name"] not in deployments:
            yield f"{title(scaler)}: scales nothing that exists"
    for ingress in of_kind(documents, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                if path["backend"]["service"]["name"] not in services:
                    yield f"{title(ingress)}: {path['path']} leads nowhere"
    if of_kind(documents, "Secret"):
        yield "a Secret is in the manifests: they are the operator's to make"


def _network(documents: Sequence[Document]) -> Iterator[str]:
    policies = of_kind(documents, "NetworkPolicy")
    if not any(one["spec"]["podSelector"] == {} and not one["spec"].get("egress") for one in policies):
        yield "no NetworkPolicy denies everything by default"
    yield from _licensing_reaches_out(policies)
    for policy in policies:
        if not any(
            selects(policy["spec"]["podSelector"], pod_labels(workload)) for workload, _ in workloads(documents)
        ):
            yield f"{title(policy)}: is for no pod"


def _licensing_reaches_out(policies: Sequence[Document]) -> Iterator[str]:
    """Its mails go to a mail server, and whoever signs in elsewhere is asked after there (W-01)."""
    labels = {"app.kubernetes.io/name": "licensing", "app.kubernetes.io/part-of": "daybook"}
    mine = [one["spec"] for one in policies if selects(one["spec"]["podSelector"], labels)]
    open_to_all = {
        port["port"]
        for spec in mine
        for rule in spec.get("egress") or []
        for port in rule.get("ports") or []
        if any((to.get("ipBlock") or {}).get("cidr") == "0.0.0.0/0" for to in rule.get("to") or [])
    }
    if missing := {443, 465, 587} - open_to_all:
        yield f"no NetworkPolicy lets licensing out to ports {sorted(missing)}: no mail, or no single sign-on"


def _scalers(documents: Sequence[Document]) -> Iterator[str]:
    durables = {(stream.name, durable.name) for stream in STREAMS for durable in stream.durables}
    for scaler in of_kind(documents, "ScaledObject"):
        for trigger in scaler["spec"]["triggers"]:
            given = trigger["metadata"]
            if (given["stream"], given["consumer"]) not in durables or given["account"] != ACCOUNT:
                yield f"{title(scaler)}: no such consumer: it would scale to the maximum"
            if not all(isinstance(value, str) for value in given.values()):
                yield f"{title(scaler)}: KEDA takes its metadata as strings"
            if "-headless." not in given["natsServerMonitoringEndpoint"]:
                yield f"{title(scaler)}: only the headless Service has the monitoring port"
