"""Every refusal is a whole problem document (RFC 9457), whoever made it."""

import pytest

from services.kit.problems import Problem, forbidden, not_found


@pytest.mark.parametrize("problem", [not_found("contract"), forbidden(), Problem(405, "method-not-allowed", "No.")])
def test_a_refusal_without_words_of_its_own_still_says_what_to_do(problem: Problem) -> None:
    document = problem.document()
    assert {"type", "title", "status"} < set(document)
    assert document["detail"].endswith(".")
    assert document["detail"] != document["title"]


def test_own_words_come_first_and_survive_the_bus() -> None:
    problem = Problem(409, "no-seat-left", "No seat.", "Release one.", holders=["a"])
    assert problem.document()["detail"] == "Release one."
    assert Problem.from_document(problem.document()).document() == problem.document()


def test_a_refusal_names_its_rule_where_there_is_one() -> None:
    """Its own, else that of its kind."""
    assert Problem(409, "no-seat-left", "No seat.").document()["rule"] == "L-03"
    assert Problem(409, "no-seat-left", "No seat.", rule="W-09").document()["rule"] == "W-09"
    assert forbidden(rule="S-07").document()["rule"] == "S-07"
    assert "rule" not in not_found("member").document()
