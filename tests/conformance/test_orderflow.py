"""Reading order-flow files, and replays of them: formats, bad rows, extra columns."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from sim.errors import DataError
from sim.orderflow import read_orders, replay

HEADER = "type,side,ioc,qty,order_id,price"
ROWS = ("N,S,0,10,1,100", "N,B,1,15,2,100", "C,S,0,0,1,0", "M,B,0,5,7,90")
TEXT = "\n".join((HEADER, *ROWS)) + "\n"
# 10 trade; the remainder of the IOC is cancelled; 1 is gone; 7 never was
REPORTS = b"0,0,1,1,100,10\n0,1,0,2,100,15\n1,1,100,10,1,2\n2,1,0,2,100\n4,2,1\n5,3,7"


def reports_of(path: Path) -> bytes:
    pieces: list[bytes] = []
    replay(read_orders(path), sink=pieces.append)
    return b"".join(pieces)


def as_parquet(path: Path) -> None:
    names = HEADER.split(",")
    columns = list(zip(*(row.split(",") for row in ROWS), strict=True))
    arrays = [
        pa.array(c) if n in ("type", "side") else pa.array([int(x) for x in c])
        for n, c in zip(names, columns, strict=True)
    ]
    parquet.write_table(pa.table(arrays, names=names), path)


@pytest.mark.parametrize("ending", ["csv", "csv.xz", "csv.gz", "parquet"])
def test_every_format_gives_the_same_reports(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"orders.{ending}"
    write = {
        "csv": lambda: path.write_text(TEXT),
        "csv.xz": lambda: path.write_bytes(lzma.compress(TEXT.encode())),
        "csv.gz": lambda: path.write_bytes(gzip.compress(TEXT.encode())),
        "parquet": lambda: as_parquet(path),
    }
    write[ending]()
    assert reports_of(path) == REPORTS


@pytest.mark.parametrize(
    "text", [TEXT.replace("\n", "\r\n"), TEXT.rstrip("\n"), f"{TEXT}\n\n", f"\ufeff{TEXT}", f"{HEADER}\n", HEADER]
)
def test_line_ends_and_empty_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(text.encode())
    assert reports_of(path) == (REPORTS if "N," in text else b"")


BAD_ROWS = {
    "X,S,0,10,1,100": "row 1: type 'X' is none of N C M",
    "N,L,0,10,1,100": "row 1: side 'L' is none of B S",
    "N,S,2,10,1,100": "row 1: ioc '2' is outside 0 to 1",
    "N,S,0,ten,1,100": "row 1: qty 'ten' is not a whole number",
    "N,S,0,1.5,1,100": "row 1: qty '1.5' is not a whole number",
    "N,S,0,0,1,100": "row 1: qty '0' is outside 1 to",
    "N,S,0,-3,1,100": "row 1: qty '-3' is outside 1 to",
    "N,S,0,10,-1,100": "row 1: order_id '-1' is outside 0 to",
    "N,S,0,10,1,0": "row 1: price '0' is outside 1 to 2147483647",
    "N,S,0,10,1,2147483648": "row 1: price '2147483648' is outside",
    "N,S,0,10,1,9223372036854775808": "row 1: price '9223372036854775808' is not a whole number",
    "N,S,0,10,1,1e3": "row 1: price '1e3' is not a whole number",
    "N,S,0,10,1,": "row 1: price is",
    "N,S,0,10,1": "row 1: 5 values where the header has 6",
    "N,S,0,10,1,100,7": "row 1: 7 values where the header has 6",
    "": "row 1",
    "M,S,0,0,1,100": "row 1: qty '0' is outside 1 to",
    "C,S,0,-1,1,100": "row 1: qty '-1' is outside",
}


@pytest.mark.parametrize("row", BAD_ROWS)
def test_a_bad_row_is_named(tmp_path: Path, row: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("\n".join((HEADER, ROWS[0], row, ROWS[1])) + "\n")
    with pytest.raises(DataError) as error:
        read_orders(path)
    assert BAD_ROWS[row] in str(error.value)
    assert "\n" not in str(error.value)


BAD_HEADERS = {
    "type,side,ioc,qty,order_id": "column 'price' is missing",
    "type,side,qty,order_id,price": "column 'ioc' is missing",
    "type,side,ioc,qty,order_id,price,colour": "column 'colour' is not known",
    "type,side,ioc,qty,order_id,price,price": "column 'price' is there twice",
    "": "orders.csv",
}


@pytest.mark.parametrize("header", BAD_HEADERS)
def test_a_bad_header_is_named(tmp_path: Path, header: str) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(header + "\n" + ",".join(["1"] * (header.count(",") + 1)) + "\n" if header else "")
    with pytest.raises(DataError) as error:
        read_orders(path)
    assert BAD_HEADERS[header] in str(error.value)


def test_truncated_and_false_archives(tmp_path: Path) -> None:
    whole = lzma.compress(TEXT.encode() * 1)
    for name, content in {
        "cut.csv.xz": whole[:-7],
        "false.csv.xz": b"no archive",
        "cut.csv.gz": gzip.compress(TEXT.encode())[:-9],
        "false.csv.gz": b"no archive",
        "false.parquet": b"PAR1 no",
        "noise.csv": bytes(range(256)),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=name):
            read_orders(path)
    with pytest.raises(DataError, match="no such file"):
        read_orders(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="unknown kind"):
        (tmp_path / "orders.txt").write_text(TEXT)
        read_orders(tmp_path / "orders.txt")


def test_parquet_with_fractions_or_gaps_is_refused(tmp_path: Path) -> None:
    good = {"type": ["N"], "side": ["B"], "ioc": [0], "qty": [1], "order_id": [1], "price": [5]}
    for name, values, message in (
        ("price", [5.5], "column 'price' holds double"),
        ("price", [None], "row 0: price is empty"),
        ("side", [1], "column 'side' holds int64"),
    ):
        path = tmp_path / "orders.parquet"
        column = pa.array(values, pa.int64()) if values == [None] else pa.array(values)
        parquet.write_table(pa.table({**{k: pa.array(v) for k, v in good.items()}, name: column}), path)
        with pytest.raises(DataError, match=message):
            read_orders(path)


def test_parquet_with_categories_and_narrow_numbers(tmp_path: Path) -> None:
    """As data frames are often stored: words as categories, small numbers in one byte."""
    path = tmp_path / "orders.parquet"
    frame = {"type": pa.array(["N", "N"]).dictionary_encode(), "side": pa.array(["S", "B"]).dictionary_encode()}
    frame |= {"ioc": pa.array([0, 1], pa.uint8()), "qty": pa.array([5, 5], pa.int16())}
    frame |= {"order_id": pa.array([1, 2], pa.uint64()), "price": pa.array([9, 9], pa.int32())}
    parquet.write_table(pa.table(frame), path)
    assert reports_of(path) == b"0,0,1,1,9,5\n0,1,0,2,9,5\n1,1,9,5,1,2"


def test_a_cancel_may_leave_quantity_and_price_empty(tmp_path: Path) -> None:
    columns = {"type": ["N", "C"], "side": ["S", "S"], "ioc": [False, False], "order_id": [1, 1]}
    parquet.write_table(pa.table(columns | {"qty": [5, None], "price": [9, None]}), tmp_path / "orders.parquet")
    (tmp_path / "orders.csv").write_text("type,side,ioc,qty,order_id,price\nN,S,0,5,1,9\nC,S,0,,1,\n")
    for name in ("orders.parquet", "orders.csv"):
        assert reports_of(tmp_path / name) == b"0,0,1,1,9,5\n2,1,1,1,9"
    parquet.write_table(pa.table(columns | {"qty": [None, 5], "price": [9, 9]}), tmp_path / "orders.parquet")
    with pytest.raises(DataError, match="row 0: qty is empty"):
        read_orders(tmp_path / "orders.parquet")


def test_optional_columns(tmp_path: Path) -> None:
    """FOK too large has no line; post-only that would trade has none; owner 1 may not trade with itself."""
    path = tmp_path / "orders.csv"
    path.write_text(
        "type,side,tif,qty,order_id,price,owner,book,reduce_only\n"
        "N,S,GTC,10,1,100,1,0,0\n"
        "N,B,FOK,11,2,100,2,0,0\n"
        "N,B,POST,1,3,100,2,0,0\n"
        "N,B,IOC,4,4,100,1,0,0\n"
        "N,S,GTC,5,5,70,3,1,0\n"
        "N,B,IOC,5,6,70,2,1,0\n"
        "N,S,IOC,9,7,60,2,1,1\n"
    )
    columns = read_orders(path)
    pieces: list[bytes] = []
    result = replay(columns, self_trade="cancel_maker", sink=pieces.append)
    assert b"".join(pieces).decode().split("\n") == [
        "0,0,1,1,100,10",
        "0,3,0,4,100,4",
        "2,3,0,4,100",
        "0,4,1,5,70,5",
        "0,5,0,6,70,5",
        "1,5,70,5,5,6",
        "0,6,1,7,60,9",
        "2,6,1,7,60",
    ]
    assert (result.rejects, result.trades, result.volume_lots) == (2, 1, 5)
    assert result.engine.orders(0) == []


def test_every_chunk_size_gives_the_same_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    n = 2_000
    columns = {
        "type": rng.choice([0, 1, 2], n, p=[0.6, 0.2, 0.2]),
        "side": rng.integers(0, 2, n),
        "tif": rng.integers(0, 2, n),
        "qty": rng.integers(1, 50, n),
        "order_id": rng.integers(0, 300, n),
        "price": rng.integers(95, 106, n),
        **{name: np.zeros(n, np.int64) for name in ("owner", "book", "reduce_only")},
    }
    hashes = set()
    for chunk in (1, 7, 256, n, 1 << 16):
        monkeypatch.setattr("sim.orderflow.CHUNK_MESSAGES", chunk)
        hashes.add(replay(columns).sha256)
    assert len(hashes) == 1
