"""Tables from outside: whatever encoding, separator and damage they come with."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from portal.sheets import LINE_LIMIT, NoTable, Sheet

TABLE = [["serial", "name"], ["1001", "Zoë, of “Liège”"], ["1002", "Bram"]]
CELLS = [dict(zip(TABLE[0], row, strict=True)) for row in TABLE[1:]]


def sheet(text: str | bytes, encoding: str = "utf-8") -> Sheet:
    return Sheet(io.BytesIO(text if isinstance(text, bytes) else text.encode(encoding)))


def written(separator: str = ",", ending: str = "\r\n") -> str:
    return "".join(separator.join(f'"{cell}"' for cell in row) + ending for row in TABLE)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_usual_encoding_and_separator_is_read(encoding: str, separator: str) -> None:
    assert [line.cells for line in sheet(written(separator), encoding)] == CELLS


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(ending: str) -> None:
    assert [(line.number, line.cells) for line in sheet(written(ending=ending))] == [(2, CELLS[0]), (3, CELLS[1])]


def test_a_sheet_can_be_read_again() -> None:
    found = sheet(written())
    assert list(found) == list(found)


def test_a_cell_over_several_lines_is_one_cell() -> None:
    lines = list(sheet('serial,note\n1,"first\nsecond"\n2,"he said ""no"""\n'))
    assert [(line.number, line.cells["note"]) for line in lines] == [(2, "first\nsecond"), (4, 'he said "no"')]


def test_excels_line_about_the_separator_is_no_header() -> None:
    assert sheet("sep=;\nserial;name,first\n1;Anna\n").columns == ["serial", "name,first"]


def test_blank_lines_and_separators_at_the_end_are_nothing() -> None:
    assert [line.cells for line in sheet("\nserial,name,\n\n1,Anna,\n  \n")] == [{"serial": "1", "name": "Anna"}]


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ('2,"never closed', "The line is broken: look at its quotation marks."),
        ("2", "Cells in this line: 1; in the first line: 2."),
        ("2,a,b", "Cells in this line: 3; in the first line: 2."),
        ("2,\0", "The line holds signs that cannot be read."),
        ('2,"a"b', "The line is broken: look at its quotation marks."),
        ("2," + "x" * LINE_LIMIT, "The line is too long."),
    ],
)
def test_a_broken_line_is_told_and_the_others_are_read(broken: str, problem: str) -> None:
    lines = list(sheet(f"serial,name\n1,Zoë\n{broken}\n3,Chloé\n"))
    assert [(line.number, line.cells.get("serial"), line.problem) for line in lines] == [
        (2, "1", ""),
        (3, None, problem),
        (4, "3", ""),
    ]


def test_a_stray_quotation_mark_takes_no_other_line_with_it() -> None:
    """Two of them, some lines apart, would make one cell of all that stands between."""
    lines = list(sheet('serial,name\n1,"a\n2,b\n3,"c\n4,d\n'))
    assert [line.number for line in lines if line.problem] == [2, 4]
    assert [line.cells["serial"] for line in lines if not line.problem] == ["2", "4"]


@pytest.mark.parametrize("sign", [b"\0", b"\xe9"])
def test_a_bad_sign_in_a_later_line_of_a_cell_breaks_that_cell_s_line_only(sign: bytes) -> None:
    lines = list(sheet('serial,name\n1,"Zoë\n'.encode() + sign + '"\n2,Chloé\n'.encode()))
    assert [(line.number, str(line.problem)) for line in lines] == [
        (2, "The line holds signs that cannot be read."),
        (4, ""),
    ]


def test_a_bad_sign_in_utf8_breaks_its_line_only() -> None:
    lines = list(sheet("serial,name\n1,Zoë\n".encode() + b"2,\xe9\n" + "3,Chloé\n".encode()))
    assert [bool(line.problem) for line in lines] == [False, True, False]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "The file is empty."),
        (b"\r\n \r\n", "The file is empty."),
        (b"PK\x03\x04rest", "This is a workbook, or another packed file. Save the table as CSV first."),
        (b"serial,serial\n1,2\n", "Two columns are named “serial”."),
        (b"serial,,name\n1,2,3\n", "Column 2 has no name. The first line must name every column."),
        (b'"serial,name\n1,2\n', "The first line cannot be read. It must hold the names of the columns."),
        (b'serial,"na\nme\0"\n1,2\n', "The first line cannot be read. It must hold the names of the columns."),
        (b",".join(b"c%d" % n for n in range(501)), "The file has more than 500 columns."),
    ],
)
def test_a_file_without_a_table_says_why(text: bytes, problem: str) -> None:
    with pytest.raises(NoTable) as refused:
        sheet(text)
    assert refused.value.sentence == problem


def test_memory_stays_flat() -> None:
    file = io.BytesIO(b"serial,name\n" + b"1001,Anna\n" * 100_000)
    tracemalloc.start()
    assert sum(1 for line in Sheet(file) if not line.problem) == 100_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000
