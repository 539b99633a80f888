"""Policies as the back office reads them: their history, and what a change of one would do before it is made (G-01)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.diary.access import Viewer
from services.diary.edge import Edge
from services.wire import retention, words
from services.wire.requests import PolicyVersionsOf
from services.wire.widening import widened

Policy = Mapping[str, Any]


class Effect(NamedTuple):
    """What a new version would do: the licences it reaches, the members told before it records more, what changes."""

    licences: int
    told: tuple[str, ...]
    widens: bool
    changes: tuple[words.Change, ...]


def effect_of(before: Policy, after: Policy, licences: Sequence[Mapping[str, Any]]) -> Effect:
    """The effect on the licences that carry a policy; ``told`` are the members who get a notice first. Pure.

    A revoked licence records nothing any more, and nobody is told for its sake.
    """
    live = [one for one in licences if one["state"] != "revoked"]
    widens = bool(widened(before, after))
    told = sorted({one["member"] for one in live if one["member"]}) if widens else []
    return Effect(len(live), tuple(told), widens, tuple(words.changes(before, after)))


def as_kept(policy: Policy, workspace: Policy) -> dict[str, Any]:
    """A policy with the days that pictures are kept by it in a workspace, whoever of the two says so (M-05). Pure."""
    return {**policy, **retention.in_effect(policy, workspace, {})}


async def history(edge: Edge, viewer: Viewer, policy: str) -> list[dict[str, Any]]:
    """All versions, newest first, each with ``changes`` against the one before; 404 where it is not for the viewer."""
    asked = PolicyVersionsOf(principal=viewer.principal, policy=policy)
    found: list[dict[str, Any]] = (await edge.bus.ask("licensing", "policy_versions", asked))["items"]
    before: list[Policy] = [one["policy"] for one in found[1:]]
    changes = [words.changes(old, one["policy"]) for old, one in zip(before, found, strict=False)]
    return [{**one, "changes": said} for one, said in zip(found, [*changes, []], strict=True)]
