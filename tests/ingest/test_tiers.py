"""Margin tiers: CSV and two shapes of JSON give one profile; holes and wrong amounts are told."""

import json
from pathlib import Path

import pytest

from sim import ingest
from sim.errors import DataError, ScenarioError
from sim.venues.profile import load_profile, read_profile

ROWS = [(0, 50_000, 0.004, 125, 0), (50_000, 600_000, 0.005, 100, 50), (600_000, 3_000_000, 0.0065, 75, 950)]


def table(rows: list[tuple[float, ...]] = ROWS) -> str:
    head = "symbol,tier,min_notional_usd,max_notional_usd,mmr,max_leverage,cum\n"
    return head + "".join(f"BTC,{n},{','.join(map(str, row))}\n" for n, row in enumerate(rows, 1))


def read(tmp_path: Path, text: str, name: str = "t.csv", **options: object) -> ingest.TiersResult:
    (tmp_path / name).write_text(text)
    return ingest.tiers(tmp_path / name, as_of="2024-10-24", **options)  # type: ignore[arg-type]


def test_every_shape_gives_the_same_tiers(tmp_path: Path) -> None:
    wanted = read(tmp_path, table()).profile["margin_tiers"]
    assert wanted[1] == {"up_to": "$600000", "maintenance": 0.005, "max_leverage": 100.0}
    keys = ("notionalFloor", "notionalCap", "maintMarginRatio", "initialLeverage", "cum")
    binance = [{"symbol": "BTCUSDT", "brackets": [dict(zip(keys, row, strict=True)) for row in ROWS]}]
    assert read(tmp_path, json.dumps(binance), "b.json").profile["margin_tiers"] == wanted
    keys = ("minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage", "x")
    ccxt = {"BTC/USDT": [dict(zip(keys, row, strict=True)) for row in ROWS], "ETH/USDT": []}
    assert read(tmp_path, json.dumps(ccxt), "c.json", symbol="BTC/USDT").profile["margin_tiers"] == wanted
    percents = "up_to;maintenance;max_leverage\n" + "".join(f"{r[1]};{r[2]:.2%};{r[3]}\n" for r in reversed(ROWS))
    assert read(tmp_path, percents, "p.csv").profile["margin_tiers"] == wanted


def test_the_profile_is_written_read_back_and_the_rest_is_the_base(tmp_path: Path) -> None:
    result = read(tmp_path, table(), tick_usd=0.5)
    venue = read_profile(result.write(tmp_path / "my_venue.yaml"))
    base = load_profile("cex_a")
    assert venue.deductions_usd == (0.0, 50.0, 950.0)
    assert (venue.engine, venue.funding, venue.mark) == (base.engine, base.funding, base.mark)
    assert (venue.perp.tick_usd, venue.spot.tick_usd) == (0.5, 0.5)
    assert "no finding about any firm" in venue.statement
    with pytest.raises(DataError, match="exists already"):
        result.write(tmp_path / "my_venue.yaml")
    with pytest.raises(DataError, match="lower-case"):
        result.write(tmp_path / "My Venue.yaml")


def test_amounts_that_would_leave_a_step_are_told(tmp_path: Path) -> None:
    rows = [*ROWS[:2], (*ROWS[2][:4], 951)]
    (finding,) = read(tmp_path, table(rows)).findings
    assert finding.kind == "maintenance_amount"
    assert "$951" in finding.sentence
    assert "$950" in finding.sentence
    assert not read(tmp_path, table()).findings


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("50000,600000", "60000,600000", "t.csv:3: tier 2 begins at \\$60000 and leaves a hole"),
        ("50000,600000", "40000,600000", "t.csv:3: tier 2 begins at \\$40000 and overlaps"),
        ("BTC,1,0,", "BTC,1,10,", "begins at \\$10, not at \\$0"),
        ("0.005", "0.4 percent", "t.csv:3: mmr"),
        ("0.005", "5", "write per cent with its sign"),
        ("0.005", "=1/200", "t.csv:3: mmr"),
        ("600000,0.005", '"600,000",0.005', "t.csv:3: max_notional_usd: expected a number"),
        ("BTC,2", "ETH,2", "several instruments"),
        ("max_leverage", "lev", "no largest leverage"),
        ("600000,0.005", ",0.005", "no upper edge and is not the last"),
        (",50\n", ",50,7\n", "t.csv:3: has 8 cells"),
    ],
)
def test_what_is_no_table_of_tiers_is_refused(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in table()
    with pytest.raises(DataError, match=why):
        read(tmp_path, table().replace(old, new, 1))


def test_tiers_that_do_not_tighten_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    result = read(tmp_path, table([ROWS[0], (50_000, 600_000, 0.003, 100, -50)]))
    with pytest.raises(ScenarioError, match="nothing was written"):
        result.write(tmp_path / "v.yaml")
    assert not (tmp_path / "v.yaml").exists()


@pytest.mark.evidence
def test_the_recorded_table_is_that_of_the_shipped_profile(evidence: Path, tmp_path: Path) -> None:
    """MODEL.md 6.2.14: amounts 0, 50, 950, 11450, 131450, 481450, 2981450."""
    file = evidence / "data" / "microstructure" / "binance_um_leverage_tiers_2024-10.csv"
    with pytest.raises(DataError, match="several instruments"):
        ingest.tiers(file, as_of="2024-10-24")
    result = ingest.tiers(file, as_of="2024-10-24", symbol="BTC/USDT:USDT")
    venue = read_profile(result.write(tmp_path / "v.yaml"))
    assert venue.margin_tiers == load_profile("cex_a").margin_tiers
    assert venue.deductions_usd[:7] == (0.0, 50.0, 950.0, 11_450.0, 131_450.0, 481_450.0, 2_981_450.0)
    assert not result.findings
