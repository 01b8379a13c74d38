"""Table and figure of each fire sale in closed form: the printed numbers, cases by hand, labels, and bad places."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from sim import calculator as calc
from sim.cli.app import app
from sim.errors import ResultError, RuleError
from sim.report import fire_sales
from sim.report.fire_sales import COLUMNS

FILES = {
    "holders.csv": "name,equity,BTC,ETH\na,10,50,50\nb,20,0,100\n",
    "market.csv": "asset,depth,shock\nBTC,1000,0.1\nETH,1000,0\n",
    "fund.csv": "asset,shares,price,depth,volatility\nBTC,10,1,20,0.2\nETH,10,1,40,0.2\n",
    "lambda.csv": "fall,usd\n0.1,900e6\n",
}
ASKED = {
    "linear": "--liquidations 9e9 --depth 15e9 --shock 0.02",
    "cascade": "--shock 0.02 --liquidations lambda.csv --depth 15e9",
    "covariance": "fund.csv --slope 2 --correlation 0.3",
    "vulnerability": "holders.csv market.csv",
    "deleverage": "holders.csv market.csv --max-leverage 15 --target-leverage 10",
    "spiral": "--risk-aversion 1e-3 --volatility 20 --margin 10 --margin-slope -0.5 --position 80 --before 15",
    "critical-leverage": "--impact 0.1 --leverage 20",
}
LABELS = {
    "linear": ("n, liquidations over depth (pure number)", "amplification, times", "fall of the price, %"),
    "cascade": ("fall of the price x, %", "fall after the sales that x forces, %"),
    "covariance": ("volatility of returns, %", "correlation of returns (pure number)"),
    "vulnerability": ("% of equity of all", "fall of the price, %", "loss, % of its own equity"),
    "deleverage": ("price, % of that before the shock", "sold, USD", "round of sales", "loss, % of its own equity"),
    "spiral": ("fall of the price for 1 USD of funding lost, USD",),
    "critical-leverage": ("impact of the whole position, %", "leverage, assets over equity", "share of the position"),
}
SYSTEM = (["a", "b"], ["BTC", "ETH"], [[50, 50], [0, 100]], [10, 20], [0.1, 0.0], [1000, 1000])


def test_every_command_is_asked():
    assert {name.replace("-", "_") for name in ASKED} == set(fire_sales.__all__) - {"COLUMNS", "FireSale"}


def printed(told: dict) -> dict[tuple[str, str], float]:
    """Numbers of the JSON by quantity and item; null is unbounded."""
    out = {}
    for key, value in told.items():
        for row in value if isinstance(value, list) else [{"": "", key: value}]:
            (_, item), *rest = row.items()
            for name, number in rest:
                quantity = f"correlation_{name}" if key == "correlation" else name
                out[quantity, item] = math.inf if number is None else float(number)
    return out


@pytest.mark.parametrize("name", ASKED)
def test_a_command_writes_the_printed_numbers_and_a_figure(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file, text in FILES.items():
        Path(file).write_text(text)
    done = CliRunner().invoke(app, ["calc", "fire-sale", name, *ASKED[name].split(), "--json", "--out", "o/p"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told.pop("folder") == "o/p"
    path = told.pop("path", [])
    stem = f"fire_sale_{name.replace('-', '_')}"
    ends = ("csv", "parquet", "units.csv", "svg", "png", "txt")
    assert {p.name for p in Path("o/p").iterdir()} == {f"{stem}.{end}" for end in ends}
    table = pd.read_csv(f"o/p/{stem}.csv", keep_default_na=False, na_values={"at": [""]})
    assert list(table.columns) == list(COLUMNS) == pd.read_csv(f"o/p/{stem}.units.csv")["column"].tolist()
    assert (table["meaning"] != "").all() and set(table["kind"]) <= {"input", "result", "curve"}
    single = table[table["at"].isna()]
    values = {(row.quantity, row.item): row.value for row in single.itertuples()}
    assert len(values) == len(single)
    want = printed(told)
    assert {key: values[key] for key in want} == pytest.approx(want, rel=1e-12)
    own = table[table["item"] == "own"]
    for row in path:
        there = own.loc[np.isclose(own["at"], float(row["sold"])), "value"].item()
        assert there == (math.inf if row["leverage"] is None else pytest.approx(row["leverage"]))
    assert Path(f"o/p/{stem}.svg").read_bytes().startswith(b"<?xml") and Path(f"o/p/{stem}.png").stat().st_size > 5_000


ANSWERS = {
    "linear": lambda: fire_sales.linear(9e9, 15e9, 0.02),
    "cascade": lambda: fire_sales.cascade(0.02, [(0.1, 900e6)], 15e9),
    "covariance": lambda: fire_sales.covariance(["BTC", "ETH"], 0.04 * np.eye(2), [10, 10], [1, 1], [20, 40], 2.0),
    "vulnerability": lambda: fire_sales.vulnerability(*SYSTEM),
    "deleverage": lambda: fire_sales.deleverage(*SYSTEM, 15, 10),
    "spiral": lambda: fire_sales.spiral(1e-3, 20, 10, -0.5, 20, 15),
    "critical-leverage": lambda: fire_sales.critical_leverage(0.1, 20),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_axes_say_what_they_hold_and_in_which_unit(name):
    drawn = ANSWERS[name]().figure()
    labels = [label for axes in drawn.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    for want in LABELS[name]:
        assert any(want in label for label in labels), labels
    assert all(axes.get_title(loc="left") for axes in drawn.axes)
    assert "not a forecast" in drawn.get_supxlabel()


def points(axes, label):
    """Data of the line whose label begins so."""
    return next(line.get_data() for line in axes.get_lines() if line.get_label().startswith(label))


def heights(axes):
    return [bar.get_height() for bar in axes.patches]


def test_the_linear_book_is_drawn_with_its_pole_and_its_rounds():
    """0.02, then 0.02 + 0.6 x 0.02, then 0.02 + 0.6 x 0.032, toward 0.05."""
    found = ANSWERS["linear"]()
    left, right = found.figure().axes
    assert points(left, "n = 0.6") == ([0.6], [2.5])
    assert list(points(left, "pole")[0]) == [1.0, 1.0]
    assert points(right, "after")[1][:3] == pytest.approx([2.0, 3.2, 3.92])
    assert points(right, "after")[1][-1] == pytest.approx(5.0, rel=0.01)
    wild = fire_sales.linear(60, 1, 0.02).figure().axes
    assert points(wild[0], "n = 60, beyond the axis: unbounded") and "no end" in wild[1].get_title(loc="left")
    assert len(fire_sales.linear(9e9, 15e9).figure().axes) == 1
    (near,) = fire_sales.linear(0.999, 1).figure().axes
    assert max(points(near, "1 / (1 - n)")[0]) > 0.999 and near.get_ylim()[1] == pytest.approx(1500.0)


def test_the_cascade_meets_the_diagonal_where_the_formula_ends():
    """At x = 5 % the table gives 450m, of a depth of 15bn 3 %, and with the shock 5 %."""
    (axes,) = ANSWERS["cascade"]().figure().axes
    x, y = points(axes, "s + I")
    assert np.interp(5.0, x, y) == pytest.approx(5.0) and np.interp(3.0, x, y) == pytest.approx(3.8)
    assert [float(v[0]) for v in points(axes, "ends at")] == pytest.approx([5.0, 5.0])
    lam, book = [(0.02, 0.0), (0.05, 60.0), (0.3, 80.0)], [(20.0, 0.01), (40.0, 0.03)]
    table = fire_sales.cascade(0.03, lam, book).table
    line = table[table["quantity"] == "fall_after_sales"]
    root = calc.cascade_fall(0.03, lam, book).fall
    for at, want in ((0.01, 0.03), (0.025, 0.035), (0.035, 0.05), (0.05, 0.03 + 0.03 + 20 * 0.001), (root, root)):
        assert np.interp(at, line["at"], line["value"]) == pytest.approx(want, rel=1e-3), at
    (endless,) = fire_sales.cascade(0.02, [(1.0, 30e9)], 15e9).figure().axes
    assert "no end below a fall of 100 %" in endless.get_title(loc="left")
    assert not [line for line in endless.get_lines() if line.get_label().startswith("ends at")]


def test_bars_are_the_numbers_of_covariance_and_vulnerability():
    """By hand in tests/exact/test_fire_sales.py: variances 0.1 and 0.065, covariance 0.04."""
    left, right = ANSWERS["covariance"]().figure().axes
    assert heights(left) == pytest.approx([20.0, 20.0, 100 * math.sqrt(0.1), 100 * math.sqrt(0.065)])
    assert points(right, "before")[0] == pytest.approx([0.0], abs=1e-12)
    assert points(right, "during")[0] == pytest.approx([0.04 / math.sqrt(0.0065)])
    makes, fall, bears = ANSWERS["vulnerability"]().figure().axes
    assert heights(makes) == pytest.approx([15.0, 0.0])
    assert heights(fall) == pytest.approx([10.0, 0.0, 2.25, 2.25])
    assert heights(bears) == pytest.approx([50.0, 0.0, 22.5, 11.25])
    assert points(bears, "100 %")[1][0] == 100.0


def test_prices_by_round_are_those_of_the_sales():
    """Each round's fall is ``bounded_impact`` of what was sold in it, with what is left of the way to the floor."""
    asked = (SYSTEM[2], SYSTEM[3], SYSTEM[4], SYSTEM[5], 15, 10)
    found = calc.threshold_deleveraging(*asked)
    price = np.array([0.9, 1.0])
    assert found.prices_by_round[0].tolist() == price.tolist() and found.n_rounds > 0
    for sold, after in zip(found.sold_usd, found.prices_by_round[1:], strict=True):
        price = price * (1.0 - calc.bounded_impact(sold, SYSTEM[5], 0.5 / price))
        assert after == pytest.approx(price)
    assert found.prices_by_round[-1].tolist() == found.prices.tolist()
    prices, sold, lost = fire_sales.deleverage(*SYSTEM, 15, 10).figure().axes
    assert points(prices, "BTC")[1] == pytest.approx(100 * found.prices_by_round[:, 0])
    assert sum(heights(sold)) == pytest.approx(found.sold_usd.sum())
    assert sum(heights(lost)) == pytest.approx(100 * (found.loss_usd / np.array(SYSTEM[3])).sum())
    calm = fire_sales.deleverage(*SYSTEM[:4], [0.0, 0.0], SYSTEM[5], 99, 90).figure().axes[1]
    assert [text.get_text() for text in calm.texts] == ["nobody sells"]


def test_an_unbounded_answer_is_no_bar_of_a_number():
    (axes,) = ANSWERS["spiral"]().figure().axes
    assert heights(axes) == pytest.approx([1 / 50, 1 / 40, 1 / 35, 1 / 25])
    assert points(axes, "neither, and")[1][0] == pytest.approx(1 / 35 + 1 / 40 - 1 / 50)
    (axes,) = fire_sales.spiral(1e-3, 20, 10, -0.5, 80, 15).figure().axes
    assert [bar.get_hatch() is not None for bar in axes.patches] == [False, False, False, True]
    assert "unbounded" in [text.get_text() for text in axes.texts]


def test_paths_of_leverage_stand_around_the_critical_line():
    left, right = ANSWERS["critical-leverage"]().figure().axes
    assert points(left, "critical") == ([10.0], [pytest.approx(15.0)])
    assert points(right, "critical")[1][0] == pytest.approx(15.0)
    assert points(right, "own: 20; ruin at")[1][0] == pytest.approx(20.0)
    assert "ruin" not in next(x.get_label() for x in right.get_lines() if x.get_label().startswith("0.8 x"))
    at = next(line for line in right.get_lines() if line.get_label() == "1 x critical: 15")
    assert at.get_xdata()[-1] == pytest.approx(99.5) and np.all(np.diff(at.get_ydata()) > 0.0)
    none = fire_sales.critical_leverage(1.2).figure().axes[1]
    assert "no price is left" in none.texts[0].get_text()


def test_what_is_left_out_of_a_figure_is_said_and_in_the_table():
    n = 40
    many = fire_sales.vulnerability(
        [f"h{k}" for k in range(n)], ["BTC"], np.arange(1, n + 1)[:, None], np.full(n, 0.5), [0.1], [1e4]
    )
    titles = [axes.get_title(loc="left") for axes in many.figure().axes]
    assert "(30 largest of 40 holders)" in titles[0] and "(30 largest of 40 holders)" in titles[2]
    assert (many.table["quantity"] == "systemicness").sum() == n


def test_the_same_answer_has_the_same_bytes(tmp_path):
    for place in "ab":
        fire_sales.linear(9e9, 15e9).save(tmp_path / place)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_bad_places_and_names_are_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        words = ["calc", "fire-sale", "linear", "--liquidations", "9", "--depth", "15", "--out", str(place)]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 1 and "Traceback" not in done.output
        assert f"{place}: cannot write the table and the figure" in done.stderr and "--out" in done.stderr
        assert done.stdout == "" and done.stderr.count("\n") == 1
    with pytest.raises(ResultError, match="choose another place"):
        fire_sales.linear(9, 15).save(tmp_path / "file")
    with pytest.raises(RuleError, match="1 names of holders where 2 are asked for"):
        fire_sales.vulnerability(["a"], *SYSTEM[1:])
