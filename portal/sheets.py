"""A table that somebody exported from somewhere: CSV in any of the usual encodings and separators, line by line.

Memory stays flat however long the file is. A line that cannot be read is told with its number, and the lines behind it
are read all the same: a quotation mark that is never closed takes only its own line.

    sheet = Sheet(file)
    sheet.columns                       # ["serial", "token"]
    for line in sheet:                  # as often as you like
        line.number, line.cells         # 2, {"serial": "1001", "token": "…"}
        line.problem                    # why there are no cells
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import IO, NamedTuple

from portal.sentences import Explained, Sentence, say

SEPARATORS = ",;\t|"
LINE_LIMIT = 64 * 1024  # characters
CELL_LINES = 50  # over how many lines a quoted cell may go
COLUMNS_LIMIT = 500
CHUNK = 256 * 1024
_BOMS = {BOM_UTF8: "utf-8-sig", BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16"}
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_STRANGE = re.compile(f"[\0{_UNREADABLE}]")
_NO_PROBLEM = Sentence()
_NO_CELLS: Mapping[str, str] = MappingProxyType({})
_STRANGE_SIGNS = say("The line holds signs that cannot be read.")
# What Excel writes above the table where its own separator would not be found: https://en.wikipedia.org/wiki/CSV
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')


class NoTable(Explained):
    """Nothing of the file can be used; the sentence says why."""


class Line(NamedTuple):
    """One line of the table. `number` is that of the file, from 1; a line with a problem has no cells.

    `ends`: the number of the file's line that it ends in, as cells may go over several.
    """

    number: int
    cells: Mapping[str, str] = _NO_CELLS
    problem: Sentence = _NO_PROBLEM
    more: int = 0

    @property
    def ends(self) -> int:
        return self.number + self.more


class Sheet:
    """A binary file that can be sought. Reading begins at its beginning each time. Raises NoTable."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.encoding = _encoding_of(file)
        self.columns: list[str] = []
        self._head(_Ahead(self._physical()))

    def __iter__(self) -> Iterator[Line]:
        return self.after(self._header_ends)

    def after(self, ends: int) -> Iterator[Line]:
        """The lines behind the one that ends there: reading goes on where it was left."""
        source = _Ahead(self._physical())
        for number, text in source:
            if number > max(ends, self._header_ends) and text.strip():
                yield self._line(number, text, source)

    def _head(self, source: _Ahead) -> None:
        """Finds the separator and the columns."""
        separator = ""
        for number, text in source:
            if found := _SEPARATOR_LINE.fullmatch(text):
                separator = found[1]
            elif text.strip():
                self.separator = separator or _separator_of(text)
                read = self._cells(text, source)
                if read is None or not _is_readable(text, *read[0]):
                    raise NoTable(say("The first line cannot be read. It must hold the names of the columns."))
                self.columns = _names(read[0])
                self._header_ends = number + read[1]
                return
        raise NoTable(say("The file is empty."))

    def _physical(self) -> Iterator[tuple[int, str]]:
        """The lines of the file with their numbers; of one that is too long, its beginning."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, self.encoding, errors="replace", newline="")
        try:
            number = 0
            while line := text.readline(LINE_LIMIT + 1):
                number += 1
                rest = line
                while len(rest) > LINE_LIMIT and not rest.endswith(("\n", "\r")):
                    rest = text.readline(LINE_LIMIT + 1)
                yield number, line
        finally:
            with suppress(ValueError):  # whoever stopped in the middle may have closed the file since
                text.detach()

    def _line(self, number: int, text: str, source: _Ahead) -> Line:
        if len(text) > LINE_LIMIT:
            return Line(number, problem=say("The line is too long."))
        if not _is_readable(text):
            return Line(number, problem=_STRANGE_SIGNS)
        read = self._cells(text, source)
        if read is None:
            return Line(number, problem=say("The line is broken: look at its quotation marks."))
        cells, more = read
        if more and not _is_readable(*cells):
            return Line(number, problem=_STRANGE_SIGNS, more=more)
        while len(cells) > len(self.columns) and not cells[-1]:
            cells.pop()  # a separator at the end of each line
        if len(cells) != len(self.columns):
            said = say("Cells in this line: %(found)s; in the first line: %(wanted)s.",
                       found=len(cells), wanted=len(self.columns))  # fmt: skip
            return Line(number, problem=said, more=more)
        return Line(number, dict(zip(self.columns, cells, strict=True)), more=more)

    def _cells(self, text: str, source: _Ahead) -> tuple[list[str], int] | None:
        """The cells, and how many lines more they took: a quoted cell may go over several. None where it is broken."""
        if '"' not in text:  # most lines: what csv would find, several times as fast
            return [cell.strip() for cell in text.split(self.separator)], 0
        more = 0
        while text.count('"') % 2:
            following = source.look(more)
            if following is None or more == CELL_LINES or len(text) > LINE_LIMIT:
                return None
            text, more = text + following, more + 1
        try:
            cells = next(csv.reader([text], delimiter=self.separator, strict=True))
        except (csv.Error, StopIteration):
            return None
        if more and self.columns and len(cells) != len(self.columns):
            return None  # two broken lines that met
        source.skip(more)
        return [cell.strip() for cell in cells], more


class _Ahead:
    """Lines one by one, of which the next can be looked at first."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._next: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        while True:
            found = self._next.popleft() if self._next else next(self._lines, None)
            if found is None:
                return
            yield found

    def look(self, ahead: int) -> str | None:
        while len(self._next) <= ahead:
            found = next(self._lines, None)
            if found is None:
                return None
            self._next.append(found)
        return self._next[ahead][1]

    def skip(self, count: int) -> None:
        for _ in range(count):
            self._next.popleft()


def _is_readable(*texts: str) -> bool:
    """Whether they were decoded, and no database refuses them."""
    return not any(map(_STRANGE.search, texts))


def _names(cells: list[str]) -> list[str]:
    """Raises NoTable where a column could not be told from another."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > COLUMNS_LIMIT:
        raise NoTable(say("The file has more than %(limit)s columns.", limit=COLUMNS_LIMIT))
    for place, name in enumerate(cells, start=1):
        if not name:
            raise NoTable(say("Column %(number)s has no name. The first line must name every column.", number=place))
        if cells.index(name) != place - 1:
            raise NoTable(say("Two columns are named “%(name)s”.", name=name))
    return cells


def _separator_of(text: str) -> str:
    """The one that stands most often outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", text)
    return max(SEPARATORS, key=bare.count)


def _encoding_of(file: IO[bytes]) -> str:
    """By its mark; else by what stands in it: the whole file is read once. Raises NoTable for what is no text."""
    file.seek(0)
    start = file.read(CHUNK)
    if start.startswith(b"PK\x03\x04"):
        raise NoTable(say("This is a workbook, or another packed file. Save the table as CSV first."))
    for mark, encoding in _BOMS.items():
        if start.startswith(mark):
            return encoding
    pairs = max(1, len(start) // 2)
    for first, encoding in ((0, "utf-16-be"), (1, "utf-16-le")):
        if start[first::2].count(0) > pairs / 2:
            return encoding
    return _eight_bit(file)


def _eight_bit(file: IO[bytes]) -> str:
    """UTF-8, also with some broken lines in it, or else the Windows encoding of western Europe."""
    decoder = getincrementaldecoder("utf-8")("replace")
    file.seek(0)
    good = bad = 0
    while chunk := file.read(CHUNK):
        if not chunk.isascii() or decoder.getstate()[0]:
            text = decoder.decode(chunk)
            bad += (broken := text.count(_UNREADABLE))
            good += len(text) - broken - len(text.encode("ascii", "ignore"))
    return "utf-8" if good >= bad else "cp1252"
