"""Open interest at a time: in coins or dollars, at an honest row, with gaps and jumps told."""

from pathlib import Path

import pytest

from sim import ingest
from sim.errors import DataError
from tests.ingest import books

START = books.START_S


def write(tmp_path: Path, rows: list[str], name: str = "oi.csv") -> Path:
    file = tmp_path / name
    file.write_text("\n".join(rows) + "\n")
    return file


def hourly(column: str, values: list[float]) -> list[str]:
    return [f"timestamp,{column}", *(f"{START + 3600 * i},{v}" for i, v in enumerate(values))]


def test_coins_at_the_last_row_at_or_before_the_time(tmp_path: Path) -> None:
    file = write(tmp_path, hourly("oi_coins", [100.0, 110.0, 121.0]))
    assert ingest.oi(file).coins == 121.0
    at = ingest.oi(file, at="01:59")
    assert (at.coins, at.plain()["at_utc"]) == (110.0, "2025-10-10T01:00:00Z")
    assert "open_interest: 110  # coins" in at.fragment.text("x")
    with pytest.raises(DataError, match="after 2025-10-09"):
        ingest.oi(file, at="2025-10-09")


def test_dollars_need_a_price(tmp_path: Path) -> None:
    file = write(tmp_path, hourly("open_interest_usd", [5e6, 6e6, 7e6]))
    with pytest.raises(DataError, match="--price"):
        ingest.oi(file)
    assert ingest.oi(file, price=50_000.0).coins == 140.0
    mark = write(tmp_path, hourly("price", [50_000.0, 60_000.0, 70_000.0]), "mark.csv")
    assert ingest.oi(file, mark=mark, at="01:00").coins == 100.0
    short = write(tmp_path, hourly("price", [50_000.0]), "short.csv")
    with pytest.raises(DataError, match="holds no price at"):
        ingest.oi(file, mark=short)


def test_a_column_that_does_not_say_its_unit_needs_one(tmp_path: Path) -> None:
    file = write(tmp_path, hourly("open_interest", [5.0, 6.0]))
    with pytest.raises(DataError, match="--unit coins or --unit usd"):
        ingest.oi(file)
    assert ingest.oi(file, unit="coins").coins == 6.0


def test_the_archive_gives_both_and_coins_are_taken(tmp_path: Path) -> None:
    rows = ["create_time,symbol,sum_open_interest,sum_open_interest_value", "2025-10-10 00:00:00,BTCUSDT,90,9000000"]
    assert ingest.oi(write(tmp_path, rows)).coins == 90.0
    assert ingest.oi(write(tmp_path, rows), unit="usd", price=1e5).coins == 90.0


def test_bars_hold_their_open_at_their_start_and_the_last_close_at_the_end(tmp_path: Path) -> None:
    rows = ["date,timestamp,oi_open,oi_high,oi_low,oi_close"]
    rows += [f"x,{START + 86400 * i},{100 + i},200,50,{101 + i}" for i in range(3)]
    file = write(tmp_path, rows)
    assert ingest.oi(file, unit="coins", at="2025-10-11").coins == 101.0
    last = ingest.oi(file, unit="coins")
    assert (last.coins, last.plain()["at_utc"]) == (103.0, "2025-10-13T00:00:00Z")


def test_defects_are_told(tmp_path: Path) -> None:
    rows = hourly("oi_coins", [100.0 + i for i in range(20)])
    rows[3] = f"{START + 2 * 3600},-1"
    rows[8] = f"{START + 7 * 3600},900"
    rows[11], rows[12] = rows[12], rows[11]
    del rows[15:17]
    rows.append(rows[-1])
    found = {f.kind: f for f in ingest.oi(write(tmp_path, rows)).findings}
    assert set(found) == {"bad_value", "unsorted", "duplicate", "gap", "jump"}
    assert found["bad_value"].line == 4
    assert found["jump"].count == 2
    old = ingest.oi(write(tmp_path, hourly("oi_coins", [1.0, 2.0])), at="2025-10-12")
    assert [f.kind for f in old.findings] == ["old"]
