"""``shoal haircut``: the quantile over seeds of fall and sale, and its concentration add-on."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import DataError
from sim.report import risk_haircut
from sim.risk.books import DISTANCES, walk_cost
from sim.risk.haircut import haircut, listing_of
from sim.risk.runs import How
from tests.experiments.inline import inline
from tests.network.small import spec_of
from tests.risk.small import market


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    how = How(tmp_path_factory.mktemp("haircut"), lanes=lambda: [inline(None)])
    return haircut(market(), "btc", 120.0, 0.9, 2e7, seeds=3, how=how)


def values(found):
    return {(row.item, row.quantity): row for row in found.rows}


def test_each_seeds_haircut_is_its_fall_and_the_walk_through_its_book(found):
    lost = []
    for _, run in found.runs.iterrows():
        depth = np.array([run[f"book.bids_{1e4 * at:g}bp_thin"] for at in DISTANCES])
        lost.append(1 - (1 - run["book.fall"]) * (1 - walk_cost(2e7, depth)[0]))
    assert values(found)["$20,000,000", "haircut"].value == pytest.approx(max(lost))  # 90 % of three seeds: the worst


def test_the_fall_is_that_of_the_path(found):
    run = found.scenario.run(1)
    mid, time_s = run.series["spot_mid_usd"].to_numpy(), run.series["elapsed_s"].to_numpy()
    at = np.isin(time_s, np.arange(10.0, 361.0, 10.0))
    t, p = time_s[at], mid[at]
    brute = max(1 - p[j] / p[i] for i in range(t.size) for j in range(i, t.size) if t[j] - t[i] <= 120.0)
    assert found.runs["book.fall"].iloc[0] == pytest.approx(brute) and brute > 0.04


def test_larger_sizes_need_more(found):
    got = values(found)
    sizes = [f"${f * 2e7:,.0f}" for f in (0.25, 0.5, 1, 2, 4)]
    cuts = [got[size, "haircut"].value for size in sizes]
    assert cuts == sorted(cuts) and cuts[0] > got["", "haircut_smallest"].value > got["", "fall"].value
    for size, cut in zip(sizes, cuts, strict=True):
        add_on = got[size, "concentration_add_on"].value
        assert add_on == pytest.approx(cut - got["", "haircut_smallest"].value)


def test_files_and_words(found):
    place = found.save()
    assert {p.name for p in place.iterdir()} >= {f"haircut.{e}" for e in ("parquet", "csv", "units.csv", "svg", "png")}
    assert "covers 90 % of seeds" in risk_haircut.text(found)


def test_the_market_of_an_asset(tmp_path):
    spec = spec_of(tmp_path, {"btc_a": {"asset": "btc", "exchange": "a"}, "eth_a": {"asset": "eth", "exchange": "a"}})
    assert listing_of(spec, "ETH") == "eth_a" and listing_of(market().spec, "BTC") is None
    for asset, listing, why in (("doge", None, "has no asset 'doge'"), ("eth", "btc_a", "is none of eth: eth_a")):
        with pytest.raises(DataError, match=why):
            listing_of(spec, asset, listing)
    with pytest.raises(DataError, match="one market alone, of btc"):
        listing_of(market().spec, "eth")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--size", "0"], "size 0 and confidence"),
        (["--size", "lots"], "--size 'lots'"),
        (["--size", "1e6", "--horizon", "99d"], "the scenario lasts"),
        (["--size", "1e6", "--conf", "2"], "confidence 2"),
    ],
)
def test_a_bad_question_is_one_sentence(words, why):
    done = CliRunner().invoke(app, ["haircut", "calm_btc", "--asset", "btc", "--horizon", "1h", *words])
    assert done.exit_code == 2 and why in done.stderr and "Traceback" not in done.output


def test_the_command_answers(tmp_path):
    words = ["haircut", "calm_btc", "--asset", "btc", "--horizon", "30s", "--size", "$5m", "--set", "duration=1min"]
    words += ["--set", "leveraged.accounts=100", "--seeds", "1", "--workers", "1", "--out", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["rows"][0]["quantity"] == "fall"
