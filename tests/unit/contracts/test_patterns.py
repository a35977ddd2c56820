"""Patterns mean in the engine what Python's `re` means with ASCII classes and `$` as the end of the text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.contracts.guarding import EDGE_TEXTS, connection

from taxiway.contracts.patterns import portable

PATTERNS = [
    r"^\d{4}-\d{2}$", r"[A-Z0-9]{2}-\d+", r"a|b", r"^a|b$", r"(?:a|b)+", r".b", r"[^a]\.", r"\w+\W?", r"[\w.]+$",
    r"[\d-]x?", r"a\$", r"[$.]", r"\\", r"\[x\]", r"[a\]]", r"", r"^$", r"\n", r"a{1,2}?b",
]  # fmt: skip
TEXTS = st.text("ab.x1-$\\[]\nA٣é_", max_size=6) | st.sampled_from(EDGE_TEXTS)


@pytest.mark.parametrize("anchored", [True, False])
@pytest.mark.parametrize("pattern", PATTERNS)
@given(texts=st.lists(TEXTS, min_size=5, max_size=40))
@settings(max_examples=8)
def test_a_pattern_matches_in_the_engine_what_it_matches_in_python(pattern: str, anchored: bool, texts: list[str]):
    strict = re.compile(re.sub(r"(?<![\\\[])\$", r"\\Z", pattern), re.ASCII)
    expected = [bool(strict.match(text) if anchored else strict.search(text)) for text in texts]
    question = "SELECT list_transform($1, lambda text : regexp_matches(text, $2, 's'))"
    found = connection().execute(question, [texts, portable(pattern, anchored=anchored)]).fetchone()
    assert found is not None
    assert found[0] == expected
