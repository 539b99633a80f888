"""The OpenAPI document, true to what goes out: the model of every answer, problem documents, and how to sign in (V-04).

Routes answer bytes and not models, so the document is told here what they are; a test fails where a route is missing,
and others hold the answers of the whole API against it.
"""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.diary.api import API, shapes, shapes_accounts, shapes_audit, shapes_devices, shapes_licensing
from services.wire.requests import Collection

_JSON, _PROBLEM = "application/json", "application/problem+json"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Schema = dict[str, Any]

_ROWS: dict[Collection, type[BaseModel]] = {
    "workspaces": shapes_licensing.Workspace,
    "members": shapes_licensing.Member,
    "teams": shapes_licensing.Team,
    "clients": shapes_licensing.Client,
    "contracts": shapes_licensing.Contract,
    "licences": shapes_licensing.Licence,
    "policies": shapes_licensing.PolicyRow,
    "profiles": shapes_licensing.Profile,
    "devices": shapes_devices.Device,
    "mails": shapes_licensing.Mail,
    "tokens": shapes_accounts.Token,
    "imports": shapes_licensing.Import,
    "notices": shapes_licensing.Notice,
}
#: what a route answers; ``[Model]`` is a list of it, a text a type that is not JSON
Answer = type[BaseModel] | list[type[BaseModel]] | tuple[str, ...]
_ANSWERS: dict[str, Answer] = {
    "GET /diary/{member}/days/{date}": shapes.Day,
    "GET /diary/{member}/table": ("text/csv", _XLSX),
    "PATCH /diary/{member}/segments": shapes.Noted,
    "DELETE /diary/{member}/segments/{segment_id}": shapes.Removed,
    "POST /diary/{member}/removals": shapes.Removed,
    "POST /diary/{member}/manual-time": shapes.EnteredTime,
    "GET /diary/{member}/manual-time": [shapes.ManualTime],
    "DELETE /diary/{member}/manual-time/{id}": shapes.Removed,
    "GET /diary/{member}/edits": [shapes.Edit],
    "GET /operations/{id}": shapes.Operation,
    "GET /captures/{id}/picture": ("image/webp",),
    "GET /captures/{id}/thumbnail": ("image/webp",),
    "DELETE /captures/{id}": shapes.Removed,
    "POST /captures/removals": shapes.Removed,
    "POST /captures/blur": shapes.Blurred,
    "GET /scores": shapes.Scores,
    "GET /events": ("text/event-stream",),
    "GET /timesheets": [shapes.Timesheet],
    "GET /timesheets/{contract}/{week}": shapes.TimesheetWhole,
    "POST /timesheets/{contract}/{week}/submission": shapes.TimesheetWhole,
    "POST /timesheets/{contract}/{week}/approval": shapes.TimesheetWhole,
    "POST /timesheets/{contract}/{week}/rejection": shapes.TimesheetWhole,
    "GET /timesheets/{contract}/{week}/statement": (
        *("application/zip", "text/html", "application/pdf", "text/csv", _XLSX, _JSON),
    ),
    "GET /keys": shapes_accounts.Keys,
    "GET /me": shapes_accounts.Me,
    "PATCH /me": shapes_licensing.Member,
    "PUT /me/password": shapes_accounts.Renewed,
    "GET /me/two-factor": shapes_accounts.TwoFactor,
    "POST /me/two-factor": shapes_accounts.Secret,
    "POST /me/two-factor/confirm": shapes_accounts.Recovery,
    "POST /me/two-factor/off": shapes_accounts.Renewed,
    "GET /me/workspaces": [shapes_accounts.Place],
    "GET /workspaces/{id}/export": ("application/zip",),
    "GET /workspaces/{id}/deletion": shapes_accounts.DeletionOffer,
    "POST /workspaces/{id}/deletion": shapes_accounts.Deleted,
    "GET /sessions": [shapes_accounts.Session],
    "POST /sessions": shapes_accounts.SignedIn,
    "POST /sessions/end-all": shapes_accounts.Ended,
    "POST /sessions/workspace": shapes_accounts.SignedIn,
    "POST /activations": shapes_devices.Activated,
    "POST /sign-ups": shapes.Empty,
    "POST /sign-ups/verify": shapes_accounts.Joined,
    "POST /invitations/read": shapes_accounts.Invitation,
    "POST /invitations/accept": shapes_accounts.Joined,
    "POST /password-resets": shapes.Empty,
    "POST /imports": shapes_licensing.Import,
    "GET /members.csv": ("text/csv",),
    "GET /devices/{id}/sync": shapes_devices.Sync,
    "GET /devices/{id}/contact": shapes_devices.Contact,
    "GET /devices/{id}/quarantine": [shapes_devices.Held],
    "POST /devices/{id}/releases": shapes_devices.Released,
    "GET /licences/{id}/file": shapes_devices.LicenceFile,
    "GET /policies/{id}/versions": [shapes_licensing.PolicyVersion],
    "GET /contracts/{id}/versions": [shapes_licensing.ContractVersion],
    "GET /audit": shapes_audit.AuditPage,
    "GET /audit.csv": ("text/csv",),
    "GET /audit/check": shapes_audit.AuditCheck,
}
#: what changes very many segments may answer 202
_LONG = ("PATCH /diary/{member}/segments", "POST /diary/{member}/removals")
#: what is asked before anybody is signed in
_OPEN = frozenset(
    (
        *("POST /sessions", "POST /activations", "POST /sign-ups", "POST /sign-ups/verify"),
        *("POST /invitations/read", "POST /invitations/accept"),
        *("POST /password-resets", "POST /password-resets/confirm"),
    )
)


def describe(app: FastAPI) -> None:
    """Has the application answer this document for its own."""
    plain = app.openapi

    def openapi() -> Schema:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def answer_of(method: str, path: str) -> Answer | None:
    """What a route answers, by its path as the document names it; None where that is nothing, or nobody knows."""
    found = _ANSWERS.get(f"{method} {path.removeprefix(API)}")
    for collection, row in _ROWS.items() if found is None else ():
        if path == f"{API}/{collection}":
            return [row] if method == "GET" else row
        if path == f"{API}/{collection}/{{id}}":
            return row
    return found


def _completed(document: Schema) -> Schema:
    models: dict[type[BaseModel], None] = {shapes.Problem: None, shapes.Begun: None}
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            _complete(path, verb.upper(), operation, models)
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    document["components"] = {
        "schemas": dict(sorted(definitions.get("$defs", {}).items())),
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer", "description": "a session's, or a personal API token"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "daybook_session"},
        },
    }
    document["security"] = [{"token": []}, {"cookie": []}]
    return document


def _complete(path: str, method: str, operation: Schema, models: dict[type[BaseModel], None]) -> None:
    responses, route = operation["responses"], f"{method} {path.removeprefix(API)}"
    [status] = [one for one in responses if one.startswith("2")]
    if (found := answer_of(method, path)) is not None:
        responses[status]["content"] = _content(found, models)
    if route in _LONG:
        responses["202"] = {"description": "It goes on behind the answer (S-12)", "content": _json(shapes.Begun)}
    responses.pop("422", None)
    responses["default"] = {
        "description": "A problem document that says what to do",
        "content": {_PROBLEM: {"schema": _ref(shapes.Problem)}},
    }
    if route in _OPEN:
        operation["security"] = []


def _content(found: Answer, models: dict[type[BaseModel], None]) -> Schema:
    if isinstance(found, tuple):
        return {kind: {"schema": {} if kind == _JSON else {"type": "string"}} for kind in found}
    row = found[0] if isinstance(found, list) else found
    models[row] = None
    return _listed(row) if isinstance(found, list) else _json(row)


def _json(model: type[BaseModel]) -> Schema:
    return {_JSON: {"schema": _ref(model)}}


def _ref(model: type[BaseModel]) -> Schema:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _listed(row: type[BaseModel]) -> Schema:
    schema = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": _ref(row)},
            "next": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["items", "next"],
        "additionalProperties": False,
    }
    return {_JSON: {"schema": schema}}
