"""Texts that people read and that no catalogue can hold, because nobody marked them (W-06).

``python -m tests.language.unmarked [PATH…]`` lists them by file and line. Of templates: every letter outside of
``_(…)``, in text and in attributes that are read aloud, and every literal in an expression that looks like words. Of
Python: literals that look like words in page views, and the words of refusals everywhere.
"""

import ast
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jinja2 import nodes

from services.diary.pages.render import environment

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "services/diary/templates"
VIEWS = ROOT / "services/diary/pages"
MARKS = frozenset({"_", "gettext", "ngettext", "pgettext", "N_", "_n", "_p"})
REFUSALS = frozenset({"Problem", "invalid", "forbidden", "not_found", "unavailable", "rule_problem"})
#: What is the same in every language, or read by programs.
SAME = frozenset({"Daybook", "JSON", "CSV", "XLSX", "PDF", "HTML", "UTC", "API", "OpenID Connect", "Linux", "Windows"})
#: Words of Python that no page says: names, what is compared, a class, the columns of a file that is downloaded.
OF_PROGRAMS = frozenset(
    {
        *("Edg", "Edge", "Opera", "Firefox", "Chrome", "Safari", "Android", "Mac OS", "Ada Lind"),
        *("Connect", "Timeout", "Value error, ", "email: stands above", "policy.\x00", "Rights"),
        *("why it was refused", "what to do"),
    }
)
#: Documents, which are the same for all who hold them, in English; what pydantic says; and the mechanism itself.
EXEMPT = frozenset(
    {
        "services/diary/templates/statement.html",
        "services/diary/pages/checked.py",
        "services/diary/pages/render.py",
        "services/wire/language.py",
    }
)
#: What an expression adds to a tag.
_TAGS = frozenset({" gone", " zero", " finds", " wide", " go", " autofocus"})
_READ_ALOUD = frozenset({"title", "aria-label", "alt", "placeholder", "content", "data-words", "label"})
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_WORDS = re.compile(
    r"^[A-Z][a-z]+([ .,:!?…]|$)|[a-z,;:]{2,} [a-z]{2,} [a-z]{2,}|^[a-z]{3,}[.!?]$|^ [a-z]{2,}|[a-z]{2,} $"
)
_ATTRIBUTES = re.compile(r'[\w-]+="[^"]*"|autofocus')
"""What a macro writes into somebody else's tag."""
_HOLE = "\x00"
_ADDRESS = re.compile(r"^/\S*$")


class Unmarked(tuple[str, int, str]):
    """File (from the root), line, text."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self[0]}:{self[1]}: {self[2]!r}"


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._skips = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._skips and (tag in ("script", "style", "code") or ("translate", "no") in attrs):
            self._skips = tag
        if tag == "meta":
            return
        for name, value in attrs:
            if name.strip(_HOLE) in _READ_ALOUD and value and _has_words(value):
                self.found.append((self.getpos()[0], f"{name}={value}"))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._skips:
            self._skips = ""

    def handle_data(self, data: str) -> None:
        if not self._skips and not _ADDRESS.match(data.strip()) and _has_words(_ATTRIBUTES.sub("", data)):
            self.found.append((self.getpos()[0], data.strip()))


def _has_words(text: str) -> bool:
    rest = text
    for word in SAME:
        rest = rest.replace(word, "")
    return bool(_LETTERS.search(rest))


def of_template(path: Path) -> Iterator[Unmarked]:
    """What is not marked in one template."""
    source, name = path.read_text("utf-8"), str(path.relative_to(ROOT))
    plain, inside = "", False
    for _line, kind, value in environment().lex(source):
        begins, ends = kind.endswith("_begin"), kind.endswith("_end")
        if kind == "data" and not inside:
            plain += value
        else:
            plain += (_HOLE if kind == "variable_begin" else "") + "\n" * value.count("\n")
        inside = begins or (inside and not ends)
    parser = _Texts()
    parser.feed(plain)
    yield from (Unmarked((name, line, text)) for line, text in parser.found)
    yield from (Unmarked((name, line, text)) for line, text in _literals(environment().parse(source), False))


def _literals(node: nodes.Node, marked: bool) -> Iterator[tuple[int, str]]:
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        if not marked and _WORDS.search(node.value) and node.value not in SAME | _TAGS:
            yield node.lineno, node.value
        return
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in MARKS:
        if node.args and not isinstance(node.args[0], nodes.Const):
            yield node.lineno, "the message is no literal"
        for one in node.args[:2]:
            if isinstance(one, nodes.Const) and '"' in re.sub(r"<[^>]*>", "", str(one.value)):
                yield node.lineno, f"a straight quotation mark would end an attribute: {one.value}"
        for value in [*node.args[1:], *node.kwargs]:
            yield from _literals(value, isinstance(value, nodes.Const))
        return
    if isinstance(node, nodes.Extends | nodes.Include | nodes.Import | nodes.Compare):
        return
    if isinstance(node, nodes.TemplateData):
        return
    for child in node.iter_child_nodes():
        yield from _literals(child, False)


class _Python(ast.NodeVisitor):
    def __init__(self, every: bool) -> None:
        self.found: list[tuple[int, str]] = []
        self._every, self._refusing = every, 0

    def generic_visit(self, node: ast.AST) -> None:
        """All but annotations: in quotes they are no words."""
        for field, value in ast.iter_fields(node):
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, ast.AST) and field not in ("annotation", "returns"):
                    self.visit(one)

    def visit_Call(self, node: ast.Call) -> None:
        name = _name_of(node.func)
        if name in MARKS:
            if node.args and not isinstance(node.args[0], ast.Constant):
                self.found.append((node.lineno, "the message is no literal"))
            for one in [*node.args[2 if name in ("ngettext", "pgettext") else 1 :], *node.keywords]:
                self.visit(one)
            return
        if name in ("startswith", "endswith", "partition", "removeprefix", "removesuffix"):
            return
        if name in ("log", "info", "warning", "exception", "error", "Counter", "Gauge", "Histogram", "Field", "Query"):
            return
        self._refusing += name in REFUSALS
        self.generic_visit(node)
        self._refusing -= name in REFUSALS

    def visit_Raise(self, node: ast.Raise) -> None:
        called = _name_of(node.exc.func) if isinstance(node.exc, ast.Call) else ""
        if called not in ("ValueError", "RuntimeError", "TypeError", "KeyError", "AssertionError"):
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        """What is asserted nobody reads."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        text = "".join(str(one.value) if isinstance(one, ast.Constant) else _HOLE for one in node.values)
        self._judge(node.lineno, text)
        for one in node.values:
            if isinstance(one, ast.FormattedValue):
                self.visit(one.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._judge(node.lineno, node.value)

    def _judge(self, line: int, text: str) -> None:
        if (
            (self._every or self._refusing)
            and _WORDS.search(text.replace(_HOLE, ""))
            and text not in SAME | OF_PROGRAMS
        ):
            self.found.append((line, text))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._shadowed(node)
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._shadowed(node)
        self.generic_visit(node)

    def _shadowed(self, node: ast.AST) -> None:
        names = [one for one in ast.walk(node) if isinstance(one, ast.Name) and one.id == "_"]
        called = any(isinstance(one, ast.Call) and _name_of(one.func) == "_" for one in ast.walk(node))
        if called and any(isinstance(one.ctx, ast.Store) for one in names):
            self.found.append((names[0].lineno, "`_` is a variable here, and called too"))


def _name_of(node: Any) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def of_python(path: Path) -> Iterator[Unmarked]:
    """What is not marked in a module: all words of a page's view, the words of refusals elsewhere."""
    visitor = _Python(every=path.is_relative_to(VIEWS))
    visitor.visit(ast.parse(path.read_text("utf-8")))
    yield from (Unmarked((str(path.relative_to(ROOT)), line, text)) for line, text in visitor.found)


def found(paths: list[Path]) -> list[Unmarked]:
    """What is not marked in all of these files and folders."""
    files = [one for path in paths for one in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    listed: list[Unmarked] = []
    for one in files:
        if "node_modules" in one.parts or str(one.relative_to(ROOT)) in EXEMPT:
            continue
        if one.suffix == ".html":
            listed += of_template(one)
        elif one.suffix == ".py":
            listed += of_python(one)
    return listed


if __name__ == "__main__":
    all_found = found([Path(one).resolve() for one in sys.argv[1:]] or [TEMPLATES, ROOT / "services"])
    print("\n".join(str(one) for one in all_found))
    sys.exit(bool(all_found))
