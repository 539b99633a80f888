"""The gate holds, and turns red for what it is there to find."""

import copy
from collections.abc import Callable

import pytest

from deploy.manifests import compose, images, schemas, variables, watching, workloads
from deploy.manifests.render import K8S, Document, of_kind, pod_spec, render, tool
from services.wire.subjects import STREAMS


def _problems(documents: list[Document]) -> list[str]:
    return [*workloads.problems(documents), *variables.problems(documents)]


def test_base_and_overlays_keep_the_rules(small: list[Document], large: list[Document]) -> None:
    assert _problems(render(K8S / "base")) == []
    assert _problems(small) == []
    assert _problems(large) == []


def test_every_document_fits_its_schema(large: list[Document]) -> None:
    """Kubernetes' own strictly, KEDA's and the Prometheus operator's with unknown keys found."""
    assert [problem for document in large for problem in schemas.problems(document)] == []


def test_images_and_compose_fit_the_tree() -> None:
    assert [*images.problems(), *compose.problems()] == []


def test_rules_and_dashboards_name_what_exists() -> None:
    found = [*watching.problems()]
    if tool("promtool") is None:
        found = [problem for problem in found if not problem.startswith("NOT CHECKED")]
        assert found == []
        pytest.skip("promtool is missing: PromQL and the rules' own tests were not run")
    assert found == []


def _container(documents: list[Document], name: str) -> Document:
    (deployment,) = (one for one in of_kind(documents, "Deployment") if one["metadata"]["name"] == name)
    container: Document = pod_spec(deployment)["containers"][0]
    return container


def _named(documents: list[Document], kind: str, name: str) -> Document:
    return next(one for one in of_kind(documents, kind) if one["metadata"]["name"] == name)


def _drop(documents: list[Document], kind: str, name: str) -> None:
    documents.remove(_named(documents, kind, name))


#: A defect, and a word of the sentence that names it.
DEFECTS: dict[str, tuple[Callable[[list[Document]], object], str]] = {
    "no liveness probe": (lambda all_: _container(all_, "media").pop("livenessProbe"), "livenessProbe"),
    "no way out for mails": (lambda all_: _drop(all_, "NetworkPolicy", "outside"), "no mail"),
    "a probe on another port": (
        lambda all_: _container(all_, "diary")["readinessProbe"]["httpGet"].update(port="web"),
        "readinessProbe",
    ),
    "a root file system that can be written": (
        lambda all_: _container(all_, "ingest")["securityContext"].update(readOnlyRootFilesystem=False),
        "write to its image",
    ),
    "capabilities": (lambda all_: _container(all_, "ingest")["securityContext"].pop("capabilities"), "capabilities"),
    "no memory limit": (lambda all_: _container(all_, "scoring")["resources"].pop("limits"), "limit of memory"),
    "latest": (lambda all_: _container(all_, "diary").update(image="daybook-diary:latest"), "not of version"),
    "too short a grace": (
        lambda all_: pod_spec(_named(all_, "Deployment", "ingest")).update(terminationGracePeriodSeconds=20),
        "grace period",
    ),
    "no budget": (lambda all_: _drop(all_, "PodDisruptionBudget", "diary"), "disruption budget"),
    "two scalers": (
        lambda all_: _named(all_, "Deployment", "ingest")["spec"].update(replicas=3),
        "set by nothing, or by two",
    ),
    "an open network": (lambda all_: _drop(all_, "NetworkPolicy", "deny-all"), "denies everything"),
    "no such consumer": (
        lambda all_: _named(all_, "ScaledObject", "ingest")["spec"]["triggers"][0]["metadata"].update(consumer="x"),
        "no such consumer",
    ),
    "a threshold that is a number": (
        lambda all_: _named(all_, "ScaledObject", "ingest")["spec"]["triggers"][0]["metadata"].update(lagThreshold=5),
        "as strings",
    ),
    "a variable nobody reads": (
        lambda all_: _container(all_, "ingest")["env"].append({"name": "DAYBOOK_NOTICE_SED", "value": "x"}),
        "DAYBOOK_NOTICE_SED is no setting",
    ),
    "a variable that is missing": (
        lambda all_: _container(all_, "ingest").update(env=[]),
        "DAYBOOK_NOTICE_SEED is needed",
    ),
    "a secret nobody told of": (
        lambda all_: _container(all_, "ingest")["env"][0]["valueFrom"]["secretKeyRef"].update(name="daybook-other"),
        "not in docs/operating.md",
    ),
    "a committed secret": (
        lambda all_: all_.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}),
        "operator's to make",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_seeded_defect_turns_it_red(defect: str, large: list[Document]) -> None:
    documents = copy.deepcopy(large)
    seed, word = DEFECTS[defect]
    seed(documents)
    assert any(word in problem for problem in _problems(documents)), _problems(documents)


def test_unknown_keys_are_found(large: list[Document]) -> None:
    """The models of custom resources let them pass; the gate does not."""
    scaler = copy.deepcopy(_named(large, "ScaledObject", "ingest"))
    scaler["spec"]["minReplicas"] = 2
    assert any("minReplicas" in problem for problem in schemas.problems(scaler))
    service = copy.deepcopy(_named(large, "Service", "diary"))
    service["spec"]["ports"][0]["targetport"] = "http"
    assert any("targetport" in problem for problem in schemas.problems(service))


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ('sum by (stage) (rate(daybook_nothing_total{stage="x"}[5m]))', [("daybook_nothing_total", {"stage"})]),
        ("max(up) > 0 and on (job) a_metric", [("up", set()), ("a_metric", set())]),
        ('absent(up{job="x"} == 1) or b_total', [("up", {"job"}), ("b_total", set())]),
    ],
)
def test_the_metrics_of_an_expression_are_found(expression: str, metrics: list[tuple[str, set[str]]]) -> None:
    assert [*watching.used(expression)] == metrics


def test_the_alert_on_a_filling_bus_knows_its_size() -> None:
    """BusFilling fires at four fifths of what SEGMENTS may hold."""
    (segments,) = (stream for stream in STREAMS if stream.name == "SEGMENTS")
    assert f"> {segments.max_bytes * 4 // 5 // 1024**3} * 1024 ^ 3" in watching.expressions()["rule BusFilling"]
