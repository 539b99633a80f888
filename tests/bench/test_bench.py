"""Rows of the bench run and yield figures, every one in a long run; what they say in a smoke run means nothing."""

import shutil
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from tests.bench import agent, report
from tests.bench.__main__ import ROWS, SLOW, measure
from tests.bench.harness import Bench, Figure, servers
from tests.support.long import unless_long


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with servers(quick=True) as made:
        yield made


QUICK = ["ingest", "freshness", "scoring", "projector", "sign_in"]
"""The way of a segment; the others take ten seconds each."""


@pytest.mark.parametrize("row", unless_long(QUICK, [one for one in ROWS if one != SLOW]))
def test_a_row_yields_figures(bench: Bench, row: str) -> None:
    if row == "agent" and not all(map(shutil.which, agent.NEEDS)):
        pytest.skip("no X server here")
    figures = measure(bench, row)
    assert figures
    for figure in figures:
        assert figure.value > 0, figure.name
        assert report.line(figure).startswith(figure.name)


def test_the_page_says_whether_a_target_is_met_and_the_chart_is_well_formed() -> None:
    figures = [
        Figure("a < b", 300.0, "µs CPU", 200, rounds=[290.0, 310.0]),
        Figure("ratio", 0.95, "×", 0.9, at_least=True),
        Figure("plain", 3.0, "s"),
    ]
    page = report.page({"row": figures}, "Python 3", "make bench", 61)
    assert "| a < b | 300 µs CPU | 290 to 310 | ≤ 200 | **missed** |  |" in page
    assert "| ratio | 0.95 × |  | ≥ 0.9 | met |  |" in page
    assert "| plain | 3.00 s |  |  |  |  |" in page
    bars = [one for one in ElementTree.fromstring(report.chart(figures)).iter() if one.tag.endswith("rect")]
    assert len(bars) == 3  # the ground, and one for each target


@pytest.mark.parametrize("at_least", [True, False])
def test_a_target_is_a_bound(at_least: bool) -> None:
    assert Figure("x", 1, "s", 2, at_least).met is not at_least
    assert Figure("x", 3, "s", 2, at_least).met is at_least
    assert Figure("x", 2, "s", 2, at_least).met
    assert Figure("x", 2, "s").met is None
