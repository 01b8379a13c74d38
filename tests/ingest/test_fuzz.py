"""Files damaged at random: a result or a refusal in words, never another error, never a warning."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim import ingest
from sim.errors import ShoalError
from tests.ingest import books

CELLS = (
    " nan inf -inf 0 -0 -1 1e308 1e-308 1e400 " + "9" * 40 + " =1+1 1,5 1.5.5 \0 \u00e9 \" ' # None true 2025-13-40"
    " 2025-10-10T00:00:00+25:00 1760054400 1760054400000 99999999999 [] {} -5 5% $1 \t ;"
).split(" ")


def damaged(text: str, seed: int) -> bytes:
    """The text with a few cells, lines or bytes changed."""
    rng = random.Random(seed)
    lines = text.splitlines()
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        how = rng.randrange(6)
        if how <= 2:
            cells = lines[at].split(",")
            cells[rng.randrange(len(cells))] = rng.choice(CELLS)
            lines[at] = ",".join(cells)
        elif how == 3:
            lines.insert(rng.randrange(len(lines)), lines[at])
        elif how == 4:
            lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
        else:
            del lines[at]
        if not lines:
            lines = [""]
    raw = bytearray("\n".join(lines).encode())
    if rng.random() < 0.15 and raw:
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def bands(tmp: Path) -> str:
    return books.band_file(books.record(books.path(15, 100_000.0, 1), 1, 6.0), tmp).read_text()


def plain(tmp: Path) -> str:
    rows = [f"{books.START_S + 60 * i},{p},{p * 1e6 + i},{p * 2e6 + i}" for i in range(15) for p in (1, 2)]
    return "\n".join(["timestamp,within_pct,bid_usd,ask_usd", *rows])


def long(tmp: Path) -> str:
    return books.long_file(books.record(books.path(6, 100_000.0, 1), 1, 6.0), tmp, depth=40).read_text()


def wide(tmp: Path) -> str:
    return books.wide_file(books.record(books.path(12, 100_000.0, 1), 1, 6.0), tmp, depth=40).read_text()


def prices(tmp: Path) -> str:
    return books.mark_file(books.Recording(books.path(60, 100_000.0, 1), [], []), tmp).read_text()


def interest(tmp: Path) -> str:
    return "\n".join(["timestamp,oi_coins", *(f"{books.START_S + 3600 * i},{1000 + i}" for i in range(20))])


def tiers(tmp: Path) -> str:
    head = "min_notional_usd,max_notional_usd,mmr,max_leverage,cum"
    return "\n".join([head, "0,50000,0.4%,125,0", "50000,600000,0.005,100,50", "600000,,1%,50,3050"])


def tiers_json(tmp: Path) -> str:
    keys = ("notionalFloor", "notionalCap", "maintMarginRatio", "initialLeverage")
    rows = [(0, 50_000, 0.004, 125), (50_000, 600_000, 0.005, 100)]
    return json.dumps([{"symbol": "X", "brackets": [dict(zip(keys, row, strict=True)) for row in rows]}], indent=0)


def read_tiers(file: Path) -> object:
    return ingest.tiers(file, as_of="2024-10-24").text()


@pytest.mark.parametrize(
    ("make", "read", "suffix"),
    [
        (bands, lambda file: ingest.depth(file).fragment.text("x"), "csv"),
        (plain, lambda file: ingest.depth(file, repair=True).fragment.text("x"), "csv"),
        (long, lambda file: ingest.depth(file, repair=True, extend_profile=True).fragment.text("x"), "csv"),
        (wide, lambda file: ingest.depth(file, extend_profile=True).fragment.text("x"), "csv"),
        (prices, lambda file: ingest.price(file, news_csv="n.csv").fragment.text("x"), "csv"),
        (interest, lambda file: ingest.oi(file).fragment.text("x"), "csv"),
        (tiers, read_tiers, "csv"),
        (tiers_json, read_tiers, "json"),
    ],
    ids=["bands", "plain", "long", "wide", "price", "oi", "tiers", "tiers json"],
)
def test_a_result_or_a_refusal(
    tmp_path: Path, make: Callable[[Path], str], read: Callable[[Path], object], suffix: str
) -> None:
    sound = make(tmp_path / "sound.csv")
    file = tmp_path / f"a.{suffix}"
    file.write_text(sound)
    read(file)  # the undamaged one is read
    outcomes = []
    for seed in range(60):
        file.write_bytes(damaged(sound, seed))
        try:
            read(file)
            outcomes.append(True)
        except ShoalError as error:
            assert str(error)
            outcomes.append(False)
    assert 0 < np.sum(outcomes) < len(outcomes)
