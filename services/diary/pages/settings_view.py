"""The settings as forms show them, and the mails that were sent. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import dated
from services.diary.pages.people_view import Pill
from services.wire.language import LANGUAGES, N_

#: The fields of each part of the page.
FIELDS: Mapping[str, Sequence[str]] = {
    "names": ("name", "zone", "billing_zone"),
    "reading": ("language", "week_start"),
    "weeks": ("lock_hour", "billing_unit", "deletion_rule"),
    "scores": ("movement_counts", "unproductive_weight_percent"),
    "devices": ("seats", "minimum_agent"),
    "networks": ("allowed_ranges",),
    "mails": ("mails_on",),
    "provider": ("issuer", "client_id", "client_secret", "domains"),
}
CHOICES: Mapping[str, Sequence[tuple[str, str]]] = {
    "language": [(code, language.name) for code, language in LANGUAGES.items()],
    "week_start": (("monday", N_("Monday")), ("sunday", N_("Sunday")), ("saturday", N_("Saturday"))),
    "billing_unit": (
        ("segment", "Segment of ten minutes"),
        ("minute", "Minute"),
    ),
    "deletion_rule": (
        ("segment", "Takes its segment along"),
        ("since_previous", "Takes the time since the last"),
    ),
    "lock_hour": tuple((str(hour), f"Monday {hour:02}:00") for hour in range(24)),
}
#: (kind, its name, when it goes out): what a workspace may switch off (W-07).
MAILS = (
    ("invitation", "Invitations", "to whoever is invited as a member or client"),
    ("capture_enabled", "More is recorded", "to each member concerned, with the link to the notice"),
    ("device_silent", "A computer does not report", "to owners and admins"),
    ("weekly_summary", "Weekly summary", "to each member who has time in it, once a week is locked"),
    ("timesheet_decision", "Timesheet decisions", "to the member, approved or rejected"),
)
KINDS: Mapping[str, str] = {kind: name for kind, name, _ in MAILS} | {"test": "Test"}
MAIL_STATES = (
    ("", "Any state"),
    ("sent", "Sent"),
    ("waiting", "Waiting"),
    ("failed", "Failed"),
    ("off", "Switched off"),
)
_PILLS = {
    "sent": Pill("good", "tick", "Sent"),
    "waiting": Pill("warn", "half", "Waiting"),
    "failed": Pill("bad", "cross", "Failed"),
    "off": Pill("", "pause", "Switched off"),
}


def values_of(workspace: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What stands in the forms, by part."""
    oidc = workspace.get("oidc") or {}
    derived = {
        "mails_on": [kind for kind, _, _ in MAILS if kind not in workspace["mails_off"]],
        "allowed_ranges": "\n".join(workspace["allowed_ranges"]),
        "domains": "\n".join(oidc.get("domains", ())),
        "issuer": oidc.get("issuer", ""),
        "client_id": oidc.get("client_id", ""),
    }
    values = {**workspace, **derived}
    return {part: {name: values.get(name) for name in fields} for part, fields in FIELDS.items()}


class MailRow(NamedTuple):
    """A mail in the list; ``why`` is what the mail server said, where it failed or waits."""

    id: str
    kind: str
    to: str
    state: Pill
    when: str
    why: str


def mail_row(mail: Mapping[str, Any], zone: str) -> MailRow:
    """A mail: what it was for, to whom, and whether it went."""
    when = dated(mail["sent_at"] or mail["created_at"], ZoneInfo(zone))
    tries = f"tried {mail['tries']} times" if mail["tries"] > 1 else ""
    why = ", ".join(filter(None, (_reason(mail["error"]), tries))) if mail["state"] != "sent" else ""
    return MailRow(mail["id"], KINDS.get(mail["kind"], mail["kind"]), mail["to"], _PILLS[mail["state"]], when, why)


def _reason(error: str | None) -> str:
    if not error:
        return ""
    if "Connect" in error or "Timeout" in error:
        return f"the mail server did not answer ({error})"
    return f"the mail server refused it ({error})"
