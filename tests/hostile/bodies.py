"""Bodies that would be taken, for every write of the API, so that one wrong field alone decides."""

from typing import Any

from services.licensing.collections import KINDS
from services.wire.requests import Collection
from tests.hostile.tenants import Tenant


def valid(collection: Collection, ours: Tenant) -> dict[str, Any]:
    """What ``POST /<collection>`` takes."""
    bodies: dict[str, dict[str, Any]] = {
        "workspaces": {"name": "Hostile"},
        "members": {"email": "hostile@example.test", "name": "Hostile"},
        "clients": {"email": "hostile-client@example.test", "name": "Hostile"},
        "teams": {"name": "Hostile"},
        "contracts": {"member": ours.ids["member"], "project": "Hostile"},
        "licences": {"mode": "worklog", "member": ours.ids["member"]},
        "policies": {"name": "Hostile"},
        "tokens": {"name": "Hostile", "scopes": ["read"]},
    }
    return bodies.get(collection, {})


def fields(collection: Collection) -> set[str]:
    """The names of all fields that a collection's bodies take."""
    kind = KINDS[collection]
    models = [kind.patch, *([kind.new] if kind.new else [])]
    return {name for model in models for name in model.model_fields}
