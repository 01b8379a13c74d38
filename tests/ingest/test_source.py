"""Hostile and foreign tables: read as they are meant, or refused with the line and a cure."""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sim import ingest
from sim.errors import DataError
from tests.ingest import books

HEAD = "timestamp,within_pct,bid_usd,ask_usd"


def table(stamps: list[str], sep: str = ",", end: str = "\n", head: str = HEAD) -> str:
    rows = [head.replace(",", sep)]
    for i, stamp in enumerate(stamps):
        rows += [sep.join((stamp, f"{pct}", f"{1e6 * pct + i}", f"{2e6 * pct + i}")) for pct in (1.0, 2.0)]
    return end.join(rows) + end


def seconds(n: int = 20) -> list[int]:
    return [books.START_S + 60 * i for i in range(n)]


PLAIN = table([str(t) for t in seconds()])


def read(tmp_path: Path, data: str | bytes, name: str = "a.csv") -> ingest.DepthResult:
    (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return ingest.depth(tmp_path / name)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        table([str(t) for t in seconds()], sep=";").encode(),
        table([str(t) for t in seconds()], sep="\t").encode(),
        b"# exported by hand\n\n" + PLAIN.encode(),
        PLAIN.replace(",", ", ").encode(),
        PLAIN.replace("\n", ",\n").encode(),
        PLAIN.upper().encode(),
        (PLAIN + "\n\n").encode(),
        gzip.compress(PLAIN.encode()),
        lzma.compress(PLAIN.encode()),
        bz2.compress(PLAIN.encode()),
    ],
    ids=[
        "bom",
        "crlf",
        "semicolons",
        "tabs",
        "comments",
        "blanks",
        "trailing",
        "upper",
        "blank end",
        "gz",
        "xz",
        "bz2",
    ],
)
def test_the_same_table_in_other_clothes(tmp_path: Path, data: bytes) -> None:
    plain, other = read(tmp_path, PLAIN), read(tmp_path, data, "other")
    assert not other.findings
    assert np.array_equal(plain.depth.time_us, other.depth.time_us)
    assert np.array_equal(plain.depth.ask.usd, other.depth.ask.usd)


def test_a_zip_of_one_file_is_read_and_of_two_refused(tmp_path: Path) -> None:
    for n in (1, 2):
        with zipfile.ZipFile(tmp_path / f"{n}.zip", "w") as archive:
            for k in range(n):
                archive.writestr(f"{k}.csv", PLAIN)
    assert len(ingest.depth(tmp_path / "1.zip").depth.time_us) == 20
    with pytest.raises(DataError, match="holds 2 files"):
        ingest.depth(tmp_path / "2.zip")


@pytest.mark.parametrize(
    "stamp",
    [
        lambda t: str(t),
        lambda t: f"{t}.0",
        lambda t: str(t * 10**3),
        lambda t: str(t * 10**6),
        lambda t: str(t * 10**9),
        lambda t: str(np.datetime64(t, "s")).replace("T", " "),
        lambda t: f"{np.datetime64(t, 's')}Z",
        lambda t: f"{np.datetime64(t + 5400, 's')}.000+01:30",
    ],
    ids=["s", "float s", "ms", "us", "ns", "plain ISO", "Z", "+01:30"],
)
def test_times_are_understood_alike(tmp_path: Path, stamp: object) -> None:
    result = read(tmp_path, table([stamp(t) for t in seconds()]))  # type: ignore[operator]
    assert [t // 10**6 for t in result.depth.time_us.tolist()] == seconds()


@pytest.mark.parametrize(
    ("old", "new", "where", "why"),
    [
        ("2000001.0", '"2000001,0"', ":4:", "decimal commas are not guessed"),
        ("2000001.0", "=1+2", ":4:", "formulas are not worked out"),
        ("2000001.0", "$2000001", ":4:", "currency"),
        ("2000001.0", "True", ":4:", "expected a number, got 'True'"),
        ("2000001.0", "2000001.0,7", ":4:", "has 5 cells, the header has 4"),
        (f"{books.START_S + 60},", "10.10.2025 00:01,", ":4:", "day and month cannot be told apart"),
        (f"{books.START_S + 60},", "yesterday,", ":4:", "expected a time"),
        (f"{books.START_S + 60},", f"{(books.START_S + 60) * 1000},", ":4:", "the rows before are seconds"),
        (f"{books.START_S + 60},1.0", f"{books.START_S + 60},0", ":4:", "between 0 and 50 per cent"),
        (f"{books.START_S + 60},1.0", f"{books.START_S + 60},90", ":4:", "between 0 and 50 per cent"),
        ("within_pct", "bid_usd", ":1:", "two columns are called 'bid_usd'"),
        ("within_pct", "distance", ":1:", "no depth format has this header"),
        (HEAD, "1,2,3,4", ":1:", "has no header line"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_line(tmp_path: Path, old: str, new: str, where: str, why: str) -> None:
    assert old in PLAIN
    with pytest.raises(DataError) as refusal:
        read(tmp_path, PLAIN.replace(old, new, 1))
    assert f"a.csv{where}" in str(refusal.value)
    assert why in str(refusal.value)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (HEAD.encode(), "no rows"),
        (b"PAR1" + b"x" * 20, "Parquet"),
        (PLAIN.encode("utf-16"), "UTF-16"),
        (PLAIN.encode()[:90] + b"\xff\xfe" + PLAIN.encode()[90:], "UTF-8"),
        (gzip.compress(PLAIN.encode())[:-30], "is it complete"),
        (b"a\0b", "NUL"),
    ],
)
def test_no_table_at_all(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(DataError, match=why):
        read(tmp_path, data)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        ingest.depth(tmp_path / "none.csv")


def test_lines_are_right_in_later_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.ingest.source.blocks.__defaults__", (7,))
    lines = PLAIN.splitlines()
    lines[30] = lines[30].rsplit(",", 1)[0] + ",x"
    with pytest.raises(DataError, match=":31:"):
        read(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    ("start", "end"), [("20:00", "19:00"), ("25:00", None), ("soon", None), ("2031-01-01", "2031-01-02")]
)
def test_windows_that_make_no_sense(tmp_path: Path, start: str, end: str | None) -> None:
    (tmp_path / "a.csv").write_text(PLAIN)
    with pytest.raises(DataError):
        ingest.depth(tmp_path / "a.csv", start=start, end=end)
