"""QUALITY R17, second half: a setting at either end of its bounds is refused in a sentence or gives a finite run."""

import numpy as np
import pytest

from sim.errors import ShoalError
from sim.scenario.load import load_spec
from sim.scenario.reference import reference_rows
from sim.scenario.spec import NOT_READ, Spec
from sim.settings.fields import field_extra

SMALL = {
    "duration": "5s",
    "leveraged.accounts": 60,
    "market_maker.firms": 2,
    "market_maker.rungs_per_side": 4,
    "background.noise_orders_per_side": 6,
    "shocks": [
        {"kind": "flow", "at": "1s", "over": "1s", "side": "sell", "notional": "$50m"},
        {"kind": "news_move", "at": "1s", "over": "1s", "move": "-1%"},
        {"kind": "transfer_halt", "at": "1s", "over": "1s"},
        {"kind": "fat_finger", "at": "1s", "side": "sell", "notional": "$50m", "limit": "20%"},
        {"kind": "engine_pace", "at": "1s", "over": "2s", "pace": "$1m/s"},
        {"kind": "price_band", "at": "1s", "over": "2s", "width": "1%"},
        {"kind": "halt", "at": "1s", "over": "2s"},
        {"kind": "depth_withdrawal", "at": "1s", "over": "1s", "left": "30%", "ramp": "1s"},
        {"kind": "maker_outage", "at": "1s", "over": "2s", "firms": 1},
        {"kind": "latency", "at": "1s", "over": "2s", "factor": 4},
        {"kind": "funding_base", "at": "1s", "over": "2s", "rate": "-20%"},
    ],
    "news.path": [{"at": "1s", "move": "-1%"}],
}
WRITTEN = {"s": "{:.12g}s", "USD": "${:.12g}", "USD per day": "${:.12g}", "1/s": "{:.12g}/s"}
ENTRIES = {
    "shocks.N.(flow)": "shocks.0",
    "shocks.N.(news_move)": "shocks.1",
    "shocks.N.(transfer_halt)": "shocks.2",
    "shocks.N.(fat_finger)": "shocks.3",
    "shocks.N.(engine_pace)": "shocks.4",
    "shocks.N.(price_band)": "shocks.5",
    "shocks.N.(halt)": "shocks.6",
    "shocks.N.(depth_withdrawal)": "shocks.7",
    "shocks.N.(maker_outage)": "shocks.8",
    "shocks.N.(latency)": "shocks.9",
    "shocks.N.(funding_base)": "shocks.10",
    "news.path.N": "news.path.0",
}


def _ends() -> list[tuple[str, object]]:
    ends = []
    for row in reference_rows(Spec):
        if not row.bounds or "depth.N" in row.path or row.path.partition(".")[0] in NOT_READ:
            continue
        path = row.path
        for written, meant in ENTRIES.items():
            path = path.replace(written, meant)
        for end in row.bounds.split(" to "):
            number = float(end)
            text = WRITTEN[row.unit].format(number) if row.unit in WRITTEN else number
            ends.append((path, int(number) if row.unit == "" and number.is_integer() else text))
    return ends


ENDS = _ends()


def test_bounds_are_declared_once():
    assert field_extra(Spec, "tick")["maximum"] == 60.0
    assert len(ENDS) > 120


@pytest.mark.parametrize(("path", "value"), ENDS, ids=[f"{path}={value}" for path, value in ENDS])
def test_a_setting_at_its_bound_runs_finite(path, value):
    from sim.build import build

    try:
        spec = load_spec("calm_btc", {**SMALL, path: value})
        market = build(spec, 1)
        market.run_until(min(spec.duration, 3 * spec.tick))
    except ShoalError as error:
        assert 20 < len(str(error)) < 400
        return
    arrays = market.collect()
    for rows in (arrays.series, arrays.bands, arrays.events):
        for name in rows.dtype.names or ():
            if rows[name].dtype.kind == "f":
                assert np.isfinite(rows[name]).all(), name
