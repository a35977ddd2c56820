"""What of a field is trimmed and what stands for a missing value is as declared; what is not declared is told."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.working import read_texts

from taxiway.errors import DefinitionError
from taxiway.landing import CSV, Field, doubtful_texts

BODY = 'NA,1\n"NA",2\n NA ,3\n" NA ",4\n,5\n"",6\n AA ,7\n" ",8\n-,9\n'


def column(tmp_path: Path, form: CSV, body: str = BODY) -> list[str | None]:
    path = tmp_path / "airlines.csv"
    path.write_text(f"carrier,n\n{body}")
    return read_texts(path.name, path.read_bytes(), ["carrier", "n"], form).table["carrier"].to_pylist()


FORMS: dict[str, tuple[Field, list[str | None]]] = {
    "as it is": (Field(), [None, None, " NA ", " NA ", None, None, " AA ", " ", "-"]),
    "nothing is missing": (Field(null=()), ["NA", "NA", " NA ", " NA ", "", "", " AA ", " ", "-"]),
    "another word": (Field(null=("-", "")), ["NA", "NA", " NA ", " NA ", None, None, " AA ", " ", None]),
    "trimmed": (Field(trim=True), [None, None, None, None, None, None, "AA", None, "-"]),
    "trimmed, nothing is missing": (Field(null=(), trim=True), ["NA", "NA", "NA", "NA", "", "", "AA", "", "-"]),
    "a quoted one is a value": (
        Field(quoted_is_value=True),
        [None, "NA", " NA ", " NA ", None, "", " AA ", " ", "-"],
    ),
    "trimmed, a quoted one is a value": (
        Field(trim=True, quoted_is_value=True),
        [None, "NA", None, "NA", None, "", "AA", "", "-"],
    ),
}


@pytest.mark.parametrize("case", FORMS)
@pytest.mark.parametrize("whole", [True, False], ids=["whole file", "one column"])
def test_a_column_is_understood_as_declared(tmp_path: Path, case: str, whole: bool) -> None:
    own, wanted = FORMS[case]
    null = own.null if own.null is not None else ("NA", "")
    of_all = CSV("file.csv", null=null, trim=bool(own.trim), quoted_is_value=bool(own.quoted_is_value))
    assert column(tmp_path, of_all if whole else CSV("file.csv", fields={"carrier": own})) == wanted


def test_a_column_may_differ_from_its_file_in_either_way(tmp_path: Path) -> None:
    of_the_file = CSV(
        "file.csv", null=(), trim=True, quoted_is_value=True, fields={"carrier": Field(("NA",), False, False)}
    )
    assert column(tmp_path, of_the_file) == [None, None, " NA ", " NA ", "", "", " AA ", " ", "-"]
    path = tmp_path / "airlines.csv"
    path.write_text("carrier,n\nNA,NA\nx, 7 \n")
    form = CSV("file.csv", fields={"n": Field(trim=True)})
    assert read_texts(path.name, path.read_bytes(), ["carrier", "n"], form).table.select(
        ["carrier", "n"]
    ).to_pylist() == [
        {"carrier": None, "n": None},
        {"carrier": "x", "n": "7"},
    ]


def test_malformed_records_keep_their_place(tmp_path: Path) -> None:
    form = CSV("file.csv", fields={"carrier": Field(null=(), trim=True)})
    assert column(tmp_path, form, "NA,1\nshort\n AA ,3\n") == ["NA", None, "AA"]


TEXTS = st.sampled_from(["", " ", "NA", " NA", "NA ", "x", " x ", "-", "a,b", '"', "\u00a0x"])


@given(
    rows=st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=8),
    null=st.lists(st.sampled_from(["", "NA", "-", "x"]), unique=True).map(tuple),
    trim=st.booleans(),
    quoted_is_value=st.booleans(),
)
def test_a_field_is_what_a_naive_reading_makes_of_it(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, bool]],
    null: tuple[str, ...],
    trim: bool,
    quoted_is_value: bool,
) -> None:
    lines, wanted = [], []
    for text, quoted in rows:
        is_quoted = quoted or "," in text or '"' in text
        escaped = text.replace('"', '""')
        lines.append(f'"{escaped}",1\n' if is_quoted else f"{text},1\n")
        value = text.strip() if trim else text
        wanted.append(None if value in null and not (quoted_is_value and is_quoted) else value)
    form = CSV("file.csv", fields={"carrier": Field(null, trim, quoted_is_value)})
    assert column(tmp_path_factory.getbasetemp(), form, "".join(lines)) == wanted


def doubts(*values: str | None, form: CSV | None = None) -> list[str]:
    return list(
        doubtful_texts(
            "a.csv", pa.table({"carrier": pa.array(values, pa.string())}), ["carrier"], (form or CSV("file.csv")).fields
        )
    )


def test_padded_texts_and_words_for_a_missing_value_are_told() -> None:
    assert doubts("UA", None, "New York", "") == []
    assert doubts(" UA", "AA ", "\tDL", "\u00a0B6", "AA ") == [
        (
            "a.csv: carrier has 5 values padded with blanks (' UA', 'AA ', '\\tDL', ...): "
            "say what they are, with fields={'carrier': Field(...)}"
        )
    ]
    (told,) = doubts("N/A", "null", "N/A", "n/a ", "x")
    assert "1 value padded with blanks ('n/a ') and 4 values a word for a missing value ('N/A', 'null', 'n/a ')" in told


@pytest.mark.parametrize("word", ["NULL", "N/A", "#N/A", "nan", "None", "\\N", "-", "(null)", "na"])
def test_each_word_for_a_missing_value_is_told(word: str) -> None:
    assert len(doubts("x", word)) == 1
    assert doubts("x", word, form=CSV("file.csv", fields={"carrier": Field()})) == [], "it has been declared"


def test_what_is_no_format_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"null: 'NA' is no tuple of texts: write null="):
        CSV("file.csv", null="NA")  # pyright: ignore[reportArgumentType]
    with pytest.raises(DefinitionError, match=r"carrier: null: 'NA' is no tuple of texts"):
        CSV("file.csv", fields={"carrier": Field(null="NA")})  # pyright: ignore[reportArgumentType]
    with pytest.raises(DefinitionError, match="unfinished is 'warn' or 'refuse'"):
        CSV("file.csv", unfinished="ignore")  # pyright: ignore[reportArgumentType]
