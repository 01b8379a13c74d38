"""Who bears a loss, by the public functions: MODEL 6.2.12, L7, L8, L9 and L11 of the test programme.

Seeds of the drawn cases are fixed; everything compared is exact.
"""

from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from sim import calculator as calc
from sim.calculator import Portfolio, Position, Terms, Tier, doors
from sim.errors import RuleError
from sim.kernels.adl import ADL_RULES
from tests.reference_market import deleveraging as twin
from tests.reference_market import loss_shares

MICRO = Fraction(1, 10**6)
ONE = Terms(Fraction(1), Fraction(1), (Tier(None, Fraction(1, 100), Fraction(0), Fraction(1, 50)),))
# the coarsest grid there is: a lot and a tick are worth one millionth
COARSE = Terms(MICRO, Fraction(1), (Tier(None, Fraction(1, 100), Fraction(0), Fraction(1, 50)),))
# size, entry, collateral of four shorts; 20 are to be closed at a mark of 90
SHORTS = {"A": (10, 100, 50), "B": (20, 95, 400), "C": (10, 91, 30), "D": (15, 105, 2000)}
HOLDERS = {name: Portfolio(money, {"X": Position(ONE, -size, at)}) for name, (size, at, money) in SHORTS.items()}
BANKRUPT = Portfolio(40, {"X": Position(ONE, 20, 95)})  # at 93


def test_scores_of_the_worked_example():
    """6.2.12: BitMEX-type A .600 C .247 B .190 D .087; Hyperliquid index C 22.75 A 6.67 B 3.80 D 0.708."""
    by_pnl, by_index = (calc.adl_scores(ONE, HOLDERS, 90, rule) for rule in ("pnl_leverage", "index"))
    assert [round(by_pnl[name], 3) for name in "ACBD"] == [0.6, 0.247, 0.189, 0.087]
    assert [round(by_index[name], 3) for name in "CABD"] == [22.75, 6.667, 3.8, 0.708]


@pytest.mark.parametrize(("rule", "order"), [("pnl_leverage", "AC"), ("index", "CA"), ("leverage_pnl", "AC")])
def test_the_worked_example_closes_20_at_the_bankruptcy_price_and_moves_60(rule: str, order: str):
    closed, left = calc.adl_allocation(ONE, BANKRUPT, HOLDERS, 90, rule)
    assert [(c.name, c.size, c.price, c.loss) for c in closed] == [(name, 10, 93, 30) for name in order]
    assert left == 0
    assert calc.bankruptcy_price(BANKRUPT, "X") == 93
    whole = calc.order_of_loss(ONE, BANKRUPT, HOLDERS, 90, 0, rule)
    assert (whole.loss, whole.fund, whole.adl, whole.deficit, whole.closed) == (60, 0, 60, 0, closed)


def test_shares_of_the_worked_example():
    sizes = calc.loss_shares(20, {name: size for name, (size, _, _) in SHORTS.items()})[0]
    assert [round(float(part), 3) for part in sizes.values()] == [3.636, 7.273, 3.636, 5.455]
    cut, left = calc.loss_shares(20, {name: size * (at - 90) for name, (size, at, _) in SHORTS.items()})
    assert [round(float(part), 3) for part in cut.values()] == [4.598, 4.598, 0.46, 10.345]
    assert (sum(cut.values()), left) == (20, 0)
    assert calc.loss_shares(500, {"A": 100, "B": -7, "C": 10}) == ({"A": 100, "B": 0, "C": 10}, 390)


def test_each_layer_of_the_worked_example_is_empty_before_the_next_is_asked():
    for fund, borne, adl, deficit in ((0, 0, 60, 0), (2, 0, 60, 0), (3, 3, 57, 0), (31, 30, 30, 0), (59, 57, 3, 0)):
        got = calc.order_of_loss(ONE, BANKRUPT, HOLDERS, 90, fund, "pnl_leverage")
        assert (got.fund, got.adl, got.deficit) == (borne, adl, deficit), fund
    got = calc.order_of_loss(ONE, BANKRUPT, HOLDERS, 90, 60, "pnl_leverage")
    assert (got.fund, got.adl, got.fund_size, got.closed) == (60, 0, 20, ())
    got = calc.order_of_loss(ONE, BANKRUPT, {}, 90, 45, "pnl_leverage")
    assert (got.fund, got.adl, got.deficit, got.fund_size) == (45, 0, 15, 20)


def drawn(rng: np.random.Generator) -> tuple[Portfolio, dict[str, Portfolio], Any, Any, Any]:
    """An account under water and up to six counterparties, odd sizes and prices; the same for the twin."""
    mark = int(rng.choice([97, 101, 499, 997, 7919]))  # half ticks: primes
    side = int(rng.choice([-1, 1]))

    def account(sign: int, low: float, high: float) -> tuple[Portfolio, list[int]]:
        lots = sign * int(rng.choice([1, 1, 2, 3, 7, 11, 13, 101]))
        entry = max(1, mark // 2 + int(rng.integers(-40, 41)))
        worth = lots * Fraction(mark, 2)
        money = int(abs(worth) * Fraction(rng.uniform(low, high))) - int(worth - lots * entry)
        held = Portfolio(money * MICRO, {"X": Position(COARSE, lots, entry * MICRO)})
        return held, [money - lots * entry, lots, lots * entry]

    bad, theirs = account(side, -0.3, -0.01)
    pairs = [account(-side if rng.integers(0, 6) else side, -0.02, 0.4) for _ in range(int(rng.integers(0, 7)))]
    holders = {f"n{i}": portfolio for i, (portfolio, _) in enumerate(pairs)}
    return bad, holders, (theirs, [plain for _, plain in pairs]), Fraction(mark, 2), mark


def test_who_is_closed_is_the_twins_and_losses_sum_to_a_millionth_of_a_cent():
    """L7, L8, L9: prime prices, one-lot positions. Both legs equal, nobody without a position, no equity below zero."""
    rng = np.random.default_rng(80)
    asked = passed = funded = uncovered = 0
    for _ in range(3_000):
        bad, holders, (theirs, others), mark, halves = drawn(rng)
        rule, fund = str(rng.choice(ADL_RULES[:3])), int(rng.choice([0, 0, 1, 50, 2_000]))
        if twin.equity(theirs, mark) >= 0:
            continue
        was, size = [list(a) for a in others], abs(theirs[1])
        got = calc.order_of_loss(COARSE, bad, holders, halves * MICRO / 2, fund * MICRO, rule)
        holds, given = twin.order_of_loss(theirs, others, fund, mark, rule, Fraction(1, 100))
        assert [(c.name, c.size, c.price * c.size / MICRO) for c in got.closed] == [
            (f"n{i}", abs(lots), abs(money) if lots * money > 0 else -abs(money)) for i, lots, money in given
        ]
        assert got.fund_size == abs(holds[1])
        assert got.fund_size + sum(c.size for c in got.closed) == size
        assert got.deficit == max(Fraction(0), -twin.equity(holds, mark)) * MICRO
        assert got.fund + got.adl + got.deficit == got.loss  # the parts sum to the loss, exactly
        assert got.adl == sum(c.loss for c in got.closed)
        for i, lots, _ in given:
            assert was[i][1] * lots < 0 and abs(lots) <= abs(was[i][1])
            assert twin.equity(others[i], mark) > -1
        asked += len(given)
        passed += len(given) < len(
            twin.queue(was, -1 if bad.positions["X"].size > 0 else 1, mark, rule, Fraction(1, 100))
        )
        funded += got.fund > 0
        uncovered += got.deficit > 0
    assert min(asked, passed, funded, uncovered) > 300


@pytest.mark.parametrize("rule", ["pro_rata", "haircut", "optimal"])
def test_rules_that_rank_nobody_share_the_deficit_of_the_fund(rule: str):
    """6.2.12: pro rata by size 3.636 / 7.273 / 3.636 / 5.455 lots, haircut 4.598 / 4.598 / .460 / 10.345 of 20."""
    got = calc.order_of_loss(ONE, BANKRUPT, HOLDERS, 90, 0, rule)
    assert (got.loss, got.fund, got.adl, got.deficit) == (60, 0, 60, 0)
    assert sum(c.loss for c in got.closed) == 60
    paid = {c.name: c.loss for c in got.closed}
    if rule == "pro_rata":
        assert [(c.name, c.size, c.loss) for c in got.closed] == [("A", 3, 9), ("B", 7, 21), ("C", 4, 12), ("D", 6, 18)]
    elif rule == "haircut":  # one part in 435 / 60 of each profit
        profit = {name: size * (at - 90) for name, (size, at, _) in SHORTS.items()}
        assert all(abs(paid[name] - Fraction(60 * profit[name], 435)) <= MICRO for name in SHORTS)
    else:  # in proportion to equity; C's would be 0.82, below its profit of 10
        worth = {name: money + size * (at - 90) for name, (size, at, money) in SHORTS.items()}
        assert all(abs(paid[n] - Fraction(60 * worth[n], sum(worth.values()))) <= MICRO for n in SHORTS)
    assert calc.order_of_loss(ONE, BANKRUPT, HOLDERS, 90, 60, rule).closed == ()


def test_a_vault_takes_the_account_whole_and_is_closed_at_the_previous_mark():
    """dex_a: the queue by its index, at 92 where the mark is 90; the vault's money is its own."""
    dex = calc.load_profile("dex_a")
    shorts = {n: Portfolio(m * 1000, {"X": Position(dex, -s, at * 1000)}) for n, (s, at, m) in SHORTS.items()}
    bad = Portfolio(40_000, {"X": Position(dex, 20, 95_000)})
    got = calc.order_of_loss(dex, bad, shorts, 90_000, 0, previous_mark=92_000)
    assert [(c.name, c.size, c.price) for c in got.closed] == [("C", 10, 92_000), ("A", 10, 92_000)]
    assert (got.loss, got.fund, got.adl, got.deficit, got.fund_size) == (60_000, 0, 40_000, 20_000, 20)
    assert calc.order_of_loss(dex, bad, shorts, 90_000, 60_000).closed == ()


def test_layers_and_shares_are_the_twins():
    rng = np.random.default_rng(81)
    for _ in range(1_000):
        loss, layers = int(rng.integers(0, 10**9)), [int(v) for v in rng.integers(0, 10**9, int(rng.integers(1, 7)))]
        names = [f"layer {i}" for i in range(len(layers))]
        used, left = calc.loss_layers(loss * MICRO, dict(zip(names, (v * MICRO for v in layers), strict=True)))
        assert ([v / MICRO for v in used.values()], left / MICRO) == loss_shares.use_layers(loss, layers)
        assert sum(used.values()) + left == loss * MICRO
        weights = [int(v) for v in rng.integers(-(10**8), 10**9, len(layers))]
        parts, left = calc.loss_shares(loss * MICRO, dict(zip(names, (v * MICRO for v in weights), strict=True)))
        assert ([v / MICRO for v in parts.values()], left / MICRO) == loss_shares.split(loss, weights)


def brute_force(losses: list[dict[str, Fraction]], rule: str) -> Fraction:
    """The largest loss of any permitted set of defaulters in any scenario."""
    most = Fraction(0)
    for by_member in losses:
        if rule == "emir":
            first = max(by_member.values())
            rest = list(by_member.values())
            rest.remove(first)
            pairs = [sum(pair, Fraction(0)) for pair in combinations(rest, min(2, len(rest)))]
            most = max(most, first, *pairs)
        else:
            for n in range(1, int(rule[-1]) + 1):
                most = max([most, *(sum(g, Fraction(0)) for g in combinations(by_member.values(), n))])
    return most


def test_cover_rules_against_brute_force_on_a_thousand_books():
    """L11: members with one to three positions, affiliates, four scenarios; the uncovered is what no layer has."""
    rng = np.random.default_rng(82)
    short_of = 0
    for k in range(1_000):
        entry = {"X": 100, "Y": 40, "Z": 7}
        members = {}
        for i in range(int(rng.integers(1, 9))):
            names = rng.choice(list(entry), int(rng.integers(1, 4)), replace=False).tolist()
            held = {n: Position(ONE, int(rng.integers(1, 60)) * int(rng.choice([-1, 1])), entry[n]) for n in names}
            members[f"m{i}"] = Portfolio(int(rng.integers(0, 800)), held)
        groups = {name: f"g{i // 2}" for i, name in enumerate(members)} if k % 2 == 0 else None
        scenarios = [{n: max(1, round(at * rng.uniform(0.6, 1.5))) for n, at in entry.items()} for _ in range(4)]
        losses = []
        for marks in scenarios:
            row: dict[str, Fraction] = {}
            for name, account in members.items():
                worth = account.money + sum(p.size * (marks[n] - p.entry) for n, p in account.positions.items())
                group = groups[name] if groups else name
                row[group] = row.get(group, Fraction(0)) + max(Fraction(0), Fraction(-worth))
            losses.append(row)
        layers = {"skin in the game": int(rng.integers(0, 300)), "default fund": int(rng.integers(0, 1500))}
        rule = ("cover_1", "cover_2", "emir")[k % 3]
        got = calc.cover(members, scenarios, layers, rule, groups)  # type: ignore[arg-type]
        assert got.loss == brute_force(losses, rule)
        assert sum(losses[got.scenario][name] for name in got.members) == got.loss
        assert got.uncovered == max(0, got.loss - sum(layers.values()))
        assert sum(got.used.values()) + got.uncovered == got.loss
        short_of += got.uncovered > 0
    assert 200 < short_of < 950


def test_what_is_refused():
    other = Portfolio(1, {"X": Position(ONE, 1, 1), "Y": Position(ONE, 1, 1)})
    refused = [
        (lambda: calc.adl_ranking(ONE, HOLDERS, 90), "no ranking None"),
        (lambda: calc.adl_ranking(ONE, HOLDERS, 90, "fair"), "no ranking 'fair'"),
        (lambda: calc.adl_ranking(ONE, {"A": other}, 90, "index"), "A must hold one position"),
        (lambda: calc.adl_ranking(ONE, {}, 90, "index"), "nobody is named"),
        (lambda: calc.adl_ranking(ONE, HOLDERS, "0.2", "index"), "a mark of 0.2 is below half a tick"),
        (lambda: calc.order_of_loss(ONE, BANKRUPT, HOLDERS, 90, -1, "index"), r"at least \$0"),
        (lambda: calc.adl_ranking(ONE, HOLDERS, float("nan"), "index"), "the mark is nan, which is no number"),
        (lambda: calc.loss_layers(-1, {}), "at least 0"),
        (lambda: calc.loss_layers(Fraction(1, 3**60), {"a": 1}), "too many digits"),
        (lambda: calc.loss_shares(1, {"a": Fraction(1, 3)}), "whole multiples of the quantum"),
        (lambda: calc.loss_shares(-1, {}), "at least 0"),
        (lambda: calc.cover({}, [{}], {}), "at least one member"),
    ]  # fmt: skip
    for ask, why in refused:
        with pytest.raises(RuleError, match=why):
            ask()


def test_every_answer_is_the_kernels_own(monkeypatch: pytest.MonkeyPatch):
    asked = {
        "clear_of": [
            lambda: calc.adl_scores(ONE, HOLDERS, 90, "index"),
            lambda: calc.adl_allocation(ONE, BANKRUPT, HOLDERS, 90, "index"),
            lambda: calc.order_of_loss(ONE, BANKRUPT, HOLDERS, 90, 9, "index"),
        ],
        "split_of": [lambda: calc.loss_shares(5, {"a": 3, "b": 4})],
        "layers_of": [lambda: calc.loss_layers(5, {"a": 3, "b": 4})],
    }
    for door, questions in asked.items():
        for ask in questions:
            right = ask()
            monkeypatch.setattr(doors, door, lambda *args: 0)
            assert ask() != right, door
            monkeypatch.undo()
            assert ask() == right
