"""The report over all listings: sums to a micro-dollar, whose the accounts are, and a page that says what it shows."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim.network.watch import GROUPS, Watch
from sim.report import markets as figures
from sim.report import markets_page, markets_time, page
from sim.results import Ensemble, markets
from sim.runner import Scenario
from sim.schema import EVENT_NAMES
from tests.network.small import PERP_ONLY, SPOT_ONLY, spec_of
from tests.report.conftest import made_run
from tests.report.test_page import Outline

BTC = {"asset": "btc", "exchange": "one"}
LISTINGS = {
    "a": BTC,
    "b": {**BTC, "exchange": "two", **PERP_ONLY, "clearing": {"fund_scale": 0.0}},
    "c": {"asset": "eth", "exchange": "one", "market": {"price": "$4100", "open_interest": "1m"}},
    "d": {**BTC, "exchange": "three", **SPOT_ONLY},
}
NETWORK = {
    "portfolios": {"one": {"accounts": 100}, "two": {"accounts": 60}},
    "bridge": {
        "transfer_low": "20s", "transfer_high": "40s", "halts": [{"at": "2min", "over": "2min", "exchange": "two"}],
    },
}  # fmt: skip
SHOCKS = [{"kind": "flow", "at": "1min", "over": "60s", "notional": "$6bn", "side": "sell"}]


def spec(folder):
    return spec_of(folder, LISTINGS, NETWORK, shocks=SHOCKS, duration="6min")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return Scenario(spec(tmp_path_factory.mktemp("markets"))).ensemble([3, 4])


@pytest.fixture(scope="module")
def one(both):
    return both.runs[0]


def test_looking_on_changes_nothing(one, monkeypatch, tmp_path):
    monkeypatch.setattr(Watch, "look", lambda self, network: None)
    monkeypatch.setattr(Watch, "next_s", lambda self, tick_us: float("inf"))
    assert Scenario(spec(tmp_path)).run(seed=3).hashes == one.hashes


def test_layers_sum_to_the_whole_and_the_fund_is_that_of_the_series(one):
    table, micro = markets.waterfall(one), lambda values: np.rint(1e6 * np.asarray(values)).astype(np.int64)
    for exchange, row in table.iterrows():
        parts = micro(row.to_numpy())
        assert parts[:-1].sum() == parts[-1]
        mine = [one.listings[n] for n, x in one.spec.listings.items() if x.exchange == exchange]
        perps = [part for part in mine if part.spec.market.perp]
        ends = np.array([micro(part.series["fund_usd"].iloc[[0, -1]]) for part in perps]).reshape(-1, 2)
        orders = [part.events[part.events["kind"] == "forced_order"]["cash_usd"] for part in perps]
        fees = sum(int(micro(cash).sum()) for cash in orders)
        lost = int(ends[:, 0].sum() - ends[:, 1].sum()) + fees
        assert parts[1] + parts[3] == lost
    assert table.loc["two", "adl_usd"] > 0 and table.loc["one", "margin_usd"] > 0
    assert (table.loc["three"] == 0).all()


def test_every_account_has_the_group_of_its_row(one, tmp_path):
    network = Scenario(spec(tmp_path)).network(3)
    watched = network.watched()
    for name, market in network.markets.items():
        groups, accounts = np.array(GROUPS)[watched.groups[name]], market.state.accounts
        joint = np.flatnonzero(accounts["joint"])
        assert set(groups[joint]) <= {"portfolios", "long_short"}
        assert (groups == "makers").sum() == len(market.state.firms)
        assert (groups == "bridge").sum() == len(network.couplings.wallets.firms)
        watched_people = accounts["leveraged"] == 1
        watched_people[joint] = False
        assert (groups[watched_people] == "people").all()
        assert "agents" not in groups
    legs = network.couplings.portfolios.legs
    owners = {(k, r): watched.owners[name][r] for k, name in enumerate(network.markets) for r in range(40)}
    for leg in legs[legs["row"] < 40]:
        assert owners[int(leg["listing"]), int(leg["row"])] == leg["portfolio"]


def test_deleveraging_is_that_of_the_series_and_of_the_other_side(one):
    closed = markets.deleveraged(one)
    adl = sum(float(part.series["adl_btc"].sum()) for part in one.listings.values())
    events = pd.concat([part.events[part.events["kind"] == "adl"] for part in one.listings.values()])
    assert len(closed) == len(events) > 0
    assert np.isclose(events["quantity_btc"].abs().sum(), adl, rtol=1e-12)
    assert set(closed["side"]) == {"short"}  # longs fail in a fall
    assert "" not in set(closed["group"]) and (closed["owner"] >= 0).all()


def test_concentration_counts_owners_not_accounts():
    closed = pd.DataFrame(
        {"owner": [1, 1, *range(2, 200)], "group": ["people", "hedgers", *["people"] * 198], "usd": 1.0}
    )
    closed.loc[0, "usd"] = 301.0
    found = markets.concentration(closed)
    assert found["top_1_frac"] == 302 / 500 and found["top_10_frac"] == 311 / 500
    assert found["top_1pct_frac"] == 303 / 500 and found["owners"] == 199  # two of 199
    assert found["hedges_frac"] == 1 / 500
    assert np.isnan(markets.concentration(closed.iloc[:0])["top_1_frac"])


def test_forced_minutes_are_those_of_the_series(one):
    for exchange, (true, shown) in markets.forced_minutes(one).items():
        mine = [one.listings[n] for n, x in one.spec.listings.items() if x.exchange == exchange]
        wanted = sum(float(part.series[["forced_sell_usd", "forced_buy_usd"]].to_numpy().sum()) for part in mine)
        assert np.isclose(true.sum(), wanted, rtol=1e-3)  # an event's price is a mean, cut to a tick
        assert (shown <= true).all()
    assert 0 < sum(x[1].sum() for x in markets.forced_minutes(one).values())


def test_gaps_are_dearest_less_cheapest(one):
    gap = markets.gaps(one, "perp")
    assert list(gap) == ["btc"] and list(gap.index) == [60.0 * k for k in range(1, 7)]
    mids = [one.listings[n].series.set_index("elapsed_s")["perp_mid_usd"][120.0] for n in "ab"]
    assert gap.loc[120.0, "btc"] == pytest.approx((max(mids) - min(mids)) / np.mean(mids))
    assert list(markets.gaps(one, "spot")) == ["btc"]


def test_the_low_is_the_lowest_trade_over_the_first(one):
    table = markets.by_listing(one).set_index("listing")
    last = one.listings["a"].series["perp_last_usd"].bfill().to_numpy()
    assert table.loc["a", "low_frac"] == last.min() / last[0]
    series = one.listings["a"].series
    assert table.loc["a", "depth_bid_usd"] == series["depth_bid_1pct_btc"].iloc[int(last.argmin())] * last.min()
    assert table.loc["d", "book"] == "spot" and np.isnan(table.loc["d", "depth_bid_usd"])


def test_transit_has_a_row_a_minute_and_exchange(one):
    transit = one.between["transit"]
    assert list(transit["exchange"][:3]) == ["one", "two", "three"] and len(transit) == 3 * 6
    assert (transit["cash_on_way_usd"] >= 0).all() and transit["coins_on_way_usd"].sum() > 0


def test_numbers_name_their_unit(one, both):
    for name in markets.numbers(one):
        assert re.search(r"_(usd|frac|owners|sent|stopped)$", name), name
    assert both.summary["all.adl_usd"]["n"] == 2 and "probability" not in str(one.summary)


@pytest.fixture(scope="module")
def drawn(both):
    return page.page_files(both.runs, both.run_id)


def test_the_page_shows_every_listing_and_loads_nothing(both, drawn):
    html = drawn["report.html"].decode()
    outline = Outline(html)
    text = " ".join("".join(outline.words).split())
    assert all(link.startswith("data:image/") for link in outline.links)
    assert text.count(markets_page.CONDITION) >= 2 and "2 seeds" in text
    for section in markets_page.sections(both.runs, both.run_id, None):
        assert section.heading in text and (not section.svg or f'alt="{section.heading}: ' in html)
    assert "From here on: the first listing, a, alone" in text
    assert sum(name.startswith("figures/all_") for name in drawn) == 5
    assert len(html) < 4_000_000


def test_every_figure_says_which_run(both):
    drawn = [
        figures.panel_figure(both.runs, "id"), figures.waterfall_figure(both.runs, "id"),
        figures.adl_figure(both.runs, "id"), markets_time.timeline_figure(both.runs, "id", None),
        markets_time.gap_figure(both.runs, "id"),
    ]  # fmt: skip
    for figure in drawn:
        assert "run id" in figure.get_supxlabel() and "not a forecast" in figure.get_supxlabel()
        assert all(axes.get_ylabel() or axes.get_title() or not axes.lines for axes in figure.axes[:1])


def test_the_table_of_the_waterfall_sums(one):
    rows = figures.waterfall_rows((one,))
    values = np.array([[float(cell.replace(",", "")) for cell in row[1:]] for row in rows])
    assert np.allclose(values[:, :-1].sum(axis=1), values[:, -1], atol=0.0021)
    assert np.allclose(values[:-1].sum(axis=0), values[-1], atol=0.0021) and rows[-1][0] == "all exchanges"


def test_one_market_has_none_of_it():
    run = made_run(1)
    assert markets_page.sections((run,), "x", None) == [] and markets_page.terminal_lines((run,)) == []


def test_without_deleveraging_the_section_says_so(one):
    quiet = {
        name: replace(part, tables=part.tables._replace(events=part.events[part.events["kind"] != "adl"]))
        for name, part in one.listings.items()
    }
    calm = replace(one, listings=quiet)
    section = markets_page.sections((calm,), "x", None)[3]
    assert section.about == ["Nobody was deleveraged in 1 seed."] and not section.svg and not section.rows


def test_the_terminal_table_has_a_line_a_listing(both):
    lines = markets_page.terminal_lines(both.runs)
    assert [line.split()[0] for line in lines[1:5]] == list("abcd") and "margin of the liquidated $" in lines[5]


def test_the_folder_holds_the_tables_between(one, tmp_path):
    files = one.files()
    assert {"listings/transit.parquet", "listings/stakes.parquet"} <= set(files)
    assert "adl" in EVENT_NAMES and {"group", "owner"} <= set(one.of_listings("events"))
    assert isinstance(Ensemble((one,)).summary["all.loss_margin_usd"]["median"], float)
