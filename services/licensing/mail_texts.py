"""What the mails say, by kind. Pure. ``{link}`` is filled in when a mail is sent, for it is a secret (links.py)."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, parseaddr
from typing import Literal, get_args

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
        "Confirm your e-mail address",
        "Hello {name},\n\nsomebody, probably you, signed up for Daybook with this address. Open this link to confirm "
        "it and to make the workspace {workspace_name}:\n\n{link}\n\nThe link works once, for 24 hours. If it was not "
        "you, do nothing: no account is made.",
        "/sign-up/verify",
    ),
    "already_registered": Text(
        "You have an account already",
        "Hello {name},\n\nsomebody, probably you, signed up for Daybook with this address, which has an account "
        "already. Sign in with it; a further workspace is made in the profile menu. Should the password be forgotten, "
        "open this link to choose a new one:\n\n{link}\n\nThe link works once, for 2 hours. If it was not you, do "
        "nothing.",
        "/password/reset",
    ),
    "password_reset": Text(
        "Choose a new password",
        "Hello {name},\n\nsomebody, probably you, asked for a new password. Open this link to choose it:\n\n{link}\n\n"
        "The link works once, for 2 hours. If it was not you, do nothing: the password stays as it is.",
        "/password/reset",
    ),
    "password_changed": Text(
        "Your password was changed",
        "Hello {name},\n\nthe password of your account was changed, and all other sessions were ended. If it was not "
        "you, ask for a new password at once, on the page where you sign in.",
    ),
    "invitation": Text(
        "{workspace_name} invites you to its work diary",
        "Hello {name},\n\n{inviter} invites you to the workspace {workspace_name} as {role}. Open this link to accept:"
        "\n\n{link}\n\nThe link works once, for 14 days. Until then you can see nothing there, and nothing of yours is "
        "recorded.",
        "/invitations/accept",
    ),
    "test": Text(
        "A test",
        "Hello {name},\n\nthis mail was asked for at {workspace_name}, to see whether mails arrive. They do.",
    ),
    "capture_enabled": Text(
        "What is recorded of your work changes",
        "Hello {name},\n\nat {workspace_name} more of your work is going to be recorded than until now:\n\n{changes}"
        "\n\nOn a computer it begins only after the notice arrived there. Open this page to read all that is recorded, "
        "and to say that you have read it:\n\n{link}",
        "/notices",
    ),
    "device_silent": Text(
        "{device} does not report",
        "Hello {name},\n\nthe computer {device} has not reported to {workspace_name} since {since}. The likely reason: "
        "{reason}",
    ),
    "weekly_summary": Text(
        "Your week of {week}",
        "Hello {name},\n\nin the week of {week} at {workspace_name}:\n\n{summary}",
    ),
    "timesheet_decision": Text(
        "Your timesheet of {week} was {decision}",
        "Hello {name},\n\nyour timesheet of {week} for {contract} was {decision} by {decider}. {reason}",
    ),
}


def compose(kind: str, to: str, values: Mapping[str, str], link: str, sender: str, message_id: str) -> EmailMessage:
    """The mail as it is sent; its sender is named as the workspace (W-09), but not while that is only the word of
    whoever signs up. KeyError where a value is missing.
    """
    text = TEXTS[kind]
    given = {name: clean(value) for name, value in values.items()} | {"link": link}
    if "changes" in values:
        given["changes"] = "\n".join(f"- {clean(line)}" for line in values["changes"].splitlines())
    if "summary" in values:
        given["summary"] = "\n".join(clean(line) for line in values["summary"].splitlines())
    name, address = parseaddr(sender)
    workspace = given.get("workspace_name") if kind != "verification" else None
    message = EmailMessage(policy=SMTP)
    message["From"] = formataddr((f"{workspace} via {name or 'Daybook'}" if workspace else name or "Daybook", address))
    message["To"] = to
    message["Subject"] = text.subject.format_map(given)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"{text.body.format_map(given)}\n\n-- \nSent by Daybook{f' for {workspace}' if workspace else ''}"
    )
    return message


def clean(text: str) -> str:
    """One line without control characters: nothing that somebody is called may add a header or a line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
