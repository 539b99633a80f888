"""A workspace as one .zip, before it is deleted (W-02, V-04): what the API answers and the statements, file by file.

It is packed while it is read, so it may be larger than memory. Where a part of it cannot be had, it breaks off: half an
export is none, and licensing hears of it only once the last byte has gone out.
"""

import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
from fastapi import Request

from services.diary import days, statement_files, statements
from services.diary.access import Viewer
from services.diary.api.audit import exported
from services.diary.api.collections import collected
from services.diary.edge import Edge, client_address, edge_of
from services.kit.mongo import prefix_range
from services.kit.problems import Problem
from services.wire import pack
from services.wire.deletion import NoteExport, Outcome
from services.wire.language import ENGLISH, speak
from services.wire.requests import Collection

_NOT_KEPT = ("tokens", "imports", "mails")
"""Collections that are nobody's record: they end by themselves, or are a person's own."""
_README = """\
Daybook export of the workspace {name} ({workspace}), made at {at}

workspace/      members, teams, clients, contracts, policies, monitoring profiles, licences, devices, notices and
                settings, each as /api/v1 answers it
audit.csv       the audit log, the newest entry first; older ones than 50,000 in audit-2.csv and so on
diaries/        a folder a member, a file a day (UTC), as GET /api/v1/diary/{{member}}/days/{{date}} answers it
statements/     a folder a contract, of every locked week what is checked (.json) and its segments (.csv)
verify.pyz      checks a statement: python verify.pyz statements/<contract>/<week>.json --key <key>
without.txt     the weeks that no statement could be made of, and why; only where there are any

Pictures are not in it: they are gone at the end of their retention, and with the workspace.
"""


class _Sink(io.RawIOBase):
    """Takes what the packer writes until it is sent; it cannot go back, so sizes follow their files."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def write(self, data: Any) -> int:
        """Keeps it."""
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """What was written since the last time."""
        found = b"".join(self._parts)
        self._parts.clear()
        return found


async def packed(request: Request, viewer: Viewer) -> AsyncIterator[bytes]:
    """The .zip in pieces; who asks has been let pass, and that they began is in the log already."""
    speak(ENGLISH)  # for whoever opens it later, in whatever language its maker reads
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        async for name, content in _files(request, viewer):
            archive.writestr(name, content)
            yield sink.taken()
    yield sink.taken()
    await note(request, viewer, "downloaded")


async def note(request: Request, viewer: Viewer, outcome: Outcome) -> None:
    """Has licensing write down that the workspace is exported (G-02)."""
    told = NoteExport(principal=viewer.principal, outcome=outcome, address=client_address(request))
    await edge_of(request).bus.ask("licensing", "note_export", told)


async def _files(request: Request, viewer: Viewer) -> AsyncIterator[tuple[str, bytes]]:
    edge, at = edge_of(request), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = (await edge.people.workspace(viewer.workspace)).name
    yield "README.txt", _README.format(name=name, workspace=viewer.workspace, at=at).encode()
    for collection in get_args(Collection):
        if collection not in _NOT_KEPT:
            items = await collected(request, viewer, collection, {})
            yield f"workspace/{collection}.json", orjson.dumps({"items": items}, option=orjson.OPT_INDENT_2)
    async for file in _audit(edge, viewer):
        yield file
    for member in await edge.people.members(viewer.workspace):
        for day in await _days(edge, viewer.workspace, member["member"]):
            content = await days.encode_day(edge, viewer, member["member"], day)
            yield f"diaries/{member['member']}/{day}.json", content
    async for file in _statements(edge, viewer):
        yield file


async def _audit(edge: Edge, viewer: Viewer) -> AsyncIterator[tuple[str, bytes]]:
    following, number = None, 0
    while following or not number:
        content, following = await exported(edge, viewer, {}, following)
        number += 1
        yield "audit.csv" if number == 1 else f"audit-{number}.csv", content


async def _days(edge: Edge, workspace: str, member: str) -> list[str]:
    """The days (UTC) on which a member has time, from the keys alone."""
    found = edge.db["segments"].find({"_id": prefix_range(workspace, member)}, {"_id": 1})
    return sorted({row["_id"].split("|")[2][:10] async for row in found})


async def _statements(edge: Edge, viewer: Viewer) -> AsyncIterator[tuple[str, bytes]]:
    without: list[str] = []
    sealed = {"_id": prefix_range(viewer.workspace), "sealed.root": {"$ne": None}}
    async for row in edge.db["weeks"].find(sealed, {"contract": 1, "week": 1}).sort("_id", 1):
        contract, week = row["contract"], row["week"]
        try:
            statement = await statements.read(edge, viewer, contract, week)
        except Problem as problem:
            if problem.status >= 500:
                raise
            without.append(f"{contract} {week}: {problem.title}")
            continue
        yield f"statements/{contract}/{week}.json", statement_files.json_text(statement)
        yield f"statements/{contract}/{week}.csv", statement_files.csv(statement)
    yield "verify.pyz", pack.pack()
    if without:
        yield "without.txt", "\n".join(without).encode()
