"""What a personal API token may be used for: one table of paths and scopes; a path that is not in it, no token opens.

Pure (W-08). What concerns an account itself (passwords, sessions, two-factor, tokens) is not in it.
"""

from collections.abc import Collection, Mapping

_SAFE = frozenset({"GET", "HEAD"})

#: The first part of a path below ``/api/v1`` → the area whose scopes open it, besides ``read`` and ``write``.
AREAS: Mapping[str, str] = {
    **dict.fromkeys(("diary", "captures", "timesheets", "scores", "classes", "usage", "events", "contracts"), "diary"),
    **dict.fromkeys(("attendance", "leave", "shifts", "exports", "notices"), "diary"),
    **dict.fromkeys(
        ("workspaces", "members", "members.csv", "teams", "clients", "imports", "mails", "audit"), "people"
    ),
    **dict.fromkeys(("licences", "policies", "devices"), "devices"),
}


def opens(scopes: Collection[str], method: str, path: str) -> bool:
    """Whether one of the scopes allows this; ``GET /api/v1/me`` is open to every token."""
    root, _, rest = path.partition("/api/v1/")
    if root or not rest:
        return False
    if rest == "me":
        return method in _SAFE
    area, verb = AREAS.get(rest.split("/")[0]), "read" if method in _SAFE else "write"
    return area is not None and (verb in scopes or f"{area}:{verb}" in scopes)
