"""deploy/compose.yaml and what its observers are configured with, without an engine."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from deploy.manifests.images import SERVICES, module, stages
from deploy.manifests.render import ROOT

COMPOSE = ROOT / "deploy" / "compose.yaml"
PROCESSES = ("migrate", *SERVICES, "projector")


def services() -> dict[str, dict[str, Any]]:
    """The containers by name, with YAML's anchors resolved."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def problems() -> Iterator[str]:
    """What does not fit together."""
    containers = services()
    for name in PROCESSES:
        if name not in containers:
            yield f"compose: {name} is missing"
            continue
        yield from _process(name, containers[name])
    for name, container in containers.items():
        if container["image"].rpartition(":")[2] in {"", "latest", container["image"]}:
            yield f"compose: {name} has no pinned version"
        for volume in container.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and not (COMPOSE.parent / source).exists():
                yield f"compose: {name} mounts {source}, which does not exist"
    yield from _scrapes(containers)
    yield from _collector(containers)


def _process(name: str, container: dict[str, Any]) -> Iterator[str]:
    service = container["build"]["args"]["SERVICE"]
    if service not in stages() or not container["image"].startswith(f"daybook-{service}:"):
        yield f"compose: {name} is built as {service} and named {container['image']}"
    if not container["env_file"][0].endswith(f"/env/{name}.env"):
        yield f"compose: {name} is given another's variables"
    (run,) = container.get("command", [module(service)])
    if not (ROOT / f"{run.replace('.', '/')}.py").exists():
        yield f"compose: {name} runs {run}, which does not exist"


def _scrapes(containers: dict[str, dict[str, Any]]) -> Iterator[str]:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yaml").read_text())
    jobs = {job["job_name"]: job["static_configs"][0]["targets"][0] for job in config["scrape_configs"]}
    for job in {*SERVICES, "projector"}:
        if jobs.get(job) != f"{job}:8000":
            yield f"prometheus.yaml: {job} is not scraped at {job}:8000"
    for job, target in jobs.items():
        if target.split(":")[0] not in containers:
            yield f"prometheus.yaml: {job} is scraped at {target}, which is no container"


def _collector(containers: dict[str, dict[str, Any]]) -> Iterator[str]:
    config = yaml.safe_load((ROOT / "deploy/otel-collector/config.yaml").read_text())
    for name, pipeline in config["service"]["pipelines"].items():
        for part in ("receivers", "processors", "exporters"):
            for one in pipeline[part]:
                if one not in config[part]:
                    yield f"otel-collector: pipeline {name} names {one}, which is not among the {part}"
    host, port = config["exporters"]["otlp/tempo"]["endpoint"].split(":")
    tempo = yaml.safe_load((ROOT / "deploy/tempo/tempo.yaml").read_text())
    if host not in containers or f":{port}" not in json.dumps(tempo["distributor"]["receivers"]["otlp"]):
        yield "otel-collector: hands spans to where Tempo does not listen"
