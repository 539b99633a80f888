"""How long pictures are kept (M-05). Pure: licensing puts a policy and its workspace together, media keeps to it.

A policy names days for each kind of capture, ``None`` (kept without an end) or ``"workspace"``: what the workspace's
settings say. A legal hold on any of policy, workspace and member stops retention. Time records outlive their pictures.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

DEFAULT_DAYS = 7
WORKSPACES = "workspace"
"""Said instead of a number of days: as the workspace's settings say."""
FIELDS: Mapping[str, str] = {"screen": "capture_days", "camera": "camera_days"}
"""The field of a policy, and of a workspace's settings, by kind of capture."""

Dump = Mapping[str, Any]


def in_effect(policy: Dump, workspace: Dump, member: Dump) -> dict[str, Any]:
    """The fields of ``policy`` that say how long, as they hold: days or None for each kind, and whether on hold.

    What is stated nowhere is seven days; a policy of before there was a field for the camera meant every kind.
    """
    everything = policy.get("capture_days", WORKSPACES)
    stated = {"capture_days": everything, "camera_days": policy.get("camera_days", everything)}
    days = {
        field: workspace.get(field, DEFAULT_DAYS) if value == WORKSPACES else value for field, value in stated.items()
    }
    return days | {"legal_hold": any(one.get("legal_hold") for one in (policy, workspace, member))}


def days_of(policy: Dump, kind: str) -> int | None:
    """Days that captures of a kind are kept by a policy as it holds (``in_effect``); None: without an end."""
    days: int | None = in_effect(policy, {}, {})[FIELDS[kind]]
    return days


def kept_since(now: datetime, days: int) -> datetime:
    """What was taken before this instant is kept no more."""
    return now - timedelta(days=days)


def is_over(policy: Dump, kind: str, taken: datetime, now: datetime) -> bool:
    """Whether a capture's time is over by a policy as it holds; never while there is a legal hold."""
    days = days_of(policy, kind)
    return not policy.get("legal_hold") and days is not None and taken < kept_since(now, days)
