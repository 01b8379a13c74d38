"""L2 snapshots: both forms give the same depth, crossed books are judged, and the profile is that of the levels."""

from pathlib import Path

import numpy as np
import pytest

from sim import ingest
from sim.errors import DataError
from sim.ingest import levels
from tests.ingest import books


@pytest.fixture
def recording() -> books.Recording:
    return books.record(books.path(40, 100_000.0, 2), 2, 6.0)


def truth(recording: books.Recording, within: float, side: int) -> float:
    """Median depth by plain loops over the levels as they are printed."""
    values = []
    for pair in recording.books:
        prices = [[round(float(p), 4) for p in s.price] for s in pair]
        mid = (max(prices[0]) + min(prices[1])) / 2.0
        usd = 0.0
        for p, q in zip(prices[side], pair[side].size, strict=True):
            if abs(p - mid) <= within * mid:
                usd += p * round(float(q), 3)
        values.append(usd)
    return float(np.median(values))


@pytest.mark.parametrize("write", [books.long_file, books.wide_file])
def test_the_profile_is_that_of_the_levels(tmp_path: Path, recording: books.Recording, write: object) -> None:
    result = ingest.depth(write(recording, tmp_path / "a.csv"))  # type: ignore[operator]
    assert not result.findings
    for side, profile in enumerate((result.bid, result.ask)):
        assert profile.within[-1] == 0.05  # 10% lies beyond the farthest level at 8%
        for within, usd in zip(profile.within, profile.usd, strict=True):
            assert usd == pytest.approx(truth(recording, within, side), rel=1e-12)


def test_blocks_change_nothing(tmp_path: Path, recording: books.Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    file = books.long_file(recording, tmp_path / "a.csv")
    whole = ingest.depth(file)
    monkeypatch.setattr("sim.ingest.source.blocks.__defaults__", (317,))
    parts = ingest.depth(file)
    assert np.array_equal(whole.depth.bid.usd, parts.depth.bid.usd, equal_nan=True)
    assert whole.fragment == parts.fragment


def test_the_last_mid_becomes_the_price(tmp_path: Path, recording: books.Recording) -> None:
    file = books.long_file(recording, tmp_path / "a.csv")
    assert f"price: ${recording.mids[-1]:.10g}"[:12] in ingest.depth(file).fragment.text("x")
    assert "price:" not in ingest.depth(file, price=False).fragment.text("x")


def crossed(tmp_path: Path, side: str) -> tuple[books.Recording, Path]:
    """The price passes an order after a third of the file, and the order stays."""
    shape = np.concatenate((np.zeros(20), np.linspace(0.0, 0.02, 20), np.full(20, 0.02)))
    mids = 100_000.0 * np.exp(-shape if side == "bid" else shape)
    recording = books.record(mids, 2, 6.0, (side, 99_500.0 if side == "bid" else 100_500.0, 17.654))
    for i in range(20):  # the order rests honestly before
        pair = list(recording.books[i])
        k = 0 if side == "bid" else 1
        pair[k] = books.with_order(pair[k], 99_500.0 if side == "bid" else 100_500.0, 17.654, side == "bid")
        recording.books[i] = (pair[0], pair[1])
    return recording, books.long_file(recording, tmp_path / f"{side}.csv", depth=201)


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_stale_order_is_told_from_the_side_that_moved(tmp_path: Path, side: str) -> None:
    recording, file = crossed(tmp_path, side)
    result = ingest.depth(file, end="00:09")
    found = next(f for f in result.findings if f.kind == "phantom")
    touches = [
        pair[1].price[0] <= 99_500.0 if side == "bid" else pair[0].price[0] >= 100_500.0 for pair in recording.sound
    ]
    passed = int(np.argmax(touches))
    assert found.side == side
    assert found.from_utc == str(np.datetime64(books.START_S + 30 * passed, "s")) + "Z"
    assert found.count == 60 - passed
    with pytest.raises(DataError, match="phantom"):
        ingest.depth(file, start="00:25")


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_repair_takes_the_stale_order_out(tmp_path: Path, side: str) -> None:
    recording, file = crossed(tmp_path, side)
    repaired = ingest.depth(file, start="00:21", repair=True)
    sound = books.Recording(recording.mids[42:], recording.sound[42:], recording.sound[42:])
    for k, profile in enumerate((repaired.bid, repaired.ask)):
        assert profile.usd[-1] == pytest.approx(truth(sound, profile.within[-1], k), rel=1e-12)


def test_a_crossed_book_without_evidence_is_left_out_and_a_mark_tells(
    tmp_path: Path, recording: books.Recording
) -> None:
    pair = recording.books[10]
    recording.books[10] = (books.with_order(pair[0], 101_000.0, 1.0, True), pair[1])
    file = books.long_file(recording, tmp_path / "a.csv", depth=201)
    result = ingest.depth(file)
    assert [(f.kind, f.side) for f in result.findings] == [("crossed", "both")]
    assert result.bid.snapshots == 39
    mark = books.mark_file(recording, tmp_path / "m.csv")
    assert [(f.kind, f.side) for f in ingest.depth(file, mark=mark).findings] == [("phantom", "bid")]


def test_a_frozen_side_is_found_though_its_distances_change(tmp_path: Path) -> None:
    recording = books.record(books.path(60, 100_000.0, 1, 1e-3, 2e-4), 1, 6.0)
    for i in range(21, 30):
        recording.books[i] = (recording.books[20][0], recording.books[i][1])
    frozen = [
        f
        for f in ingest.depth(books.long_file(recording, tmp_path / "a.csv"), repair=True).findings
        if f.kind == "frozen"
    ]
    assert [(f.side, f.count) for f in frozen] == [("bid", 9)]


def test_rows_in_any_order_give_the_same_depth(
    tmp_path: Path, recording: books.Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = books.long_file(recording, tmp_path / "a.csv")
    whole = ingest.depth(file)
    head, *rows = file.read_text().splitlines()
    rng = np.random.default_rng(0)
    (tmp_path / "b.csv").write_text("\n".join([head, *(rows[i] for i in rng.permutation(len(rows)))]))
    mixed = ingest.depth(tmp_path / "b.csv")
    assert [f.kind for f in mixed.findings] == ["unsorted"]
    assert np.allclose(whole.depth.bid.usd, mixed.depth.bid.usd, rtol=1e-12, equal_nan=True)
    monkeypatch.setattr(levels, "MOST_SORTED", 1_000)
    with pytest.raises(DataError, match="sort the file by time"):
        ingest.depth(tmp_path / "b.csv")


def test_bad_levels_are_told_with_their_lines(tmp_path: Path, recording: books.Recording) -> None:
    head, *rows = books.long_file(recording, tmp_path / "a.csv").read_text().splitlines()
    rows[0] = rows[0].rsplit(",", 1)[0] + ",0"
    rows[1] = rows[1].rsplit(",", 1)[0] + ",-1"
    rows[2] = rows[2].rsplit(",", 1)[0] + ","
    rows.insert(5, rows[4])
    rows.insert(1500, rows[1500].rsplit(",", 1)[0] + ",9.999")
    (tmp_path / "b.csv").write_text("\n".join([head, *rows]))
    result = ingest.depth(tmp_path / "b.csv")
    assert {(f.kind, f.count, f.line) for f in result.findings} == {
        ("zero_size", 1, 2),
        ("bad_value", 2, 3),
        ("duplicate", 1, 7),
        ("duplicate_level", 1, 1503),
    }
    assert result.bid.snapshots == 39


def test_a_shallow_book_is_refused_or_extended(tmp_path: Path, recording: books.Recording) -> None:
    file = books.long_file(recording, tmp_path / "a.csv", depth=20)  # 20 levels reach 0.8%
    with pytest.raises(DataError, match="--extend-profile"):
        ingest.depth(file)
    result = ingest.depth(file, extend_profile=True)
    assert [f.kind for f in result.findings] == ["short", "short"]
    assert list(result.bid.within[-3:]) == [0.01, 0.02, 0.05]
    assert np.isnan(result.bid.low[-1])
    text = result.fragment.text("x")
    assert "not data" in text


def test_a_feed_of_changes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,is_snapshot,side,price,amount\n1760054400000000,true,bid,1,1\n")
    with pytest.raises(DataError, match="feed of changes"):
        ingest.depth(tmp_path / "a.csv")


def test_tardis_names_and_several_symbols(tmp_path: Path) -> None:
    pairs = ",".join(f"{side}[{k}].{what}" for k in (0, 1) for side in ("asks", "bids") for what in ("price", "amount"))
    head = f"exchange,symbol,timestamp,local_timestamp,{pairs}"
    rows = [head]
    for i in range(30):
        for symbol, p in (("BTCUSDT", 100_000 + i), ("ETHUSDT", 4_000 + i)):
            t = (books.START_S + i) * 10**6
            rows.append(f"x,{symbol},{t},{t},{p + 1},2,{p - 1},3,{p * 1.02},50,{p * 0.98},60")
    (tmp_path / "a.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match=r"several instruments \(BTCUSDT, ETHUSDT\)"):
        ingest.depth(tmp_path / "a.csv")
    result = ingest.depth(tmp_path / "a.csv", symbol="BTCUSDT")
    assert result.bid.within[-1] == pytest.approx(0.02)
    assert result.bid.usd[0] == pytest.approx(3 * 100_013.5, rel=1e-4)
    with pytest.raises(DataError, match="did you mean 'BTCUSDT'"):
        ingest.depth(tmp_path / "a.csv", symbol="BTCUSD")
