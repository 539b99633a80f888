"""What the grants of some devices are made of, read for all of them in a few questions (L-04).

Read device by device, telling the ten thousand computers of one licence would take a minute and more.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.licensing import notices
from services.licensing.store import WHOLE, Document, Store, key
from services.wire import retention
from services.wire.language import ENGLISH


@dataclass(frozen=True)
class Around:
    """The documents around some devices, by their ``_id``; contracts by their own and by their member's key."""

    licences: Mapping[str, Document]
    workspaces: Mapping[str, Document]
    members: Mapping[str, Document]
    by_id: Mapping[str, Document]
    by_member: Mapping[str, Sequence[Document]]
    notes: Mapping[str, notices.Notes]
    """What notices say of each device."""

    def licence(self, device: Document) -> Document | None:
        """The licence of a device."""
        return self.licences.get(key(device["workspace"], device["licence"]))

    def workspace(self, device: Document) -> Document:
        """The workspace of a device."""
        return self.workspaces.get(key(device["workspace"]), {})

    def retention(self, device: Document, policy: Document) -> Document:
        """The fields of a policy that say how long a device's pictures are kept, as they hold (M-05)."""
        member = self.members.get(key(device["workspace"], device["member"]), {})
        return retention.in_effect(policy, self.workspace(device), member)

    def language(self, device: Document) -> str:
        """What Daybook speaks with the member of a device (W-06)."""
        member = self.members.get(key(device["workspace"], device["member"]), {})
        return str(member.get("language") or self.workspace(device).get("language") or ENGLISH)

    def contracts(self, device: Document, licence: Document) -> Sequence[Document]:
        """All that time of a device was ever booked on: a monitored computer's own, or its member's."""
        if own := licence["contract"]:
            return [self.by_id[at]] if (at := key(device["workspace"], own)) in self.by_id else []
        return self.by_member.get(key(device["workspace"], device["member"]), ())


async def around(store: Store, devices: Sequence[Document], *, notes: bool = True) -> Around:
    """Reads what stands around these devices; without ``notes`` no notices."""
    licences = await _by_id(store, "licences", {key(one["workspace"], one["licence"]) for one in devices})
    workspaces = await _by_id(store, "workspaces", {key(one["workspace"]) for one in devices})
    members = await _by_id(store, "members", {key(one["workspace"], one["member"]) for one in devices})
    own = {key(one["workspace"], one["contract"]) for one in licences.values() if one["contract"]}
    by_id = await _by_id(store, "contracts", own)
    theirs = _members_of(devices)
    by_member: defaultdict[str, list[Document]] = defaultdict(list)
    for doc in await store["contracts"].find(theirs, batch_size=WHOLE).sort("_id", 1).to_list(None):
        by_member[key(doc["workspace"], doc["member"])].append(doc)
    said = await notices.notes_of(store, devices) if notes else {}
    return Around(licences, workspaces, members, by_id, by_member, said)


async def _by_id(store: Store, name: str, ids: set[str]) -> dict[str, Document]:
    if not ids:
        return {}
    found = await store[name].find({"_id": {"$in": sorted(ids)}}, batch_size=WHOLE).to_list(None)
    return {doc["_id"]: doc for doc in found}


def _members_of(devices: Sequence[Document]) -> Document:
    workspaces = sorted({one["workspace"] for one in devices})
    return {"workspace": {"$in": workspaces}, "member": {"$in": sorted({one["member"] for one in devices})}}
