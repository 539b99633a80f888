"""Refusals that cross the bus and the edge alike: RFC 9457 problem documents that say what to do."""

from typing import Any

from services.wire.language import N_, again, as_heard, as_told, gettext

# What to do where whoever refuses has nothing closer to say.
_ADVICE = {
    401: N_("Sign in, and try again."),
    403: N_("Ask an owner or admin of the workspace."),
    404: N_("Check the address and the id; what was removed or is another workspace's is not found either."),
    405: N_("The methods that do something are listed in /api/v1/openapi.json."),
    409: N_("Read it again, and decide on what stands there now."),
}
#: The rule of product.md that refusals of a kind go by, where whoever refuses names none.
_RULES = {
    "unknown-licence": "L-01",
    **dict.fromkeys(("not-a-key", "bad-proof", "key-in-use", "no-seat-left"), "L-03"),
    **dict.fromkeys(("revoked", "not-now", "device-released"), "L-04"),
    **dict.fromkeys(("archived", "licence-draft", "licence-revoked", "licence-expired", "licence-suspended"), "L-05"),
    "licence-not-yet-valid": "L-05",
    **dict.fromkeys(("signed-out", "wrong-credentials", "wrong-password", "too-many-tries", "link-over"), "W-01"),
    **dict.fromkeys(("code-needed", "wrong-code", "two-factor-on", "nothing-to-confirm", "locks-you-out"), "W-01"),
    **dict.fromkeys(("already-a-member", "last-owner"), "W-03"),
    **dict.fromkeys(("team-not-empty", "team-archived"), "W-04"),
    **dict.fromkeys(("too-many-tokens", "confined", "no-such-member"), "W-08"),
    "no-address": "W-09",
}
_OTHERWISE = N_("Check what was sent against /api/v1/openapi.json.")


class Problem(Exception):
    """A refusal with an HTTP status, a short type (``no-seat-left``) and a sentence that says what to do.

    ``extra`` members are added to the document as they are; ``rule`` is the id of the rule that it goes by. Title and
    detail are said in the reader's language where they are a message of the catalogue, or made by ``gettext``.
    """

    def __init__(self, status: int, kind: str, title: str, detail: str = "", **extra: Any) -> None:
        super().__init__(f"{status} {kind}: {title}")
        self.status, self.kind, self.title, self.detail, self.extra = status, kind, title, detail, extra

    def document(self) -> dict[str, Any]:
        """The members of the problem document."""
        document = {"type": f"urn:daybook:problem:{self.kind}", "title": self.title, "status": self.status}
        detail = self.detail or _ADVICE.get(self.status, _OTHERWISE)
        rule = {"rule": _RULES[self.kind]} if self.kind in _RULES else {}
        return {**document, "detail": detail, **rule, **self.extra}

    def told(self) -> dict[str, Any]:
        """The document for another service of ours, which can say it in another language (``said``)."""
        told = {"title": as_told(self.title), "detail": as_told(self.detail)}
        said = {name: text for name, text in told.items() if isinstance(text, dict)}
        return self.document() | ({"said": said} if said else {})

    @property
    def words(self) -> tuple[str, str]:
        """Title and detail in the language that is spoken here."""
        return again(self.title), again(self.detail or _ADVICE.get(self.status, _OTHERWISE))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Problem":
        """A problem as another service said it."""
        known = dict(document)
        kind = str(known.pop("type", "")).removeprefix("urn:daybook:problem:") or "unknown"
        plain = {name: str(known.pop(name, "")) for name in ("title", "detail")}
        title, detail = (as_heard(text) for text in (plain | known.pop("said", {})).values())
        status = int(known.pop("status", 500))
        return cls(status, kind, title, detail, **known)


def not_found(what: str) -> Problem:
    """404: unknown here, or another tenant's; the two must not be told apart."""
    return Problem(404, "not-found", gettext("There is no such {what}.", what=again(what)))


def forbidden(detail: str = "", **extra: Any) -> Problem:
    """403: the role does not allow it."""
    return Problem(403, "forbidden", gettext("Your role does not allow this."), detail, **extra)


def invalid(detail: str, **extra: Any) -> Problem:
    """422: what was sent cannot be taken; ``detail`` names the field."""
    return Problem(422, "invalid", gettext("This cannot be taken as it is."), detail, **extra)


def unavailable(what: str) -> Problem:
    """503: a part that is needed does not answer; the caller may try again."""
    title = gettext("{what} does not answer just now.", what=again(what))
    return Problem(503, "unavailable", title, gettext("Nothing was lost; try again in a moment."))
