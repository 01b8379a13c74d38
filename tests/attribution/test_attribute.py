"""Attribution end to end on a small market: forks, coalitions, exactness, going on, refusals, files."""

import json
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import sim
from sim.attribution import answer as answers
from sim.attribution.attribute import estimate, points_of, refuse_closed
from sim.attribution.channels import channels_of, offers_of
from sim.attribution.measure import make
from sim.attribution.question import Question, layout_of
from sim.attribution.tables import channels_frame, coalitions_frame, pairs_frame
from sim.errors import ResultError, ScenarioError
from sim.experiments.cases import Interrupted
from sim.metrics.amplification import log_fall
from sim.report import attribution as report
from sim.runner import load
from tests.attribution.made import ask, question, written
from tests.experiments.test_sweep import shoal
from tests.network.small import spec_of

FOUR = "depth,early_withdrawal,withdrawal,leverage"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return ask(tmp_path_factory.mktemp("attribution"), "withdrawal,leverage,adl", seeds=4)


def test_with_everything_on_it_is_the_unbroken_run(tmp_path):
    layout = layout_of(question(tmp_path, FOUR))
    plain = load(str(written(tmp_path)), duration=f"{layout.base.duration:g}s").run(2)
    run, numbers = make(layout.scenario(layout.everybody), 2, layout.measure)
    assert run.hashes == plain.hashes
    quiet = load(
        str(written(tmp_path)), set={"shocks": [], "leveraged.enabled": False, "market_maker.withdrawal": False},
        duration=f"{layout.base.duration:g}s",
    ).run(2)  # fmt: skip
    counts = (plain.series["elapsed_s"] >= layout.from_s).to_numpy()
    marks = [one.series["mark_usd"].to_numpy()[counts] for one in (plain, quiet)]
    assert numbers["fall"] == log_fall(*marks) > 0.02 and numbers["forced_usd"] > 0.0


def test_a_coalition_is_a_fork_of_the_state_at_which_channels_part(tmp_path):
    """Of one past several futures, each the run that ``SavedState.fork`` gives."""
    layout = layout_of(question(tmp_path, FOUR))
    scenario, arguments = str(written(tmp_path)), layout.measure
    long = f"{layout.base.duration:g}s"
    early = load(scenario, set=layout.before(0), duration=long).run(1, until="50s")
    for off in ({"leveraged.enabled": False, "market_maker.withdrawal": False}, {"leveraged.enabled": False}, {}):
        on = sum(1 << i for i, c in enumerate(layout.channels) if c.name in ("leverage", "withdrawal")
                 and not c.after.keys() <= off.keys())  # fmt: skip
        changes = {"market_maker.withdrawal": True, **off}
        wanted = early.fork({k: v for k, v in changes.items()}).run()
        got, _ = make(layout.scenario(on), 1, arguments)
        assert got.hashes == wanted.hashes


def test_coalitions_of_a_network_are_forks_too(tmp_path):
    listings = {"a": {"asset": "btc", "exchange": "cex_a"}, "b": {"asset": "btc", "exchange": "cex_b"}}
    halts = {"bridge": {"halts": [{"at": "10s", "over": "80s", "exchange": "cex_a"}]}}
    fall = [{"kind": "news_move", "at": "30s", "over": "20s", "move": "-4%"}]
    spec_of(tmp_path, listings, halts, duration="2min", shocks=fall)
    file = str(tmp_path / "small.yaml")
    layout = layout_of(Question(file, channels=("transfers", "leverage"), at="20s", horizon_s=60.0, seeds=2))
    early = load(file, duration=f"{layout.base.duration:g}s").run(1, until="20s")
    off = {"network.bridge.halts": [], "leveraged.enabled": False}
    for coalition, changes in ((0, off), (2, {"network.bridge.halts": []}), (3, {})):
        run, numbers = make(layout.scenario(coalition), 1, layout.measure)
        assert run.hashes == early.fork(changes).run().hashes
        assert (numbers["forced_usd"] > 0.0) is (coalition > 0)


def test_shares_add_up_exactly(found):
    for worth in ("trough", "cascade", "forced"):
        assert found.unshared(worth) == 0
        none, everything, whole = found.whole[worth]
        assert Fraction(whole.value) == Fraction(everything.value) - Fraction(none.value) or whole.value != 0
        assert sum(p.share.value for p in found.parts[worth]) == pytest.approx(whole.value, rel=1e-12, abs=1e-12)
        joint = sum(t.value for t in found.joint[worth].values()) + sum(p.first.value for p in found.parts[worth])
        assert joint == pytest.approx(whole.value, rel=1e-12, abs=1e-12)


def test_a_channel_that_does_nothing_gets_nothing(found):
    """No fund of this market is ever empty, so nobody is deleveraged: not a bit of any number may move."""
    names = [channel.name for channel in found.layout.channels]
    adl = names.index("adl")
    for worth, values in found.values.items():
        for coalition, row in found.place.items():
            assert (values[row] == values[found.place[coalition | 1 << adl]]).all()
        part = found.parts[worth][adl]
        assert part.share == part.first == part.last == answers.Told(0.0, 0.0, 0.0, 0.0) and not part.as_interval
        assert all(t.value == 0.0 for pair, t in found.joint[worth].items() if adl in pair)
    assert found.parts["forced"][names.index("leverage")].share.value > 0.0


def test_a_coalition_cascades_by_its_own_base_run(found):
    """DECISIONS 20c: forced beyond what the fall of the base run of the same seed, depth and shock would force."""
    points = points_of(found.layout)
    rows = pd.concat(pd.read_parquet(p) for p in sorted((found.folder / "runs").glob("*.parquet")))
    rows = rows.set_index(["point", "seed"])
    everybody = found.layout.everybody
    base = rows.loc[points.base[everybody]]
    assert base["would_force"].notna().all() and (base["forced_share"] == 0).all()
    second = rows.loc[points.run[everybody]]["forced_share"] - base["would_force"]
    hit = np.where(second.loc[list(found.seeds)].to_numpy() > 0.02, 100.0, 0.0)
    assert (found.values["cascade"][found.place[everybody]] == hit).all()
    assert len(set(points.base.values())) == 2  # with and without deleveraging, which liquidates nobody there


def test_where_liquidation_is_no_channel_base_runs_are_made_beside(tmp_path):
    layout = layout_of(question(tmp_path, "withdrawal,adl", seeds=2))
    points = points_of(layout)
    assert len(layout.coalitions) == 4 and len(points.plan.points) == 4 + 2
    assert not set(points.base.values()) & set(points.run.values())


def test_an_interrupted_attribution_goes_on(tmp_path):
    with pytest.raises(Interrupted):
        ask(tmp_path, "withdrawal,leverage", stop=5)
    made: list[int] = []
    whole = ask(tmp_path, "withdrawal,leverage", told=lambda tally: made.append(tally.made))
    assert made[-1] == 12 - 5 and len(whole.seeds) == 3
    made.clear()
    more = ask(tmp_path, "withdrawal,leverage", seeds=4, told=lambda tally: made.append(tally.made))
    assert made[-1] == 4 and more.folder == whole.folder
    for worth in whole.values:
        assert (more.values[worth][:, :3] == whole.values[worth]).all()


def test_many_channels_are_asked_by_drawn_orders(tmp_path):
    own = [
        {"name": f"own_{k}", "title": "a rule of dip buyers", "off": {f"dip_buyer.{path}": value}}
        for k, (path, value) in enumerate({"pace": "$1k/s", "delay_median": "90s"}.items())
    ]
    over = {"attribution": {"own": own}, "duration": "130s"}
    asked = question(tmp_path, orders=4, over={**over, "trend": {"enabled": True}})
    layout = layout_of(asked)
    assert [c.name for c in layout.channels] == [
        "depth", "early_withdrawal", "withdrawal", "leverage", "adl", "trend", "own_0", "own_1",
    ]  # fmt: skip
    assert layout.is_exact and len(layout.coalitions) == 256
    more = {"attribution": {"own": [*own, {"name": "x", "title": "x", "off": {"arbitrage.leverage": 1.5}}]}}
    layout = layout_of(question(tmp_path, orders=4, over={**over, **more}))
    assert not layout.is_exact and len(layout.orders) == 4 and len(layout.coalitions) < 60
    game = {c: Fraction(c * c) for c in layout.coalitions}
    shared = sum(sum(w * game[c] for c, w in effect.items()) for effect in layout.shares)
    assert shared == game[layout.everybody] - game[0] and list(layout.pairs) == [(0, 3)]


def test_funds_and_companies_do_nothing_while_new_york_is_closed(tmp_path):
    """MODEL.md 5.3: in the flash window their share is 0, of every number and seed."""
    changes = ("etf.enabled=true", "dat.enabled=true", "leveraged.accounts=1000", "news.scale=6")
    asked = Question("flash_10_11_btc", changes, ("etf", "dat", "leverage"), "20:49", 900.0, 2)
    from sim.attribution.attribute import attribute
    from tests.experiments.inline import inline

    found = attribute(asked, tmp_path, lanes=lambda: [inline()])
    for worth in ("trough", "cascade", "forced"):
        for part in found.parts[worth][:2]:
            assert part.share == part.first == part.last == answers.Told(0.0, 0.0, 0.0, 0.0)
    assert found.parts["forced"][2].share.value > 0.0
    moved = {name: values.copy() for name, values in found.values.items()}
    moved["forced"][found.place[found.layout.everybody], 1] += 1.0
    with pytest.raises(ResultError, match="etf moves"):
        refuse_closed(found.layout, moved)


# --- numbers


def test_errors_are_those_of_the_mean_and_common_seeds_cancel():
    draw = np.random.default_rng(1)
    luck = draw.normal(size=400)
    values = np.stack([luck, luck + 5.0, draw.normal(size=400)])
    mean = answers.Worth("x", "", "", False)
    drawn = answers.resampled(values, mean)
    assert drawn[:, 0].std() == pytest.approx(luck.std() / 20.0, rel=0.05)
    assert np.allclose(drawn[:, 1] - drawn[:, 0], 5.0)
    assert (drawn[:, 2] - drawn[:, 0]).std() > 1.2 * drawn[:, 0].std()
    median = answers.resampled(values, answers.Worth("x", "", "", True))
    assert median[:, 0].std() == pytest.approx(1.2533 * luck.std() / 20.0, rel=0.25)


@pytest.mark.parametrize(
    ("share", "first", "last", "as_interval"), [(2.0, 1.0, 3.0, False), (2.0, 0.9, 3.0, True), (0.0, 0.0, 0.0, False)]
)
def test_an_interval_where_the_order_matters_more_than_the_share(share, first, last, as_interval):
    part = answers.Part(*(answers.Told(v, 0.0, v, v) for v in (share, first, last)), float("nan"))
    assert part.as_interval is as_interval and part.reach == (min(share, first, last), max(share, first, last))


# --- channels


def test_a_channel_is_offered_where_the_scenario_has_its_mechanism():
    here = offers_of(load("flash_10_11_btc").spec)
    assert [n for n, o in here.items() if not isinstance(o, str)] == [
        "depth", "early_withdrawal", "withdrawal", "leverage", "adl", "trend",
    ]  # fmt: skip
    assert here["lending"] == "no lending desk in this scenario"
    assert offers_of(load("loans_called").spec)["lending"].after == {"lending.enabled": False}
    many = offers_of(load("flash_10_11").spec)
    assert many["transfers"].after == {"network.bridge.halts": []}
    coins = many["collateral"].after["network.portfolios.cex_a.collateral"]
    wanted = load("flash_10_11_redemption").spec.network.portfolios["cex_a"].model_dump(mode="json")["collateral"]
    assert coins == wanted
    after = offers_of(load("aftermath_10_11").spec)
    assert all(not isinstance(after[name], str) for name in ("etf", "dat", "holders"))
    halted = load("calm_btc", set={"shocks": [{"kind": "transfer_halt", "at": "2min", "over": "60s"}]})
    assert offers_of(halted.spec)["transfers"].after == {"shocks": []}


def test_channels_of_the_networks_are_the_shipped_counterfactuals():
    many = offers_of(load("flash_10_11").spec)
    for channel, scenario in (("collateral", "redemption"), ("transfers", "transfers_open"), ("adl", "no_adl")):
        other = load(f"flash_10_11_{scenario}").spec
        paths = sim.scenario.change.change_spec(load("flash_10_11").spec, many[channel].after)
        assert paths.model_copy(update={n: getattr(other, n) for n in ("name", "title", "description")}) == other


@pytest.mark.parametrize(
    ("channels", "over", "said"),
    [
        ("lending", {}, "lending: no lending desk in this scenario"),
        ("etf", {}, "etf: no fund in this scenario"),
        ("levrage", {}, "no channel 'levrage': there is depth, "),
        ("adl,adl", {}, "'adl' is named twice"),
        ("leverage", {"leveraged": {"enabled": False}}, "leverage: no account is leveraged"),
        ("", {"shocks": [], "attribution": {"at": None}}, "say when channels part"),
        ("", {"attribution": {"at": "3h"}}, "outside the run of 240 s"),
        ("own", {"attribution": {"own": [{"name": "own", "title": "x", "off": {"trend.enabled": True}}]}},
         "channel own: it changes nothing in this scenario"),
        ("own", {"attribution": {"own": [{"name": "own", "title": "x", "off": {"market.price": "$90000"}}]}},
         "channel own: market.price: cannot change at a fork"),
        ("own,trend", {"attribution": {"own": [{"name": "own", "title": "x", "off": {"trend.enabled": False}}]}},
         "channels own and trend both change trend.enabled"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_in_one_sentence(tmp_path, channels, over, said):
    with pytest.raises(ScenarioError) as refused:
        layout_of(question(tmp_path, channels, over=over))
    assert said in str(refused.value) and len(refused.value.problems) == 1


def test_counts_that_make_no_sense_are_refused(tmp_path):
    for wrong in ({"seeds": 1}, {"orders": 3}):
        with pytest.raises(ScenarioError, match="expected"):
            layout_of(question(tmp_path, "adl", **wrong))


def test_channels_of_ones_own_are_checked_at_their_lines(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(
        "extends: flash_10_11_btc\nname: own\ntitle: own\nattribution:\n  channels: [leverage, calm]\n  own:\n"
        "    - name: calm\n      title: calmer people\n      off:\n        market_maker.withdrawl: false\n"
        "    - name: adl\n      title: taken\n      off: {clearing.adl: false}\n"
    )
    with pytest.raises(ScenarioError) as refused:
        load(str(path))
    (line,) = refused.value.problems
    assert ":11:7: attribution.own.1.name: there is a channel 'adl' already" in line
    path.write_text(path.read_text().replace("name: adl", "name: less"))
    with pytest.raises(ScenarioError) as refused:
        load(str(path))
    (line,) = refused.value.problems
    assert "own.yaml:10:9:" in line and "did you mean 'withdrawal'?" in line
    path.write_text(path.read_text().replace("withdrawl", "withdrawal"))
    assert [c.name for c in channels_of(load(str(path)).spec)] == ["leverage", "calm"]
    path.write_text(path.read_text().replace("[leverage, calm]", "[leverage, clam]"))
    with pytest.raises(ScenarioError, match="did you mean 'calm'"):
        load(str(path))


def test_attribution_is_no_part_of_a_runs_identity(tmp_path):
    a = load(str(written(tmp_path))).run_id([1])
    assert load(str(written(tmp_path, attribution={"at": "10s"}))).run_id([1]) == a


def test_one_tick_before_the_first_news_where_nothing_is_said(tmp_path):
    layout = layout_of(question(tmp_path, "adl", over={"attribution": {"at": None}}))
    assert (layout.fork_s, layout.from_s, layout.until_s) == (62.0, 63.0, 183.0)  # a tenth of -6% in 30 s from 60 s


# --- files and command


def test_tables_figures_and_json(found, tmp_path):
    place = report.save(found, tmp_path / "saved")
    channels = pd.read_parquet(place / "channels.parquet")
    assert len(channels) == 9 and channels.equals(channels_frame(found))
    assert list(channels["seeds"].unique()) == [4]
    total = channels[channels["worth"] == "forced"]["share"].sum()
    assert total == pytest.approx(1.0)
    assert len(pd.read_csv(place / "coalitions.csv")) == 24 == len(coalitions_frame(found))
    assert len(pd.read_csv(place / "pairs.csv")) == 9 == len(pairs_frame(found))
    units = pd.read_csv(place / "units.csv")
    for name in ("channels", "coalitions", "pairs"):
        columns = list(pd.read_csv(place / f"{name}.csv").columns)
        assert columns == list(units[units["table"] == name]["column"])
    held = json.loads((place / "attribution.json").read_text())
    assert held["unshared"] == {"trough": "0", "cascade": "0", "forced": "0"}
    assert (place / "waterfall.svg").read_bytes().startswith(b"<?xml")
    before = {p.name: p.read_bytes() for p in place.iterdir()}
    report.save(found, place)
    assert {p.name: p.read_bytes() for p in place.iterdir()} == before
    assert "not a forecast" in report.text(found) and "largest joint effect" in report.text(found)


def test_what_it_costs_is_told_before(tmp_path):
    told = estimate(layout_of(question(tmp_path, "withdrawal,leverage", seeds=10)))
    assert (told.coalitions, told.runs) == (4, 40) and told.cpu_s == pytest.approx(told.run_s * 40) and told.run_s > 0


def test_the_command(tmp_path):
    scenario = written(tmp_path)
    assert "lending           not here: no lending desk" in shoal("attribute", scenario, "--list")
    words = ["attribute", scenario, "--channels", "adl", "--seeds", 2, "--workers", 1, "--out", tmp_path / "out"]
    assert "1 channels, 2 coalitions" in shoal(*words, "--dry-run")
    told = json.loads(shoal(*words, "--json", "--horizon", "10s"))
    assert told["until_s"] == told["from_s"] + 10.0 and len(told["channels"]) == 3
    (place,) = (tmp_path / "out").glob("attribute-*/attribution")
    flow = pd.read_csv(place / "flow.csv")
    assert flow["perp_sell_lots"].sum() > 0 and (place / "flow.svg").exists()
    assert "flow" in set(pd.read_csv(place / "units.csv")["table"]) and told["typical_seed"] in (1, 2)
    shoal("attribute", scenario, "--channels", "etf", code=2)


@pytest.mark.parametrize(
    ("value", "is_step", "said"),
    [
        (2099.4, True, "+2,099"),
        (-0.5, True, "-0.5"),
        (6e-5, True, "0"),
        (12.54, False, "12.5"),
        (-1234.6, False, "-1,235"),
    ],
)
def test_numbers_are_told_to_three_digits(value, is_step, said):
    assert report.amount(value, is_step) == said
