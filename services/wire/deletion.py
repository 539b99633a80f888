"""What the diary asks licensing about deleting a workspace, which is the principal's own (W-02).

``address`` is where the person is, as the edge saw it.
"""

from typing import Literal

from pydantic import Field

from services.wire.events import Strict
from services.wire.requests import Principal

Outcome = Literal["begun", "downloaded"]


class DeletionOf(Strict):
    """``rpc.licensing.deletion`` → {"workspace", "name", "archived", "counts", "export"}: what would go, and whether
    it was exported; 403 for all but owners.
    """

    principal: Principal


class NoteExport(Strict):
    """``rpc.licensing.note_export`` → {}: an owner began to export the workspace, or has it whole (G-02); 403."""

    principal: Principal
    outcome: Outcome
    address: str = Field(max_length=64)


class DeleteWorkspace(Strict):
    """``rpc.licensing.delete_workspace`` → {"workspace", "deleted_at"}: for good.

    403 for all but owners and for a wrong password, 401 where a code is needed, 409 ``not-archived``, and
    ``export-not-taken`` where it was neither downloaded nor declined; 422 where ``name`` is not the workspace's; 429
    after ten wrong passwords a minute.
    """

    principal: Principal
    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    code: str | None = Field(default=None, max_length=40)
    without_export: bool = False
    address: str = Field(max_length=64)
