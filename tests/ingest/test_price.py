"""Prices: start price, volatility that was planted, news paths that a scenario reads, spikes told."""

from pathlib import Path

import numpy as np
import pytest

from sim import ingest
from sim.errors import DataError
from sim.ingest import prices as price_files
from sim.scenario.load import load_spec
from tests.ingest import books

START = books.START_S


def closes(tmp_path: Path, values: np.ndarray, step_s: int = 60, name: str = "p.csv") -> Path:
    file = tmp_path / name
    rows = [f"{START + step_s * i},{v:.6f}" for i, v in enumerate(values)]
    file.write_text("\n".join(["timestamp,price", *rows]) + "\n")
    return file


def bars(tmp_path: Path, values: np.ndarray, name: str = "b.csv") -> Path:
    file = tmp_path / name
    rows = [
        f"{np.datetime64(START + 60 * i, 's')},{a},{max(a, b)},{min(a, b)},{b}"
        for i, (a, b) in enumerate(zip(values, values[1:], strict=False))
    ]
    file.write_text("\n".join(["open_time_utc,open,high,low,close", *rows]) + "\n")
    return file


def test_start_price_at_a_time(tmp_path: Path) -> None:
    values = np.linspace(100_000.0, 101_440.0, 1441)
    for file in (closes(tmp_path, values), bars(tmp_path, values)):
        assert ingest.price(file, volatility=False).usd == pytest.approx(101_440.0)
        assert ingest.price(file, at="2025-10-10T12:00", volatility=False).usd == pytest.approx(100_720.0)
        with pytest.raises(DataError, match="no price at"):
            ingest.price(file, at="2025-10-12", volatility=False)


@pytest.mark.parametrize("daily", [0.0188, 0.05])
def test_a_planted_volatility_is_found(tmp_path: Path, daily: float) -> None:
    values = books.path(4 * 1440 + 1, 100_000.0, 3, daily / 1440**0.5)
    for file in (closes(tmp_path, values), bars(tmp_path, values)):
        found = ingest.price(file)
        five = np.diff(np.log(values[::5]))
        assert found.volatility == pytest.approx(np.sqrt(np.mean(five**2) * 288), rel=1e-6)
        assert found.volatility == pytest.approx(daily, rel=4.0 / np.sqrt(2 * five.size))  # four standard errors
    spec = load_spec(found.fragment.write(tmp_path / "x.yaml"))
    volatility = spec.news.noise_per_day
    assert volatility == pytest.approx(found.volatility, rel=1e-4)
    assert spec.latent.daily_volatility == spec.market_maker.reference_volatility == volatility


def test_gaps_are_left_out_of_the_volatility(tmp_path: Path) -> None:
    values = books.path(2000, 100_000.0, 3, 1e-4)
    values[1000:] *= 1.1  # while the file was silent
    lines = closes(tmp_path, values).read_text().splitlines()
    (tmp_path / "g.csv").write_text("\n".join(lines[:900] + lines[1001:]))
    found = ingest.price(tmp_path / "g.csv")
    assert [f.kind for f in found.findings] == ["gap"]
    assert any("in gaps" in remark for remark in found.remarks)
    assert found.volatility < 0.006  # 0.4% a day; the jump would make it 8%


def test_a_news_path_is_what_a_scenario_reads(tmp_path: Path) -> None:
    values = np.linspace(100_000.0, 95_000.0, 301)
    found = ingest.price(bars(tmp_path, values), start="01:00", end="03:00", news_csv="my_news.csv", volatility=False)
    found.write_news(tmp_path / "my_news.csv")
    spec = load_spec(found.fragment.write(tmp_path / "x.yaml"))
    assert spec.start_utc.isoformat() == "2025-10-10T01:00:00+00:00"
    assert spec.market.price == pytest.approx(values[60])
    assert spec.news.path[0].at == 0.0  # type: ignore[union-attr, index]
    last = spec.news.path[-1]  # type: ignore[index]
    assert (last.at, last.move) == (7200.0, pytest.approx(values[180] / values[60] - 1.0))  # type: ignore[union-attr]
    assert not found.findings
    short = ingest.price(bars(tmp_path, values), start="01:00", end="01:30", news_csv="n.csv", volatility=False)
    assert [f.kind for f in short.findings] == ["short"]


def test_a_long_news_path_is_thinned(tmp_path: Path) -> None:
    found = ingest.price(closes(tmp_path, np.full(25_000, 100.0), 1), news_csv="n.csv", volatility=False)
    assert found.plain()["news_rows"] == 8334
    assert any("every 3th" in remark for remark in found.remarks)


def test_spikes_are_told_and_left_out_when_asked(tmp_path: Path) -> None:
    values = books.path(1000, 100_000.0, 3, 1e-4)
    values[500] *= 0.9
    file = closes(tmp_path, values)
    told = ingest.price(file)
    assert [(f.kind, f.severity) for f in told.findings] == [("spike", "warning")]
    repaired = ingest.price(file, repair=True)
    assert repaired.volatility < told.volatility / 3.0
    values[501:] *= 0.9  # a fall that stays is no spike
    values[500] = values[501]
    assert not ingest.price(closes(tmp_path, values)).findings


def test_defects_are_told_and_trades_are_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = closes(tmp_path, books.path(600, 100_000.0, 3, 1e-4), 1).read_text().splitlines()
    lines[5] = lines[5].rsplit(",", 1)[0] + ",0"
    lines[9], lines[10] = lines[10], lines[9]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    found = ingest.price(tmp_path / "t.csv", volatility=False)
    assert {(f.kind, f.line) for f in found.findings} == {
        ("bad_price", 6),
        ("unsorted", 11),
        ("gap", None),
    }
    monkeypatch.setattr(price_files, "_MOST_ROWS", 100)
    monkeypatch.setattr("sim.ingest.source.blocks.__defaults__", (50,))
    gathered = ingest.price(tmp_path / "t.csv", volatility=False)
    assert gathered.usd == found.usd
    assert any("bars of a minute" in remark for remark in gathered.remarks)
