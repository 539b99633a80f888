"""What the mails say, by kind. Pure. ``{link}`` is filled in when a mail is sent, for it is a secret (links.py)."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, parseaddr
from typing import Literal, get_args

from services.wire.language import N_, _, again, speaking

Switchable = Literal["invitation", "capture_enabled", "device_silent", "weekly_summary", "timesheet_decision"]
Personal = Literal["verification", "already_registered", "password_reset", "password_changed", "test"]
Kind = Switchable | Personal
#: What a workspace may switch off (W-07); the others are about a person's own account, or were asked for just now.
SWITCHABLE: tuple[str, ...] = get_args(Switchable)


@dataclass(frozen=True)
class Text:
    """A kind's subject and body; ``{name}`` stands for a value, ``page`` is where its link leads."""

    subject: str
    body: str
    page: str = ""


TEXTS: Mapping[str, Text] = {
    "verification": Text(
        N_("Confirm your e-mail address"),
        N_(
            "Hello {name},\n\nsomebody, probably you, signed up for Daybook with this address. Open this link to "
            "confirm it and to make the workspace {workspace_name}:\n\n{link}\n\nThe link works once, for 24 hours. "
            "If it was not you, do nothing: no account is made."
        ),
        "/sign-up/verify",
    ),
    "already_registered": Text(
        N_("You have an account already"),
        N_(
            "Hello {name},\n\nsomebody, probably you, signed up for Daybook with this address, which has an account "
            "already. Sign in with it; a further workspace is made in the profile menu. Should the password be "
            "forgotten, open this link to choose a new one:\n\n{link}\n\nThe link works once, for 2 hours. If it was "
            "not you, do nothing."
        ),
        "/password/reset",
    ),
    "password_reset": Text(
        N_("Choose a new password"),
        N_(
            "Hello {name},\n\nsomebody, probably you, asked for a new password. Open this link to choose "
            "it:\n\n{link}\n\nThe link works once, for 2 hours. If it was not you, do nothing: the password stays as "
            "it is."
        ),
        "/password/reset",
    ),
    "password_changed": Text(
        N_("Your password was changed"),
        N_(
            "Hello {name},\n\nthe password of your account was changed, and all other sessions were ended. If it was "
            "not you, ask for a new password at once, on the page where you sign in."
        ),
    ),
    "invitation": Text(
        N_("{workspace_name} invites you to its work diary"),
        N_(
            "Hello {name},\n\n{inviter} invites you to the workspace {workspace_name} as {role}. Open this link to "
            "accept:\n\n{link}\n\nThe link works once, for 14 days. Until then you can see nothing there, and "
            "nothing of yours is recorded."
        ),
        "/invitations/accept",
    ),
    "test": Text(
        N_("A test"),
        N_("Hello {name},\n\nthis mail was asked for at {workspace_name}, to see whether mails arrive. They do."),
    ),
    "capture_enabled": Text(
        N_("What is recorded of your work changes"),
        N_(
            "Hello {name},\n\nat {workspace_name} more of your work is going to be recorded than until "
            "now:\n\n{changes}\n\nOn a computer it begins only after the notice arrived there. Open this page to "
            "read all that is recorded, and to say that you have read it:\n\n{link}"
        ),
        "/notices",
    ),
    "device_silent": Text(
        N_("{device} does not report"),
        N_(
            "Hello {name},\n\nthe computer {device} has not reported to {workspace_name} since {since}. The likely "
            "reason: {reason}"
        ),
    ),
    "weekly_summary": Text(
        N_("Your week of {week}"),
        N_("Hello {name},\n\nin the week of {week} at {workspace_name}:\n\n{summary}"),
    ),
    "timesheet_decision": Text(
        N_("Your timesheet of {week} was {decision}"),
        N_("Hello {name},\n\nyour timesheet of {week} for {contract} was {decision} by {decider}. {reason}"),
    ),
}


def compose(
    kind: str,
    to: str,
    values: Mapping[str, str],
    link: str,
    sender: str,
    message_id: str,
    language: str | None = None,
) -> EmailMessage:
    """The mail as it is sent, in a language; English where none is kept with it. Its sender is named as the workspace
    (W-09), but not while that is only the word of whoever signs up. KeyError where a value is missing.
    """
    with speaking(language):
        return _composed(kind, to, values, link, sender, message_id)


def _composed(kind: str, to: str, values: Mapping[str, str], link: str, sender: str, message_id: str) -> EmailMessage:
    text = TEXTS[kind]
    given = {name: clean(value) for name, value in values.items()} | {"link": link}
    if "changes" in values:
        given["changes"] = "\n".join(f"- {clean(line)}" for line in values["changes"].splitlines())
    if "summary" in values:
        given["summary"] = "\n".join(clean(line) for line in values["summary"].splitlines())
    name, address = parseaddr(sender)
    workspace = given.get("workspace_name") if kind != "verification" else None
    message = EmailMessage(policy=SMTP)
    through = name or "Daybook"
    named = _("{workspace} via {sender}", workspace=workspace, sender=through) if workspace else through
    message["From"] = formataddr((named, address))
    message["To"] = to
    message["Subject"] = again(text.subject).format_map(given)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    signed = _("Sent by Daybook for {workspace}", workspace=workspace) if workspace else _("Sent by Daybook")
    message.set_content(f"{again(text.body).format_map(given)}\n\n-- \n{signed}")
    return message


def clean(text: str) -> str:
    """One line without control characters: nothing that somebody is called may add a header or a line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
