"""Order-flow files: reading and checking.

A file has one row for each message with the columns ``type`` (N new, C cancel, M modify), ``side`` (B or S), ``ioc``
(0 or 1), ``qty`` (lots), ``order_id`` and ``price`` (ticks); row numbers from 0 are the sequence numbers of the
report stream. Optional columns: ``tif`` (GTC, IOC, FOK or POST; then ``ioc`` may be left out), ``owner``, ``book``,
``reduce_only`` (0 or 1). CSV, CSV compressed with xz or gzip, and Parquet are read. Rules and report format:
docs/rulebook.md, clause 10.
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sim.errors import DataError
from sim.schema import MAX_LOTS, MAX_PRICE_TICKS

if TYPE_CHECKING:
    import pyarrow as pa

Columns = dict[str, npt.NDArray[np.int64]]

WORDS = {
    "type": ("N", "C", "M"),
    "side": ("B", "S"),
    "tif": ("GTC", "IOC", "FOK", "POST"),
}
REQUIRED = ("type", "side", "qty", "order_id", "price")
OPTIONAL = ("ioc", "tif", "owner", "book", "reduce_only")
MAX_ID = (1 << 63) - 1
MAX_BOOK = (1 << 12) - 1
MAX_OWNER = (1 << 24) - 1
# column -> smallest and largest value, for rows that use it
BOUNDS = {
    "order_id": (0, MAX_ID),
    "qty": (1, int(MAX_LOTS)),
    "price": (1, int(MAX_PRICE_TICKS)),
    "ioc": (0, 1),
    "owner": (0, MAX_OWNER),
    "book": (0, MAX_BOOK),
    "reduce_only": (0, 1),
}
NOT_OF_CANCELS = ("qty", "price")  # a cancel names its order and nothing else


def read_orders(path: str | Path) -> Columns:
    """Read and check an order-flow file.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.csv.xz``, ``.csv.gz`` or ``.parquet``.

    Returns
    -------
    dict of str to int64 array
        ``type`` (0 new, 1 cancel, 2 modify), ``side`` (0 buy, 1 sell), ``tif`` (0 GTC, 1 IOC, 2 FOK, 3 POST), ``qty``
        in lots, ``order_id``, ``price`` in ticks, ``owner``, ``book``, ``reduce_only``; all of one length. Absent
        optional columns are 0.

    Raises
    ------
    DataError
        Naming the file, the row (from 0; the header is not a row) and the column of the first value that cannot be
        used.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; give a .csv, .csv.xz, .csv.gz or .parquet of orders")
    table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    names = table.column_names
    _check_names(path, names)
    columns = {"type": _column(path, "type", table.column("type"))}
    cancels = columns["type"] == WORDS["type"].index("C")
    for name in names:
        if name != "type":
            values = table.column(name)
            columns[name] = _column(path, name, _filled(values, cancels) if name in NOT_OF_CANCELS else values)
    return _complete(path, columns)


def _check_names(path: Path, names: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if "ioc" not in names and "tif" not in names:
        missing.append("ioc")
    unknown = [name for name in names if name not in REQUIRED + OPTIONAL]
    twice = sorted({name for name in names if names.count(name) > 1})
    for what, which in (("is missing", missing), ("is not known", unknown), ("is there twice", twice)):
        if which:
            raise DataError(
                f"{path}: column {which[0]!r} {what}; the header is type,side,ioc,qty,order_id,price "
                f"and may add {', '.join(OPTIONAL[1:])}"
            )


def _read_csv(path: Path) -> pa.Table:
    """All columns as text; a row with too many or too few values is named."""
    import pyarrow as pa
    from pyarrow import csv

    bad: list[Any] = []

    def note(row: Any) -> str:
        bad.append(row)
        return "error"

    with _open(path) as stream:
        try:
            data = stream.read().removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n") + b"\n"
        except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
            raise DataError(f"{path}: cannot be unpacked ({error}); the file is truncated or damaged") from None
    if not data.isascii():
        raise DataError(f"{path}: not a CSV file of orders (it holds bytes that are not ASCII text)")
    header = data[:4096].split(b"\n", 1)[0].decode().strip().split(",")
    try:
        return csv.read_csv(
            io.BytesIO(data),
            read_options=csv.ReadOptions(use_threads=False, block_size=min(max(1 << 20, len(data)), 1 << 30)),
            parse_options=csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=note),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
        )
    except pa.ArrowInvalid as error:
        if bad:
            row = bad[0]
            where = "" if row.number is None else f" row {row.number - 2}:"
            raise DataError(
                f"{path}:{where} {row.actual_columns} values where the header has {row.expected_columns}"
            ) from None
        raise DataError(f"{path}: not a CSV file of orders ({str(error).splitlines()[0]})") from None


def _open(path: Path) -> IO[bytes]:
    name = path.name.lower()
    if name.endswith(".csv"):
        return path.open("rb")
    if name.endswith(".csv.xz"):
        return lzma.open(path, "rb")
    if name.endswith(".csv.gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    raise DataError(f"{path}: unknown kind of file; use .csv, .csv.xz, .csv.gz or .parquet")


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None


def _filled(values: pa.ChunkedArray, cancels: npt.NDArray[np.bool_]) -> pa.ChunkedArray:
    """The values with 0 where a cancel leaves them empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pa.types.is_string(values.type)
    empty = pc.equal(values, "") if text else pc.is_null(values)
    here = np.asarray(empty) & cancels
    return pc.if_else(here, pa.scalar("0" if text else 0, values.type), values) if here.any() else values


def _column(path: Path, name: str, values: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Whole numbers, or the codes of words."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    if values.null_count:
        _refuse(path, name, np.asarray(pc.is_null(values)), values, "is empty")
    if name in WORDS:
        if not pa.types.is_string(values.type) and not pa.types.is_large_string(values.type):
            raise DataError(f"{path}: column {name!r} holds {values.type}; use {' '.join(WORDS[name])}")
        codes = pc.index_in(values, value_set=pa.array(WORDS[name], values.type))
        if codes.null_count:
            _refuse(path, name, np.asarray(pc.is_null(codes)), values, f"is none of {' '.join(WORDS[name])}")
        return np.asarray(codes).astype(np.int64)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        whole = np.asarray(pc.match_substring_regex(values, r"^-?[0-9]{1,18}$"))
        if not whole.all():
            whole |= np.array([_is_int64(text) for text in values.to_pylist()], dtype=bool)
            if not whole.all():
                _refuse(path, name, ~whole, values, "is not a whole number")
    elif not pa.types.is_integer(values.type):
        raise DataError(f"{path}: column {name!r} holds {values.type}; use whole numbers")
    try:
        return np.array(values.cast(pa.int64()))  # a copy: a read-only column would be compiled for once more
    except pa.ArrowInvalid:
        raise DataError(f"{path}: column {name!r} holds a number beyond 2^63 - 1") from None


def _is_int64(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and -(2**63) <= int(text) < 2**63


def _refuse(path: Path, name: str, wrong: npt.NDArray[np.bool_], values: Any, why: str) -> None:
    row = int(np.flatnonzero(wrong)[0])
    value = values[row]
    shown = value.as_py() if hasattr(value, "as_py") else value
    text = "" if shown is None or shown == "" else f" {str(shown)[:40]!r}"
    raise DataError(f"{path}: row {row}: {name}{text} {why}")


def _complete(path: Path, columns: Columns) -> Columns:
    """Bounds of each column, and the optional ones filled in."""
    acts = columns["type"] != WORDS["type"].index("C")
    for name, (low, high) in BOUNDS.items():
        if name in columns:
            values = columns[name]
            lowest = np.where(acts, low, 0) if name in NOT_OF_CANCELS else low
            wrong = (values < lowest) | (values > high)
            if wrong.any():
                _refuse(path, name, wrong, values, f"is outside {low} to {high}")
    n = len(columns["type"])
    ioc = columns.pop("ioc", None)
    if "tif" not in columns:
        columns["tif"] = np.zeros(n, np.int64) if ioc is None else ioc
    elif ioc is not None:
        wrong = (ioc == 1) & (columns["tif"] != WORDS["tif"].index("IOC"))
        if wrong.any():
            _refuse(path, "ioc", wrong, ioc, "contradicts the column tif")
    for name in ("owner", "book", "reduce_only"):
        columns.setdefault(name, np.zeros(n, np.int64))
    return columns
