"""The settings as forms show them, and the mails that were sent. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.diary.pages.formatting import dated
from services.diary.pages.people_view import Pill
from services.wire.language import LANGUAGES, N_, _, again

#: The fields of each part of the page.
FIELDS: Mapping[str, Sequence[str]] = {
    "names": ("name", "zone", "billing_zone"),
    "reading": ("language", "week_start"),
    "weeks": ("lock_hour", "billing_unit", "deletion_rule"),
    "scores": ("movement_counts", "unproductive_weight_percent"),
    "retention": ("capture_days", "camera_days", "legal_hold"),
    "devices": ("seats", "minimum_agent"),
    "networks": ("allowed_ranges",),
    "mails": ("mails_on",),
    "provider": ("issuer", "client_id", "client_secret", "domains"),
}
CHOICES: Mapping[str, Sequence[tuple[str, str]]] = {
    "language": [(code, language.name) for code, language in LANGUAGES.items()],
    "week_start": (("monday", N_("Monday")), ("sunday", N_("Sunday")), ("saturday", N_("Saturday"))),
    "billing_unit": (
        ("segment", N_("Segment of ten minutes")),
        ("minute", N_("Minute")),
    ),
    "deletion_rule": (
        ("segment", N_("Takes its segment along")),
        ("since_previous", N_("Takes the time since the last")),
    ),
}
#: (kind, its name, when it goes out): what a workspace may switch off (W-07).
MAILS = (
    ("invitation", N_("Invitations"), N_("to whoever is invited as a member or client")),
    ("capture_enabled", N_("More is recorded"), N_("to each member concerned, with the link to the notice")),
    ("device_silent", N_("A computer does not report"), N_("to owners and admins")),
    ("weekly_summary", N_("Weekly summary"), N_("to each member who has time in it, once a week is locked")),
    ("timesheet_decision", N_("Timesheet decisions"), N_("to the member, approved or rejected")),
)
KINDS: Mapping[str, str] = {kind: name for kind, name, _when in MAILS} | {"test": N_("Test")}
MAIL_STATES = (
    ("", N_("Any state")),
    ("sent", N_("Sent")),
    ("waiting", N_("Waiting")),
    ("failed", N_("Failed")),
    ("off", N_("Switched off")),
)
_PILLS = {
    "sent": Pill("good", "tick", N_("Sent")),
    "waiting": Pill("warn", "half", N_("Waiting")),
    "failed": Pill("bad", "cross", N_("Failed")),
    "off": Pill("", "pause", N_("Switched off")),
}


def choices() -> dict[str, list[tuple[str, str]]]:
    """What may be chosen, by field, in the reader's language; languages name themselves."""
    said = {
        field: [(value, name if field == "language" else again(name)) for value, name in known]
        for field, known in CHOICES.items()
    }
    hours = [(str(hour), _("Monday {clock}", clock=f"{hour:02}:00")) for hour in range(24)]
    return said | {"lock_hour": hours}


def mails() -> list[tuple[str, str, str]]:
    """``MAILS`` in the reader's language."""
    return [(kind, again(name), again(when)) for kind, name, when in MAILS]


def kinds() -> list[tuple[str, str]]:
    """What mails may be looked for by: any, or one kind."""
    return [("", _("Any kind")), *((kind, again(name)) for kind, name in KINDS.items())]


def states() -> list[tuple[str, str]]:
    """Any state of a mail, or one."""
    return [(state, again(name)) for state, name in MAIL_STATES]


def values_of(workspace: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What stands in the forms, by part."""
    oidc = workspace.get("oidc") or {}
    derived = {
        "mails_on": [kind for kind, *_rest in MAILS if kind not in workspace["mails_off"]],
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
    tries = _("tried {count} times", count=mail["tries"]) if mail["tries"] > 1 else ""
    why = ", ".join(filter(None, (_reason(mail["error"]), tries))) if mail["state"] != "sent" else ""
    kind, pill = KINDS.get(mail["kind"], mail["kind"]), _PILLS[mail["state"]]
    return MailRow(mail["id"], again(kind), mail["to"], pill._replace(words=again(pill.words)), when, why)


def _reason(error: str | None) -> str:
    if not error:
        return ""
    if "Connect" in error or "Timeout" in error:
        return _("the mail server did not answer ({error})", error=error)
    return _("the mail server refused it ({error})", error=error)
