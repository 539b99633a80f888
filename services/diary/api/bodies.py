"""What comes in as a body: JSON of a stated size, read strictly, so that nothing but a 4xx can come of it."""

from typing import Any, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel

from services.kit.problems import Problem, invalid, not_found
from services.wire.collections import inlined
from services.wire.events import WHOLE, check, read_json
from services.wire.language import _
from services.wire.subjects import ID

MAX_BYTES = 256 * 1024
Model = TypeVar("Model", bound=BaseModel)


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request; 413, 415 or 422 where it is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "not-json", _("Send JSON."), _("The Content-Type must be application/json."))
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > MAX_BYTES:
            words = _("This is too large."), _("At most {number} bytes are taken.", number=MAX_BYTES)
            raise Problem(413, "too-large", *words)
    try:
        content = read_json(bytes(taken))
        orjson.dumps(content)  # what cannot be written again (lone surrogates, huge integers) goes no further
    except (ValueError, TypeError) as error:
        raise invalid(_("the body: JSON text in UTF-8 with integers, text, lists and objects")) from error
    if not isinstance(content, dict):
        raise invalid(_("the body: a JSON object"))
    return content


def take(model: type[Model], content: dict[str, Any]) -> Model:
    """The body as its model; 422 that names the field."""
    try:
        return check(model, content)
    except ValueError as error:
        where = str(error).split(":")[0].split(".")[0]
        raise invalid(str(error), **({} if where == WHOLE else {"field": where})) from error


def identifier(text: str, what: str) -> str:
    """An id out of a path; what cannot be one is as unknown as any other (404)."""
    if not ID.fullmatch(text):
        raise not_found(what)
    return text


def body_schema(model: type[BaseModel], leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The ``openapi_extra`` of a route that reads this model; ``leave_out`` are fields the edge adds by itself."""
    schema = model.model_json_schema()
    for name in leave_out:
        schema["properties"].pop(name, None)
        if name in schema.get("required", []):
            schema["required"].remove(name)
    return as_body(inlined(schema))


def as_body(schema: dict[str, Any]) -> dict[str, Any]:
    """The ``openapi_extra`` of a route whose body is JSON of this schema."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
