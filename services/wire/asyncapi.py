"""``python -m services.wire.asyncapi > docs/asyncapi.json``: the bus as an AsyncAPI 3.0 document, from the models."""

import json
import sys
from typing import Any

from pydantic import BaseModel

from services.wire import accounts, deletion, events, imports, requests, sign_on, subjects

_DEVICE = {"workspace": "id of the workspace", "device": "id of the device"}
_MEMBER = {"workspace": "id of the workspace", "member": "id of the member, or - where a fact is about none"}

_OTHERS: dict[str, tuple[str, type[BaseModel], dict[str, str]]] = {
    "segments.closed": ("segments.closed.{workspace}.{device}", events.Envelope, _DEVICE),
    "presence": ("presence.{workspace}.{device}", events.Presence, _DEVICE),
    "receipts": ("receipts.{workspace}.{device}", events.Receipt, _DEVICE),
    "diary.changed": ("diary.changed.{workspace}.{member}", events.DiaryChanged, _MEMBER),
}

_REQUESTS: dict[str, type[BaseModel]] = {
    "licensing.sign_in": requests.SignIn,
    "licensing.sign_out": requests.SignOut,
    "licensing.session": requests.SessionOf,
    "licensing.token": requests.TokenOf,
    "licensing.sign_up": accounts.SignUp,
    "licensing.verify": accounts.Verify,
    "licensing.forgot_password": accounts.ForgotPassword,
    "licensing.reset_password": accounts.ResetPassword,
    "licensing.change_password": accounts.ChangePassword,
    "licensing.sign_on_ways": sign_on.Ways,
    "licensing.sign_on_begin": sign_on.Begin,
    "licensing.sign_on_finish": sign_on.Finish,
    "licensing.change_profile": accounts.ChangeProfile,
    "licensing.two_factor": accounts.AccountOf,
    "licensing.two_factor_begin": accounts.TwoFactorBegin,
    "licensing.two_factor_confirm": accounts.TwoFactorConfirm,
    "licensing.two_factor_off": accounts.TwoFactorOff,
    "licensing.sessions": accounts.AccountOf,
    "licensing.end_sessions": accounts.EndSessions,
    "licensing.workspaces": accounts.AccountOf,
    "licensing.switch_workspace": accounts.SwitchWorkspace,
    "licensing.read_invitation": accounts.ReadInvitation,
    "licensing.accept_invitation": accounts.AcceptInvitation,
    "licensing.deletion": deletion.DeletionOf,
    "licensing.note_export": deletion.NoteExport,
    "licensing.delete_workspace": deletion.DeleteWorkspace,
    "licensing.import_members": imports.ImportMembers,
    "licensing.policy_versions": requests.PolicyVersionsOf,
    "licensing.contract_versions": requests.ContractVersionsOf,
    "licensing.audit": requests.AuditOf,
    "licensing.audit_check": requests.AuditOf,
    "licensing.tell": requests.Tell,
    "licensing.activate": requests.Activate,
    "licensing.licence_file": requests.LicenceFileOf,
    "licensing.doubt": requests.Doubt,
    "licensing.grant": requests.GrantOf,
    "licensing.keys": requests.KeysOf,
    "licensing.read": requests.Read,
    "licensing.create": requests.Create,
    "licensing.change": requests.Change,
    "media.picture": requests.PictureOf,
    "ingest.records": requests.RecordsOf,
    "ingest.sync": requests.SyncOf,
    "ingest.quarantine": requests.QuarantineOf,
    "ingest.release": requests.Release,
    "scoring.scores": requests.ScoresOf,
}


def document() -> dict[str, Any]:
    """The whole document; its schemas are those of the pydantic models."""
    channels: dict[str, Any] = {}
    schemas: dict[str, Any] = {}

    def add(name: str, address: str, model: type[BaseModel], parameters: dict[str, str]) -> None:
        schema = model.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
        channels[name] = {
            "address": address,
            "parameters": {key: {"description": text} for key, text in parameters.items()},
            "messages": {
                model.__name__: {
                    "summary": (model.__doc__ or "").strip().split("\n")[0],
                    "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
                }
            },
        }

    for name, (address, model, parameters) in _OTHERS.items():
        add(name, address, model, parameters)
    for kind, fact in events.FACTS.items():
        add(kind, f"{kind}.{{workspace}}.{{member}}", fact, _MEMBER)
    for verb, request in _REQUESTS.items():
        add(f"rpc.{verb}", f"rpc.{verb}", request, {})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Daybook's bus",
            "version": "1",
            "description": "Streams: " + ", ".join(stream.name for stream in subjects.STREAMS) + "; else core NATS.",
        },
        "channels": channels,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=1, ensure_ascii=False) + "\n")
