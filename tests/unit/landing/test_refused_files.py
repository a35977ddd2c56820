"""Files that are refused: one clear message each, naming the file and what to do."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest
from tests.working import read_texts

from taxiway.errors import DeliveryRefused
from taxiway.landing import CSV

COLUMNS = ["carrier", "origin", "dest"]
HEADER = b"carrier,origin,dest\n"


def zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in names:
            file.writestr(name, HEADER)
    return packed.getvalue()


REFUSED = {
    "empty": (b"", "is empty"),
    "blank lines": (b"\n \n\r\n", "is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "is empty"),
    "header only": (HEADER, "has a header but no rows"),
    "header and blank lines": (HEADER + b"\n\n", "has a header but no rows"),
    "a NUL byte": (HEADER + b"UA,\0,IAH\n", "has a NUL byte in line 2, at byte 4 of it: take it out"),
    "two NUL bytes": (HEADER + b"UA,\0\0,IAH\n", "has a NUL byte in line 2, at byte 4 of it, and 1 more: take it out"),
    "a copy that was not finished": (
        HEADER + b"UA,EWR,IAH\nUA,E" + bytes(4096),
        "ends in 4,096 NUL bytes, from line 3",
    ),
    "binary": (bytes(range(256)) * 64, r"is binary or UTF-16, not CSV in UTF-8 \(64 NUL bytes"),
    "UTF-16": ("carrier,origin,dest\nUA,EWR,IAH\n".encode("utf-16"), r"is binary or UTF-16, .* \(iconv -f UTF-16"),
    "UTF-16 without its mark": ("carrier,origin,dest\nUA,EWR,IAH\n".encode("utf-16-le"), "is binary or UTF-16 without"),
    "UTF-32": ("carrier,origin,dest\nUA,EWR,IAH\n".encode("utf-32"), "is binary or UTF-32"),
    "not UTF-8": (
        HEADER + b"UA,EWR,IAH\nUA,EWR,\xe9\n",
        r"is not UTF-8 at byte 38, line 3 \(0xe9\): deliver it in UTF-8; in Windows-1252 or Latin-1 it is 'é'",
    ),
    "gzip": (gzip.compress(HEADER + b"UA,EWR,IAH\n"), "is packed with gzip, not CSV: deliver it unpacked"),
    "bzip2": (bz2.compress(HEADER + b"UA,EWR,IAH\n"), "is packed with bzip2, not CSV: deliver it unpacked"),
    "xz": (lzma.compress(HEADER + b"UA,EWR,IAH\n"), "is packed with xz, not CSV: deliver it unpacked"),
    "zip": (zipped("flights.csv"), "is packed with zip, not CSV: deliver it unpacked"),
    "Excel": (zipped("[Content_Types].xml", "xl/workbook.xml"), "is an Excel workbook, not CSV: export"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "is an Excel workbook, not CSV: export"),
    "Parquet": (b"PAR1" + bytes(8) + b"PAR1", "is a Parquet file, not CSV: export"),
    "JSON": (b'[{"carrier": "UA"}]\n', "is JSON, not CSV"),
    "JSON lines": (b'{"carrier": "UA"}\n{"carrier": "AA"}\n', "is JSON, not CSV"),
    "XML": (b"<flights>\n<flight/></flights>\n", "is an HTML or XML page"),
    "a page": (b"\n<!DOCTYPE html>\n<html></html>\n", "is an HTML or XML page"),
    "cut in the header": (b"carrier,ori", r"has no column 'origin' \(is it 'ori'\?\)"),
    "a column missing": (b"carrier,dest\nUA,IAH\n", "has no column 'origin': deliver the columns carrier, origin"),
    "a column renamed": (b"carrier,orig,dest\nUA,EWR,IAH\n", r"has no column 'origin' \(is it 'orig'\?\)"),
    "semicolons": (
        b"carrier;origin;dest\nUA;EWR;IAH\n",
        "has fields separated by semicolons; separate them by commas \\(or declare delimiter=';'\\)$",
    ),
    "tabs": (b"carrier\torigin\tdest\nUA\tEWR\tIAH\n", "has fields separated by tabs; separate"),
    "bars": (b"carrier|origin|dest\nUA|EWR|IAH\n", "has fields separated by bars; separate"),
    "quoted semicolons": (b'"carrier";"origin";"dest"\n"UA";"EWR";"IAH"\n', "has fields separated by semicolons; sep"),
    "a sep= line": (b"sep=,\r\n" + HEADER + b"UA,EWR,IAH\n", "begins with the line 'sep=,', .*: take it out$"),
    "a sep= line and semicolons": (
        b"sep=;\ncarrier;origin;dest\nUA;EWR;IAH\n",
        "begins with the line 'sep=;', which Excel writes: take it out, and separate the fields by commas",
    ),
    "a quoted SEP= line": (
        b'"SEP=\t"\n' + HEADER + b"UA,EWR,IAH\n",
        "begins with the line '\"SEP=.*which Excel writes",
    ),
    "a title": (
        b"Departures\n" + HEADER + b"UA,EWR,IAH\n",
        "has a line above its header, which is line 2; take out what is above \\(or declare skip=1\\)$",
    ),
    "a preamble": (
        b"Report, 2013\n# of flights\n\n" + HEADER + b"UA,EWR,IAH\n",
        "has 3 lines above its header, which is line 4; take out what is above \\(or declare skip=3\\)$",
    ),
    "a line of blanks": (
        b"   \n" + HEADER + b"UA,EWR,IAH\n",
        "has a line above its header, which is line 2; take out what is above \\(or declare skip=1\\)$",
    ),
    "blank lines and a wrong header": (b"\n" * 101 + b"x,y,z\n1,2,3\n", "has no header: its first line is 'x,y,z'"),
    "blank lines and a preamble": (
        b"\r\n" * 101 + b"Report\r\n" + HEADER + b"UA,EWR,IAH\n",
        "has a line above its header, which is line 103; take out what is above \\(or declare skip=102\\)$",
    ),
    "many lines of blanks": (b" \n" * 101 + b"x,y,z\n1,2,3\n", "has no header: its first line is 'x,y,z'"),
    "a form feed in a name": (
        b"carrier,origin\x0c,dest\nUA,EWR,IAH\n",
        r"has its column names written otherwise: 'origin\\x0c'; write origin$",
    ),
    "a form feed in one of few names": (
        b"carrier,orig\x0c\nUA,EWR\n",
        r"has no column 'origin' \(is it 'orig\\x0c'\?\), 'dest'",
    ),
    "a preamble and semicolons": (
        b"Report\nCarrier;Origin;Dest\nUA;EWR;IAH\n",
        (
            ".* line above its header, which is line 2 and fields separated by semicolons and its column names written "
            "otherwise: 'Carrier', 'Origin', 'Dest'; take out what is above \\(or declare skip=1\\), "
            "separate them by commas \\(or declare delimiter=';'\\), write carrier, "
        ),
    ),
    "upper-case names": (
        b"CARRIER,origin,Dest\nUA,EWR,IAH\n",
        "has its column names written otherwise: 'CARRIER', 'Dest'; write carrier, dest$",
    ),
    "padded names": (
        b"carrier, origin,dest \nUA,EWR,IAH\n",
        "has its column names written otherwise: ' origin', 'dest '",
    ),
    "names in brackets": (
        b"<CARRIER>,<ORIGIN>,<DEST>\nUA,EWR,IAH\n",
        "has its column names written otherwise: '<CARRIER>', '<ORIGIN>', '<DEST>'; write carrier, origin, dest$",
    ),
    "names in brackets and semicolons": (
        b"<CARRIER>;<ORIGIN>;<DEST>\nUA;EWR;IAH\n",
        "has fields separated by semicolons",
    ),
    "no header": (
        b"UA,EWR,IAH\nAA,JFK,MIA\n",
        "has no header: its first line is 'UA,EWR,IAH'; begin it with the names",
    ),
    "a column twice": (b"carrier,origin,dest,dest\nUA,EWR,IAH,IAH\n", "has a column twice in its header: 'dest'"),
    "a quote open at the end": (
        HEADER + b'UA,EWR,IAH\nUA,"EWR,IAH\nUA,EWR,IAH\n',
        ".* quote in the record that starts at line 3",
    ),
    "a quote that meets the next one": (
        HEADER + b'"x\ny",EWR,IAH\nUA,"EWR,IAH\nUA,"LGA",IAH\n',
        ".* quote in the record that starts at line 4",
    ),
    "a quote open in the header": (
        b'carrier,"origin,dest\nUA,EWR,IAH\n',
        ".* quote in the record that starts at line 1",
    ),
    "a quote open for too long": (
        HEADER + b'UA,"EWR,IAH\n' + b"UA,EWR,IAH\n" * 20_000,
        "has an unclosed or misplaced quote, or a field of more than 131,072 characters, in the record .* line 2:",
    ),
    "a field longer than the limit": (
        HEADER + b'UA,EWR,IAH\nUA,EWR,"' + b"I" * 131_073 + b'"\n',
        "has .* a field of more than 131,072 characters, in the record that starts at line 3: .* or shorten the field$",
    ),
    "an endless record": (
        HEADER + b"UA,EWR,IAH\nUA,EWR," + b"I" * (1 << 25) + b"\n",
        "has a record of more than 16,777,216 bytes, which begins at line 3",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    data, message = REFUSED[case]
    path = tmp_path / "flights-2013-01.csv"
    path.write_bytes(data)
    with pytest.raises(DeliveryRefused, match=rf"^flights-2013-01\.csv {message}") as caught:
        read_texts(path.name, path.read_bytes(), COLUMNS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["UA,EWR,IAH", "UA,EW", "UA,EWR,I"])
def test_a_file_without_a_last_line_end_is_read_with_a_warning_or_refused(tmp_path: Path, end: str) -> None:
    path = tmp_path / "flights.csv"
    path.write_bytes(HEADER + b"UA,EWR,IAH\n" + end.encode())
    delivered = read_texts(path.name, path.read_bytes(), COLUMNS)
    assert delivered.warnings == (
        "flights.csv may be cut: line 3, the last, has no end, and its record is taken as it is",
    )
    fields = end.split(",")
    last = dict(zip(COLUMNS, fields if len(fields) == 3 else [None] * 3, strict=True))
    assert delivered.table.select(COLUMNS).to_pylist() == [dict(zip(COLUMNS, ["UA", "EWR", "IAH"], strict=True)), last]
    with pytest.raises(DeliveryRefused, match=r"^flights\.csv is truncated: line 3, the last, has no end; deliver"):
        read_texts(path.name, path.read_bytes(), COLUMNS, CSV("file.csv", unfinished="refuse"))


def test_names_in_brackets_may_be_what_was_agreed(tmp_path: Path) -> None:
    path = tmp_path / "flights.csv"
    path.write_bytes(b"<DATE>,<OPEN>\n1,2\n")
    assert read_texts(path.name, path.read_bytes(), ["<DATE>", "<OPEN>"]).table.num_rows == 1
