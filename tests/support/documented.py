"""Holds every answer of the API against what the OpenAPI document says of it (V-04): a hook for the tests' clients."""

import json
import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from services.diary.web import web

_STREAM = "text/event-stream"


async def hold(response: httpx.Response) -> None:
    """Reads an answer of the API whole and holds it; a stream is left alone."""
    path = response.request.url.path
    if path.startswith("/api/v1/") and not path.endswith("/openapi.json"):
        if not response.headers.get("content-type", "").startswith(_STREAM):
            await response.aread()
        disagreement = disagrees(response)
        assert disagreement is None, disagreement


def disagrees(response: httpx.Response) -> str | None:
    """What the document says otherwise of an answer; None where they agree. Routes that are none are passed over."""
    method, path = response.request.method, response.request.url.path
    kind = response.headers.get("content-type", "").partition(";")[0]
    said = _operation("GET" if method == "HEAD" else method, path)
    if said is None or kind == _STREAM:
        return None
    here = f"{method} {path}: {response.status_code} {kind}"
    status = str(response.status_code)
    if status not in said and response.is_success:
        return f"{here} is no answer of it: {', '.join(said)}"
    content = said.get(status, said["default"]).get("content", {})
    if not response.content:
        return None if method == "HEAD" or not content else f"{here} is empty"
    if kind not in content:
        return f"{here} is not among {', '.join(content)}"
    if kind.endswith("json") and content[kind] is not None:
        for error in content[kind].iter_errors(response.json()):
            return f"{here}: {'/'.join(map(str, error.instance_path))}: {error.message}"
    return None


@cache
def document() -> dict[str, Any]:
    """The document as an application without anything behind it makes it."""
    nothing: Any = None
    return web(nothing, nothing).openapi()


@cache
def _operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    found = []
    # what has fewer names in it goes first: /captures/removals before /captures/{id}
    for path, verbs in sorted(document()["paths"].items(), key=lambda one: one[0].count("{")):
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        found += [(verb.upper(), pattern, operation["responses"]) for verb, operation in verbs.items()]
    return found


@cache
def _operation(method: str, path: str) -> dict[str, Any] | None:
    for verb, pattern, responses in _operations():
        if verb == method and pattern.fullmatch(path):
            return {status: {"content": _validators(said)} for status, said in responses.items()}
    return None


def _validators(said: dict[str, Any]) -> dict[str, Any]:
    return {kind: _validator(json.dumps(one["schema"])) for kind, one in said.get("content", {}).items()}


@cache
def _validator(schema: str) -> Any:
    """The validator of a schema, by its text, for many routes share one; None where it says nothing."""
    parts = json.loads(schema)
    return jsonschema_rs.validator_for({**parts, "components": document()["components"]}) if parts else None
