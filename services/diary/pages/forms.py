"""What every form stands on: what was sent, what was wrong with it and where, and what is said once it is done.

The pattern, the same with and without script: a form posts to its page's address and is read by ``read_form``. When it
is done, ``done(href, "Ada is a member now.")`` goes on to a page, which says so in a toast. When licensing or another
service refuses (``Problem``), the page is shown again with ``Form.refused(sent, problem)``: the words stand beside
the field that they are about (``templates/forms.html``), and what was typed is kept, but for secrets.

Guard refuses what another site sends, so no form carries a token of its own. A form that sends by htmx gets a refusal
swapped in like any other answer (static/requests.js).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import quote, unquote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser

from services.diary.pages.checked import in_form
from services.diary.pages.render import render
from services.kit.problems import Problem, invalid
from services.wire.language import _

MOST_BYTES = 64 * 1024
_MOST_FIELDS = 300
_TOAST = "daybook_said"
_TOAST_SECONDS = 60
SomeResponse = TypeVar("SomeResponse", bound=Response)


class Sent:
    """What a form sent, by the names of its fields."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str) -> str:
        """A field's text without the space around it; ``""`` where it is missing."""
        value = self._data.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def secret(self, name: str) -> str:
        """As ``text``, with the space around it: a password is taken as it was typed."""
        value = self._data.get(name, "")
        return value if isinstance(value, str) else ""

    def some(self, name: str) -> str | None:
        """As ``text``, None where it is empty."""
        return self.text(name) or None

    def number(self, name: str) -> int | None:
        """A whole number; None where it is empty, 422 at the field where it is none."""
        text = self.text(name)
        if not text:
            return None
        try:
            return int(text) if len(text) <= 12 else int("")
        except ValueError as error:
            raise invalid(_("{field}: a whole number", field=name), field=name) from error

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return name in self._data

    def many(self, name: str) -> list[str]:
        """All that was chosen under one name."""
        return [value for value in self._data.getlist(name) if isinstance(value, str) and value]

    def typed(self) -> list[tuple[str, str]]:
        """All that was sent but files, as (name, text), in its order."""
        return [(name, value) for name, value in self._data.multi_items() if isinstance(value, str)]

    def lines(self, name: str) -> list[str]:
        """The lines of a field that are not empty."""
        return [line.strip() for line in self.text(name).splitlines() if line.strip()]

    async def file(self, name: str) -> tuple[str, bytes] | None:
        """The name and the bytes of a file; None where none was chosen."""
        value = self._data.get(name)
        if not isinstance(value, UploadFile) or not value.filename:
            return None
        return value.filename[-200:], await value.read()


async def read_form(request: Request, most: int = MOST_BYTES) -> Sent:
    """What a form sent, ``most`` bytes of it; 413, 415 or 422 where it is no form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    stream = _no_more_than(request.stream(), most)
    try:
        if kind == "application/x-www-form-urlencoded":
            data = await FormParser(request.headers, stream).parse()
        elif kind == "multipart/form-data":
            data = await MultiPartParser(request.headers, stream, max_files=1, max_fields=50).parse()
        elif not kind and request.headers.get("content-length", "0") == "0":  # a form of one button and no field
            data = FormData()
        else:
            raise Problem(415, "not-a-form", _("This is no form."), _("Send it from its page."))
    except (MultiPartException, UnicodeDecodeError, KeyError) as error:
        raise invalid(_("the form: cannot be read")) from error
    if len(data.multi_items()) > _MOST_FIELDS:
        detail = _("At most {count} fields are taken.", count=_MOST_FIELDS)
        raise Problem(413, "too-large", _("This form is too long."), detail)
    return Sent(data)


async def _no_more_than(stream: AsyncIterator[bytes], most: int) -> AsyncGenerator[bytes, None]:
    taken = 0
    async for chunk in stream:
        taken += len(chunk)
        if taken > most:
            detail = _("At most {count} KiB are taken.", count=most // 1024)
            raise Problem(413, "too-large", _("This is too large."), detail)
        yield chunk


@dataclass
class Form:
    """A form as it is shown: what stands in its fields, and what was wrong with them.

    ``name`` sets apart the ids of several forms on one page. ``notice`` is a refusal that is about no one field.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    name: str = "f"

    @classmethod
    def refused(
        cls, values: Mapping[str, Any], problem: Problem, fields: Collection[str] = (), *, name: str = "f"
    ) -> Self:
        """The form again: the words at the field the problem names, else above them all.

        ``fields`` are those that can show words; where it is left out, those of ``values``.
        """
        where, words = told(problem)
        known = fields or values
        at = next((part for part in where.split(".") if part in known), None)
        if at is not None:
            return cls(values, {at: words}, name=name)
        return cls(values, notice=words, name=name)

    def value(self, name: str) -> Any:
        """What stands in a field."""
        found = self.values.get(name)
        return "" if found is None else found

    def id(self, name: str) -> str:
        """The id of a field's element."""
        return f"{self.name}-{name}"


def told(problem: Problem) -> tuple[str, str]:
    """The field a problem is about (``""``: none; ``oidc.issuer`` within another), and its words for people."""
    title, detail = problem.words
    at = str(problem.extra.get("field", ""))
    if problem.kind == "invalid":
        where, colon, words = detail.partition(": ")
        if colon and where.replace(".", "").replace("_", "").isalnum():  # of two names the one that says more
            return where if where.startswith(f"{at}.") else at or where, in_form(words)
        return at, in_form(detail)
    return at, f"{title} {detail}".strip()


def done(href: str, words: str = "") -> RedirectResponse:
    """On to a page, which says ``words`` in a toast; ``href`` is a path of this site."""
    return _toasted(RedirectResponse(href, 303), words)


def sent_on(href: str, words: str = "") -> Response:
    """As ``done``, for what htmx sent: the whole page goes on."""
    return _toasted(Response(headers={"HX-Redirect": href}), words)


def _toasted(response: SomeResponse, words: str) -> SomeResponse:
    if words:
        response.set_cookie(
            _TOAST, quote(words[:400]), max_age=_TOAST_SECONDS, httponly=True, samesite="strict", path="/"
        )
    return response


def said(response: Response, words: str) -> Response:
    """A fragment, sent for by htmx, that brings ``words`` for a toast along."""
    response.headers["Daybook-Said"] = quote(words[:400])
    return response


def show(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page, with the toast that waits for it."""
    said = unquote(request.cookies.get(_TOAST, ""))[:400]
    response = HTMLResponse(render(template, toast=said, **context), status)
    if said:
        response.delete_cookie(_TOAST, httponly=True, samesite="strict", path="/")
    return response
