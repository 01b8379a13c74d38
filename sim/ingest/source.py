"""A user's table on disk: plain or packed, streamed in blocks, with the line of every row for messages.

Memory: one block of ``BLOCK_ROWS`` rows at a time, whatever the size of the file.
"""

import bz2
import csv
import gzip
import hashlib
import io
import lzma
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.errors import DataError
from sim.settings.problems import did_you_mean, shown

BLOCK_ROWS = 250_000
_HEAD_BYTES = 1 << 16
_SMALL_BYTES = 1_000_000
LARGEST = 1e15
"""Prices, sizes and values above this are taken for defects; squares and sums of lesser ones are finite."""
_MAGIC = {b"\x1f\x8b": "gz", b"\xfd7zXZ\x00": "xz", b"BZh": "bz2", b"PK\x03\x04": "zip"}
_FOREIGN = {
    b"PAR1": "a Parquet file",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"\xd0\xcf\x11\xe0": "an Excel file",
    b"%PDF": "a PDF file",
}
_DELIMITERS = ",;\t|"
_LOCAL_DECIMAL = re.compile(r"\s*[-+]?\d{1,3}(?:\.\d{3})*,\d+\s*|\s*[-+]?\d+,\d+\s*")
_LINE_IN_ERROR = re.compile(r"line (\d+)")


@dataclass(frozen=True)
class Table:
    """A readable table: where it is, how its cells are parted, and what its columns are called.

    Attributes
    ----------
    path : Path
    shown : str
        How messages name it.
    delimiter : str
    columns : tuple of str
        Lower case, stripped, blanks as underscores.
    header_line : int
        Line of the header, from 1.
    sha256 : str
        Of the file as it lies on disk.
    """

    path: Path
    shown: str
    delimiter: str
    columns: tuple[str, ...]
    header_line: int
    sha256: str

    def at(self, line: int, sentence: str) -> DataError:
        """An error that names a line."""
        return DataError(f"{self.shown}:{line}: {sentence}")

    def need(self, *choices: str, what: str) -> str:
        """The first of these columns that the table has, or a refusal that names what was looked for."""
        found = next((name for name in choices if name in self.columns), None)
        if found is None:
            hint = did_you_mean(choices[0], self.columns)
            have = ", ".join(self.columns[:12])
            raise self.at(
                self.header_line,
                f"no column for the {what}: name one of them {' or '.join(map(repr, choices))} (there is: "
                f"{have}){hint}",
            )
        return found

    def has(self, *choices: str) -> str | None:
        """The first of these columns that the table has."""
        return next((name for name in choices if name in self.columns), None)


class Block(NamedTuple):
    """Some rows of a table, and the line in the file of each."""

    frame: pd.DataFrame
    lines: NDArray[np.int64]


def open_table(path: str | Path) -> Table:
    """Look at the head of a file and say how it is to be read.

    Parameters
    ----------
    path : str or Path
        CSV text, plain or packed with gz, xz, bz2 or zip (one member); lines that begin with # before the header are
        comments.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        When it is no such file, has no header or a column twice.
    """
    file, name = Path(path), str(path)
    try:
        if not file.is_file():
            raise DataError(f"{name}: {'is no file' if file.exists() else 'no such file'}")
        with file.open("rb") as raw:
            magic = raw.read(8)
            digest = hashlib.sha256(magic)
            while piece := raw.read(1 << 20):
                digest.update(piece)
        foreign = next((what for start, what in _FOREIGN.items() if magic.startswith(start)), None)
        if foreign:
            raise DataError(f"{name}: is {foreign}: save it as CSV in UTF-8 (gz, xz, bz2 and zip are read as they are)")
        with _bytes_of(file, name) as stream:
            head = stream.read(_HEAD_BYTES)
    except (OSError, EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise DataError(f"{name}: cannot be read ({error}): is it complete?") from None
    if b"\0" in head:
        raise DataError(f"{name}: holds NUL bytes, so it is not text: save it as CSV in UTF-8")
    if len(head) == _HEAD_BYTES and b"\n" not in head:
        raise DataError(f"{name}: its first line is longer than {_HEAD_BYTES:,} bytes: is this the right file?")
    text = head.decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            return _with_header(file, name, number, line, digest.hexdigest())
    raise DataError(f"{name}: is empty: it needs a header line and rows")


def _with_header(file: Path, name: str, number: int, line: str, sha256: str) -> Table:
    delimiter = max(_DELIMITERS, key=line.count)
    cells = next(csv.reader([line], delimiter=delimiter))
    columns = tuple(re.sub(r"\s+", "_", cell.strip().lower()) for cell in cells)
    while columns and columns[-1] == "":
        columns = columns[:-1]  # a delimiter at the end of the line
    if all(re.fullmatch(r"[-+0-9.,:eTZ ]*", cell) for cell in columns):
        raise DataError(f"{name}:{number}: has no header line: put the names of the columns in the first line")
    for column in columns:
        if columns.count(column) > 1:
            raise DataError(f"{name}:{number}: two columns are called {column!r}: rename one")
    return Table(file, name, delimiter, columns, number, sha256)


def _bytes_of(file: Path, name: str) -> IO[bytes]:
    """The unpacked bytes of a file; what it is packed with is read from its first bytes, not from its name."""
    with file.open("rb") as raw:
        magic = raw.read(8)
    packed = next((how for start, how in _MAGIC.items() if magic.startswith(start)), "")
    if packed == "gz":
        return gzip.open(file, "rb")  # type: ignore[return-value]
    if packed == "xz":
        return lzma.open(file, "rb")
    if packed == "bz2":
        return bz2.open(file, "rb")
    if packed == "zip":
        members = zipfile.ZipFile(file).namelist()
        if len(members) != 1:
            raise DataError(f"{name}: the archive holds {len(members)} files: unpack it and name one")
        return zipfile.ZipFile(file).open(members[0])
    return file.open("rb")


def text_of(table: Table) -> str:
    """The whole text of a small table.

    Parameters
    ----------
    table : Table

    Returns
    -------
    str

    Raises
    ------
    DataError
        When it is larger than a megabyte, or no UTF-8.
    """
    with _bytes_of(table.path, table.shown) as stream:
        raw = stream.read(_SMALL_BYTES + 1)
    if len(raw) > _SMALL_BYTES:
        raise DataError(f"{table.shown}: is larger than {_SMALL_BYTES:,} bytes: is this the right file?")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{table.shown}: is not UTF-8 text: save it as CSV in UTF-8") from None


class _Headed(io.TextIOBase):
    """A text stream with a header line of our own before it: one column more than the table has, for cells too many."""

    def __init__(self, head: str, rest: IO[str]) -> None:
        self.head, self.rest = head, rest

    def read(self, size: int | None = -1, /) -> str:
        """The header first, then the rest."""
        head, self.head = self.head, ""
        return head or self.rest.read(-1 if size is None else size)

    def readable(self) -> bool:
        """Always."""
        return True


def blocks(table: Table, columns: Sequence[str], rows: int = BLOCK_ROWS) -> Iterator[Block]:
    """Rows of a table, some at a time; blank lines are left out.

    Parameters
    ----------
    table : Table
    columns : sequence of str
        Those wanted, by their names in ``table.columns``.
    rows : int
        Most rows at once.

    Yields
    ------
    Block
        Cells as pandas guesses them: numbers where a whole block's column is numeric.

    Raises
    ------
    DataError
        For a row with too many cells, text that is not UTF-8, or a file that ends early.
    """
    wanted = [table.columns.index(name) for name in columns]
    line = table.header_line + 1
    try:
        with _bytes_of(table.path, table.shown) as stream, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict", newline="")
            for _ in range(table.header_line):
                text.readline()
            reader: Any = pd.read_csv(
                _Headed(table.delimiter.join(map(str, range(len(table.columns) + 1))) + "\n", text),
                sep=table.delimiter,
                header=0,
                index_col=False,
                usecols=[str(n) for n in (*wanted, len(table.columns))],  # cells beyond those wanted are dropped untold
                chunksize=rows,
                skipinitialspace=True,
                skip_blank_lines=False,
                low_memory=False,
            )
            for frame in reader:
                if frame[str(len(table.columns))].notna().any():
                    raise pd.errors.ParserError("a row has more cells than the header")
                frame = frame[[str(n) for n in wanted]]
                frame.columns = list(columns)
                lines = np.arange(line, line + len(frame), dtype=np.int64)
                line += len(frame)
                filled = ~frame.isna().all(axis=1).to_numpy()
                yield Block(frame[filled].reset_index(drop=True), lines[filled])
    except pd.errors.EmptyDataError:
        return
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise _too_many_cells(table, str(error)) from None
    except UnicodeDecodeError:
        raise table.at(line, "text after this line is not UTF-8: save the file as CSV in UTF-8") from None
    except (EOFError, lzma.LZMAError, OSError) as error:
        raise DataError(f"{table.shown}: cannot be read to its end ({error}): is it complete?") from None


def _too_many_cells(table: Table, error: str) -> DataError:
    """Find the line that pandas would not read."""
    with _bytes_of(table.path, table.shown) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        for number, cells in enumerate(csv.reader(text, delimiter=table.delimiter), start=1):
            extra = cells[len(table.columns) :]
            if number > table.header_line and any(cell.strip() for cell in extra):
                why = f"has {len(cells)} cells, the header has {len(table.columns)}"
                hint = " (decimal commas? write decimal points)" if table.delimiter == "," else ""
                return table.at(number, f"{why}: correct the row{hint}")
    return DataError(f"{table.shown}: cannot be read as a table ({error})")


def numbers(table: Table, block: Block, column: str) -> NDArray[np.float64]:
    """One column as floats; an empty cell is NaN.

    Parameters
    ----------
    table : Table
    block : Block
    column : str

    Returns
    -------
    float64[n]

    Raises
    ------
    DataError
        For a cell that is neither empty nor a number: formulas, decimal commas, currency signs.
    """
    cells = block.frame[column]
    if cells.dtype.kind in "iuf":
        values: NDArray[np.float64] = cells.to_numpy(np.float64)
        return values
    values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.isnan(values) & ~cells.isna().to_numpy()
    if cells.dtype.kind == "b":
        bad[:] = True
    if bad.any():
        at = int(np.argmax(bad))
        cell = str(cells.iloc[at])
        raise table.at(int(block.lines[at]), f"{column}: expected a number, got {shown(cell)}{_cure(cell)}")
    return values


def _cure(cell: str) -> str:
    if _LOCAL_DECIMAL.fullmatch(cell):
        return ": decimal commas are not guessed (1,234 is a thousand to some); write decimal points"
    if cell.lstrip().startswith(("=", "@")):
        return ": formulas are not worked out; save the values"
    if re.search(r"[$€£%]", cell):
        return ": leave out currency and percent signs"
    return ""
