"""Institutions: exact books, orders worked in children, ledgers; saved, gone on, switched off, run again."""

import json
import random
from datetime import UTC, datetime

import numpy as np
import pytest

from sim import market as markets
from sim.agents.execution import Execution
from sim.agents.institution import Institution, NotCovered
from sim.fork import SavedState
from sim.layout import GUEST_KEY, INSTITUTION_KEY
from sim.results import Origin, Timing, load_run
from sim.runner import Scenario, finished
from sim.snapshot import Snapshot, resume, take
from tests.market.small import DROP, SALE, market_of

LENGTH_S = 200.0
MILLION = 1_000_000


class Probe(Institution):
    """Holds coins and sells them, buys some back with money brought in, keeps a short, moves both about."""

    NAME, NUMBER = "probe", 5

    @classmethod
    def is_in(cls, spec):
        return spec.title != "without"

    def begin(self):
        self.left = []
        self.open("vault", coin_lots=40_000)
        self.open("desk", cash_micro=300_000 * MILLION, leverage=2.0, professional=False)
        if self.market.spec.title == "idle":
            return
        self.execute(self.accounts["vault"], "spot", "sell", 9_000, 20.0, 140.0, every_s=7.0, weights=(3.0, 1.0))
        self.execute(self.accounts["desk"], "perp", "sell", 4_000, 30.0, 90.0, every_s=10.0, who="hedge")
        self.market.at(50.0, self.shuffle, 1)

    def shuffle(self, n):
        vault, desk = self.accounts["vault"], self.accounts["desk"]
        self.transfer(vault, desk, cash_micro=min(self.free_micro(vault), 1_000 * MILLION), coin_lots=100)
        self.deposit(vault, cash_micro=777, coin_lots=-3)
        self.enter("vault", "shuffled", lots=-103, micro=777 - 1_000 * MILLION, round_number=n)
        if n < 5:
            self.market.at(50.0 + 20.5 * n, self.shuffle, n + 1)

    def finished(self, order):
        self.left.append([order.number, order.left_lots])
        self.enter(order.account, "order done", lots=order.done_lots, micro=order.value_micro, fee_usd=order.fee_micro)

    def memory(self):
        return {"left": self.left}

    def recall(self, memory):
        self.left = memory["left"]


@pytest.fixture
def with_probe(monkeypatch):
    monkeypatch.setattr(markets, "INSTITUTIONS", (Probe,))


def probe_market(title="tiny market", **over):
    return market_of(title=title, shocks=[DROP, SALE], **over)


def agree(desk):
    """The market has what the desk's books say, but for funding of a perp position."""
    for account in desk.accounts.values():
        cash, coins, perp = desk.drift(account)
        assert (coins, perp) == (0, 0)
        assert cash == 0 or account.perp_lots != 0


def test_orders_transfers_and_deposits_to_the_last_unit(with_probe):
    market = probe_market()
    market.audit = True  # the totals move with deposits, or the run stops
    (desk,) = market.institutions
    for time_s in range(10, 201, 10):
        market.run_until(float(time_s))
        agree(desk)
    vault = desk.accounts["vault"]
    assert desk.left == [[1, 0], [0, 0]] and not desk.orders
    assert vault.coin_lots == 40_000 - 9_000 - 5 * 103 and vault.perp_lots == 0
    assert desk.accounts["desk"].perp_lots == -4_000 and desk.accounts["desk"].fees_micro > 0
    done = next(row for row in desk.ledger() if row["what"] == "order done" and row["who"] == "vault")
    assert done["coins"] == 90.0 and 80_000 < done["amount_usd"] < 95_000


def test_what_a_child_could_not_fill_goes_to_the_next(with_probe):
    """Bound 0: a child takes what stands at mid or better, nothing; with 5 % all of it goes."""
    market = probe_market(title="idle")
    desk = market.institutions[0]
    tight = desk.execute(desk.accounts["vault"], "spot", "sell", 500, 1.0, 31.0, every_s=10.0, bound=0.0)
    wide = desk.execute(desk.accounts["vault"], "spot", "sell", 500, 1.0, 31.0, every_s=10.0, bound=0.05)
    market.run_until(40.0)
    assert tight.left_lots == 500 and wide.left_lots == 0
    assert desk.left == [[tight.number, 500], [wide.number, 0]]


def test_turns_follow_the_weights():
    order = Execution(0, "a", 1, 1, 1000, 0, 100, 10, 1, [3.0, 1.0])
    assert [order.due_lots(k) for k in (0, 1, 5, 10)] == [0, 150, 750, 1000]
    assert [order.turn_us(k) for k in (0, 9, 10)] == [0, 90, 100]
    uneven = Execution(0, "a", 1, 1, 7, 0, 95, 10, 1, [0.0, 0.0, 1.0])
    assert uneven.turns == 10 and uneven.turn_us(10) == 95
    assert [uneven.due_lots(k) for k in (6, 8, 10)] == [0, 2, 7]


def test_an_order_that_is_not_covered_is_refused_and_moves_nothing(with_probe):
    market = probe_market(title="idle")
    desk = market.institutions[0]
    order = desk.execute(desk.accounts["vault"], "spot", "buy", 100, 5.0, 25.0, every_s=10.0)
    market.run_until(60.0)
    assert (order.refused, order.left_lots) == (2, 100) and desk.left == [[0, 100]]
    assert [row["what"] for row in desk.entries] == ["order refused", "order done"]
    assert desk.entries[0]["reason"] == "the free money of the account does not cover it"
    agree(desk)


def test_more_than_there_is_cannot_be_moved(with_probe):
    market = probe_market(title="idle")
    market.run_until(5.0)
    desk = market.institutions[0]
    vault, other = desk.accounts["vault"], desk.accounts["desk"]
    for call in (
        lambda: desk.transfer(vault, other, cash_micro=1),
        lambda: desk.transfer(vault, other, coin_lots=40_001),
        lambda: desk.transfer(vault, other, cash_micro=-1),
        lambda: desk.deposit(vault, coin_lots=-40_001),
        lambda: desk.deposit(other, cash_micro=-300_000 * MILLION - 1),
        lambda: desk.execute(vault, "spot", "sell", 0, 6.0, 7.0),
    ):
        with pytest.raises(NotCovered):
            call()
    desk.execute(other, "perp", "sell", 20_000, 6.0, 16.0, every_s=1.0, bound=0.1)
    market.run_until(20.0)
    margin = desk.accounts["desk"].cash_micro - desk.free_micro(other)
    assert other.perp_lots < 0 < margin
    with pytest.raises(NotCovered):
        desk.deposit(other, cash_micro=-desk.free_micro(other) - 1)
    agree(desk)


def test_l12_random_movements_are_exact(with_probe):
    """1e5 deposits, withdrawals and transfers, with ticks between: totals and books to the unit."""
    market = probe_market(title="idle")
    desk, rng = market.institutions[0], random.Random(3)
    both = list(desk.accounts.values())
    clock = market.state.clock[0]
    start = int(clock["cash_micro"]), int(clock["coin_lots"])
    came = [0, 0]
    for k in range(100_000):
        giver, taker = rng.sample(both, 2)
        if k % 2:
            money, coins = rng.randint(0, giver.cash_micro), rng.randint(0, giver.coin_lots)
            desk.transfer(giver, taker, money, coins)
        else:
            money = rng.randint(-giver.cash_micro, 10**12)
            coins = rng.randint(-giver.coin_lots, 10**4)
            desk.deposit(giver, money, coins)
            came[0], came[1] = came[0] + money, came[1] + coins
        if k % 10_000 == 0:
            market.run_for(1.0)
            agree(desk)
    assert (
        (int(clock["cash_micro"]) - start[0], int(clock["coin_lots"]) - start[1])
        == tuple(came)
        == tuple(market.deposited)
    )
    market.audit = True
    market.run_for(1.0)


def through_json(snapshot):
    return Snapshot(snapshot.arrays, json.loads(json.dumps(snapshot.record)), snapshot.spec, snapshot.venue, {})


@pytest.mark.parametrize("time_s", [0.0, 20.0, 33.3, 50.0, 70.5, 89.99, 90.0, 139.0, 150.0])
def test_x11_saved_and_gone_on_is_unbroken(with_probe, time_s):
    unbroken, market = probe_market(), probe_market()
    unbroken.run_until(LENGTH_S)
    market.run_until(time_s)
    again = resume(through_json(take(market)))
    again.run_until(LENGTH_S)
    assert again.state_hash() == unbroken.state_hash() and again.ledgers() == unbroken.ledgers()
    before, after = unbroken.institutions[0], again.institutions[0]
    assert before.state() == after.state() and before.unique_id == after.unique_id


def test_switched_off_at_a_fork_it_does_nothing_more(with_probe):
    market = probe_market()
    market.run_until(60.0)
    again = resume(take(market), market.spec.model_copy(update={"title": "without"}))
    sold = [int(again.state.books.positions[1, account.owner]) for account in market.institutions[0].accounts.values()]
    again.run_until(LENGTH_S)
    assert again.institutions == [] and again.ledgers() == {}
    rows = [account.owner for account in market.institutions[0].accounts.values()]
    assert again.state.books.positions[1, rows].tolist() == sold


def test_an_idle_one_changes_no_draw_and_no_key(with_probe):
    idle, without = probe_market(title="idle"), probe_market(title="without")
    for market in (idle, without):
        owner = market.open_account(1000.0, 2.0)
        assert market.state.accounts[owner]["key"] == GUEST_KEY
        market.run_until(LENGTH_S)
    for name in ("series", "bands", "events", "accounts"):
        assert (getattr(idle.collect(), name) == getattr(without.collect(), name)).all()
    keys = [
        int(idle.state.accounts[row.owner]["key"]) - INSTITUTION_KEY for row in idle.institutions[0].accounts.values()
    ]
    assert keys == [5 * 4096, 5 * 4096 + 1]


def test_time_and_draws_are_named(with_probe):
    market = probe_market(title="idle")
    market.run_until(90.0)
    desk = market.institutions[0]
    assert desk.now == datetime(2025, 10, 10, 20, 21, 30, tzinfo=UTC) and desk.today == "2025-10-10"
    assert desk.seconds(datetime(2025, 10, 10, 20, 22, tzinfo=UTC)) == 120.0
    first = desk.draws(99, 7).standard_normal(3)
    desk.draws(99, 8).standard_normal(1000)
    assert (desk.draws(99, 7).standard_normal(3) == first).all()
    assert (first == np.random.default_rng([1, 99, 7]).standard_normal(3)).all()


def test_ledger_is_kept_in_the_run_folder(with_probe, tmp_path):
    market = probe_market()
    market.run_until(LENGTH_S)
    run = finished(market, Timing(0.0, 0.0, "", ""), Origin(Scenario(market.spec).resolved))
    table = run.ledgers["probe"]
    assert list(table.columns[:8]) == [
        "time_utc", "elapsed_s", "date", "who", "what", "shares", "coins", "amount_usd",
    ]  # fmt: skip
    assert len(table) == 7 and table["round_number"].notna().sum() == 5
    again = load_run(run.save(tmp_path / "run", report=False))
    assert again.ledgers["probe"].equals(table) and again.hashes == run.hashes
    run.to_csv(tmp_path / "csv")
    assert (tmp_path / "csv" / "ledger_probe.csv").read_text().count("\n") == 8
    market.institutions[0].entries[0]["lots"] += 1
    other = finished(market, Timing(0.0, 0.0, "", ""), run.origin)
    assert [name for name in run.hashes if run.hashes[name] != other.hashes[name]] == ["ledgers"]


def test_a_saved_state_forks_through_its_file(with_probe, tmp_path):
    market = probe_market()
    market.run_until(60.0)
    saved = SavedState.of(market)
    saved.save(tmp_path / "state.npz")
    from sim.fork import load_state

    run = load_state(tmp_path / "state.npz").fork(duration="200s").run()
    whole = saved.fork(duration="200s").run()
    assert run.hashes == whole.hashes and len(run.ledgers["probe"]) == 7
