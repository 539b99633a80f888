"""Two tenants of one stack: everybody's session in the first, and the ids of all that the second one has."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_args

import httpx

from services.kit.access import ROLES, of_collection
from services.wire.requests import Collection
from tests.hostile.counting import note
from tests.support.routes import Door
from tests.support.stack import Stack

DAY, MONDAY = "2026-11-17", "2026-11-16"
_NAMES = {"date": DAY, "day": DAY, "week": MONDAY, "monday": MONDAY}


@dataclass
class Tenant:
    """A workspace as its owner sees it, and a session of every role."""

    stack: Stack
    other: bool
    tokens: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role in ROLES:
            account = self.stack.account(role, other=self.other)
            body = {name: account[name] for name in ("email", "password")}
            answer = httpx.post(f"{self.stack.web}/api/v1/sessions", json=body, timeout=20)
            assert answer.is_success, answer.text
            self.sessions[role] = answer.json()
            self.tokens[role] = answer.json()["token"]

    def client(self, role: str | None = None, token: str | None = None) -> httpx.AsyncClient:
        """A program, by a session of that role or by a token; None: nobody."""
        given = token or (self.tokens[role] if role else None)
        headers = {"Authorization": f"Bearer {given}"} if given else {}
        return httpx.AsyncClient(base_url=self.stack.web, headers=headers, timeout=30, event_hooks={"response": [note]})

    def get(self, path: str, role: str = "owner") -> Any:
        """What the API answers to somebody of that role."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        answer = httpx.get(f"{self.stack.web}/api/v1{path}", headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def api_token(self, *scopes: str) -> str:
        """A personal API token of the owner's."""
        headers = {"Authorization": f"Bearer {self.tokens['owner']}"}
        body = {"name": "hostile", "scopes": list(scopes)}
        answer = httpx.post(f"{self.stack.web}/api/v1/tokens", json=body, headers=headers, timeout=20)
        assert answer.is_success, answer.text
        return str(answer.json()["token"])

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All collections, as the owner reads them."""
        readable = [one for one in get_args(Collection) if of_collection(one, "read")]
        return {one: self.get(f"/{one}")["items"] for one in readable}

    @cached_property
    def ids(self) -> dict[str, str]:
        """An id of each kind of thing the tenant has, by the name a path or body gives it."""
        found = {name: items[0]["id"] for name, items in self.everything().items() if items}
        kinds = {singular(name): id for name, id in found.items()}
        account = self.stack.account("employee", other=self.other)
        ready = self.stack.ready["others"][0] if self.other else {}
        member = ready.get("member", account["member"])
        kinds |= {"member": member, "capture": ready.get("capture", "capture"), "workspace": self.workspace}
        kinds["session"] = self.get("/sessions")["items"][0]["id"]
        return kinds

    @property
    def workspace(self) -> str:
        """The tenant's own id."""
        return str(self.sessions["owner"]["workspace"])

    def secrets(self) -> set[str]:
        """Texts that nobody of another tenant may ever be shown: ids, names and addresses."""
        texts = {self.workspace, *self.ids.values()}
        for item in self.get("/members")["items"]:
            texts |= {item["id"], item["email"]}
        return {text for text in texts if len(text) > 8}

    def path(self, door: Door) -> str:
        """The door's path with this tenant's ids in it."""

        return re.sub(r"\{([^}]+)\}", lambda match: self.named(door.path, match[1].partition(":")[0]), door.path)

    def named(self, path: str, name: str) -> str:
        """This tenant's id for a parameter of a path."""
        if name == "id":
            name = singular(path[: path.index("{id")].rstrip("/").rsplit("/", 1)[-1])
        return _NAMES.get(name) or self.ids.get(name) or self.ids["member"]

    def bearer(self, role: str) -> str:
        """What a request of that role carries."""
        return f"Bearer {self.tokens[role]}"


def singular(collection: str) -> str:
    """What one of a collection is called in a path or a body."""
    return "policy" if collection == "policies" else collection.removesuffix("s")
