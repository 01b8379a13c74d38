"""The holders' rule on recorded funding: the shipped table says what its settings say."""

import csv

import pandas as pd
import pytest

from calibration.dollar_token import COLUMNS, OTHER_YIELDS, on_recorded_funding
from calibration.tables import DERIVED
from sim.settings.dollar_token import DollarTokenSettings
from sim.token_supply import yield_of


def shipped() -> list[dict[str, str]]:
    lines = (DERIVED / "dollar_token_after.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_the_table_has_a_row_a_day_and_supply_only_falls():
    rows = shipped()
    assert (rows[0]["date"], rows[-1]["date"], len(rows)) == ("2025-10-10", "2025-10-25", 16)
    assert tuple(rows[0]) == COLUMNS and OTHER_YIELDS[0] == DollarTokenSettings().other_yield
    for name in COLUMNS[-2:]:
        supply = [float(row[name]) for row in rows]
        assert supply == sorted(supply, reverse=True) and supply[0] < 14.8e9


def test_the_yield_of_a_row_is_the_rule_of_its_mean():
    settings = DollarTokenSettings()
    for row in shipped():
        staking = settings.staking_yield * 0.47 * 0.65
        by_rule = yield_of(float(row["mean_percent"]) / 100, 0.47, staking, 0.53, 1.0, settings.stable_yield)
        assert 100 * by_rule == pytest.approx(float(row["yield_percent"]), abs=0.011)


def test_funding_that_pays_enough_lets_nobody_leave():
    days = pd.date_range("2025-10-01", "2025-10-25")
    rows = on_recorded_funding(pd.Series(0.13, index=days))
    assert {row[-2] for row in rows} == {"14800000000"} and {row[-1] for row in rows} == {"14800000000"}
