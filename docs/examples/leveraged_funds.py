"""Leveraged value funds and mean-reverting noise traders in a market of their own; docs/leveraged_funds.md.

The agents are those of Thurner, Farmer and Geanakoplos (2012), "Leverage causes fat tails and clustered volatility",
Quantitative Finance 12. What differs is the market: they trade by orders in the book of a perpetual, one after
another, and a margin call is an order that somebody has to buy.
"""

import math
from typing import Any, NamedTuple

import numpy as np

import sim
from sim import units
from sim.agents import TradingAgent
from sim.metrics.stylised import acf, excess_kurtosis, hill

VALUE_USD = 1000.0  # what a coin is worth; the books' tick of 0.1 USD is then a basis point
CAP_USD = 20e6  # worth of all coins at that value; small, so that the lowest margin tiers hold every fund
COINS = CAP_USD / VALUE_USD
START_USD = 2e-3 * CAP_USD  # a fund's first wealth: 2 of 1000 (W0)
AGGRESSION = tuple(range(5, 55, 5))  # beta of the ten funds
PERSISTENCE, NOISE = 0.99, 0.035  # rho, sigma of the noise traders, a step
PARTS = 5  # orders in which the noise traders reach their aim of a step
STEP_S = 30.0  # 5 parts, then 10 funds one after another, each 2 s after the one before
FIRST_FUND_S, FUND_EVERY_S = 7.0, 2.0
BEHIND_QUOTES_S = 0.99  # an order sent at the start of a tick meets the quotes that makers renewed in it


class FundRules(NamedTuple):
    """What the ten funds share; defaults are those of the paper (MODEL 6.2.10)."""

    max_leverage: float
    ruin: float = 0.1  # share of the first wealth below which a fund is out of business
    absent_steps: int = 100
    inflow: float = 0.15  # b: of wealth, for each unit of performance above the benchmark
    memory: float = 0.1  # a: weight of the newest return in performance
    benchmark: float = 0.005  # r_b, a step


def thin_market(steps: int, **changes: Any) -> sim.Scenario:
    """A perpetual whose makers buy and sell at a price that moves by 1 % for 1 % of ``CAP_USD``, and nothing else.

    One maker renews its whole ladder each tick, never withdraws and has no aim of its own for inventory; value does
    not move; no background flow, latent layer, arbitrage, leveraged crowd or funding.
    """
    profile = [{"within": f"{w}%", "notional": f"${CAP_USD * w / 100:.0f}"} for w in (1, 5, 30)]
    off = {name: {"enabled": False} for name in ("latent", "leveraged", "arbitrage", "dip_buyer", "trend")}
    maker = {
        "firms": 1, "capital_median": "$1bn", "capital_sigma": 0.0, "rungs_per_side": 24, "outer_distance": "30%",
        "add_rate": "1000/s", "cancel_rate": "1000/s", "flow_response": "1%",
        "flow_response_notional": f"${CAP_USD / 100:.0f}", "inventory_limit": "$100bn", "value_at_risk": "100%",
        "anchor_time": "8640000s", "skew_at_limit": 0.0, "news_latency": "0s", "withdrawal": False,
    }  # fmt: skip
    settings: dict[str, Any] = {
        "name": "leveraged_funds",
        "title": "Leveraged value funds and noise traders",
        "duration": f"{steps * STEP_S + STEP_S:g}s",
        "record_every": f"{STEP_S:g}s",
        "market": {
            "price": f"${VALUE_USD:g}", "open_interest": "1 BTC", "perp_daily_volume": "$0", "spot_daily_volume": "$0",
            "perp_bid_depth": profile, "perp_ask_depth": profile, "spot_depth": profile,
        },
        "news": {"noise_per_day": "0%"},
        "background": {"noise_depth_share": "0%", "noise_orders_per_side": 1},
        "market_maker": maker,
        "clearing": {"funding": False},
        **off,
    }  # fmt: skip
    return sim.load("calm_btc", **{**settings, **changes})


class NoiseTraders(TradingAgent):
    """Hold so many coins that the price without anybody else would be value x exp(x); x reverts to 0 each step."""

    def __init__(self, market: Any) -> None:
        super().__init__(market, cash_usd=50.0 * CAP_USD, latency_s=BEHIND_QUOTES_S)
        self.x = self.from_x = 0.0
        self.prices: list[float] = []
        self.step, self.part = 0, 0
        self.wake_at(market.time + 1.0)

    def act(self) -> None:
        """One part of the way to the aim of this step; the first also notes the price that the last step left."""
        view = self.view()
        price = view.mid() or view.mark
        if self.part == 0:
            self.prices.append(price)
            self.from_x = self.x
            self.x = PERSISTENCE * self.x + NOISE * float(self.rng.standard_normal())
        self.part += 1
        aim = COINS * (1.0 - math.exp(-self.from_x - (self.x - self.from_x) * self.part / PARTS))
        coins = aim - self.position_coins
        trade(self, coins, price * (1.2 if coins > 0.0 else 0.8))
        if self.part == PARTS:
            self.part, self.step = 0, self.step + 1
        self.wake_at(1.0 + self.step * STEP_S + self.part)

    def state(self) -> dict[str, Any]:
        """What it remembers."""
        return {name: getattr(self, name) for name in ("x", "from_x", "prices", "step", "part")}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up what ``state`` gave."""
        vars(self).update(state)


class ValueFund(TradingAgent):
    """Buys below value, borrowing up to a limit; sells when the limit binds; closes when little is left.

    Leverage wanted is min(aggression x (1 - price / value), max_leverage). Investors bring money or take it by its past
    returns. A fund whose wealth is below a share of its first sells everything, leaves, and comes back anew.

    Parameters
    ----------
    market : Market
    aggression : float
        Beta: leverage per unit of mispricing.
    rules : FundRules
    first_s : float
        Seconds after the start of each step at which it acts.
    """

    def __init__(self, market: Any, aggression: float, rules: FundRules, first_s: float) -> None:
        super().__init__(market, cash_usd=START_USD, latency_s=BEHIND_QUOTES_S, leverage=None)
        self.aggression, self.rules, self.first_s = aggression, rules, first_s
        self.step, self.back_at = 0, 0
        self.is_closing = self.is_called = False
        self.wealth_before, self.performance = START_USD, 0.0
        self.defaults = self.margin_calls = 0
        self.lost_usd = 0.0
        self.wake_at(first_s)

    def look(self) -> "Look":
        """Price, position and own money with the position at the mid."""
        view, held = self.view(), self.position_coins
        price = view.mid() or view.mark
        return Look(price, held, self.equity_usd + held * (price - view.mark))

    def act(self) -> None:
        """Once a step, and two seconds later again while a margin call or the closing is not done."""
        is_step = self.market.time >= self._next_step_s() - 1e-9
        if is_step:
            self.step += 1
        if self.is_closing:
            self._close()
        elif self.back_at > 0:
            if is_step and self.step >= self.back_at:
                self._come_back()
        else:
            self._manage(is_step)
        again = self.is_closing or self.is_called
        soon, next_step = self.market.time + FUND_EVERY_S, self._next_step_s()
        self.wake_at(soon if again and soon < next_step - 1e-9 else next_step)

    def _next_step_s(self) -> float:
        return self.first_s + self.step * STEP_S

    def _manage(self, is_step: bool) -> None:
        seen = self.look()
        if seen.wealth < self.rules.ruin * START_USD:
            self.defaults += 1
            self.is_closing, self.is_called = True, False
            self._close()
            return
        if is_step:
            seen = seen._replace(wealth=seen.wealth + self._investors(seen.wealth))
        was_called, self.is_called = self.is_called, seen.leverage > self.rules.max_leverage
        if self.is_called and not was_called:
            self.margin_calls += 1
        if (is_step or self.is_called) and (seen.held > 0.0 or seen.price < VALUE_USD):
            after = self._price_after(seen)
            trade(self, CAP_USD * (1.0 / seen.price - 1.0 / after), after)

    def _investors(self, wealth: float) -> float:
        """Dollars that investors bring, or below 0 take as far as margin leaves them; by the return of the step."""
        rules = self.rules
        gain = wealth / self.wealth_before - 1.0
        self.performance = (1.0 - rules.memory) * self.performance + rules.memory * gain
        usd = max(-1.0, rules.inflow * (self.performance - rules.benchmark)) * wealth
        if usd < 0.0:
            usd = max(usd, -max(0.0, self.free_usd))
        self.market.deposit(self.owner, units.micro(usd), 0)
        self.wealth_before = wealth + usd
        return usd

    def _price_after(self, seen: "Look") -> float:
        """Price at which its demand is what it holds once the trade that leads there is done; by bisection.

        It reckons that the coins that move the price from p to q are CAP_USD (1/p - 1/q), bought half way between.
        """
        low, high = 1.0 / (1.0 / seen.price + max(seen.held, 0.0) / CAP_USD), max(seen.price, VALUE_USD)
        for _ in range(20):
            after = 0.5 * (low + high)
            bought = CAP_USD * (1.0 / seen.price - 1.0 / after)
            wealth = seen.wealth + (seen.held + 0.5 * bought) * (after - seen.price)
            ratio = min(self.aggression * max(0.0, 1.0 - after / VALUE_USD), self.rules.max_leverage)
            wanted = ratio * max(0.0, wealth) / after
            low, high = (low, after) if seen.held + bought > wanted else (after, high)
        return 0.5 * (low + high)

    def _close(self) -> None:
        """Sell everything; once flat, take the rest out of the market, or have the lender pay what is missing."""
        seen = self.look()
        if abs(seen.held) >= self.market.lot_coin:
            trade(self, -seen.held, 0.5 * seen.price)
            return
        left = self.equity_usd
        self.lost_usd += max(0.0, -left)
        self.market.deposit(self.owner, -units.micro(left), 0)
        self.is_closing, self.back_at = False, self.step + self.rules.absent_steps

    def _come_back(self) -> None:
        self.market.deposit(self.owner, units.micro(START_USD), 0)
        self.wealth_before, self.performance, self.back_at = START_USD, 0.0, 0

    def state(self) -> dict[str, Any]:
        """What it remembers."""
        names = ("aggression", "first_s", "step", "back_at", "is_closing", "is_called", "wealth_before", "performance",
                 "defaults", "margin_calls", "lost_usd")  # fmt: skip
        return {"rules": list(self.rules)} | {name: getattr(self, name) for name in names}

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up what ``state`` gave."""
        vars(self).update(state | {"rules": FundRules(*state["rules"])})


class Look(NamedTuple):
    """What a fund knows of itself: mid in dollars, coins, and wealth in dollars."""

    price: float
    held: float
    wealth: float

    @property
    def leverage(self) -> float:
        """Position over wealth; infinite for one without wealth."""
        return self.held * self.price / self.wealth if self.wealth > 0.0 else math.inf if self.held > 0.0 else 0.0


def trade(agent: TradingAgent, coins: float, after: float) -> None:
    """Buy, below 0 sell, whatever the book gives up to 2 % beyond the price that is expected afterwards."""
    if abs(coins) >= agent.market.lot_coin:
        side, limit = ("buy", 1.02 * after) if coins > 0.0 else ("sell", 0.98 * after)
        agent.submit("perp", side, limit, abs(coins), "ioc")


class Outcome(NamedTuple):
    """One run: ``prices`` in dollars before each step and after the last, market and funds as they stand at its end."""

    prices: np.ndarray
    market: Any
    funds: list[ValueFund]

    @property
    def defaults(self) -> int:
        """Funds that went out of business, over all steps."""
        return sum(fund.defaults for fund in self.funds)


def simulate(max_leverage: float, steps: int, seed: int = 1, audit: bool = False) -> Outcome:
    """Run the ten funds and the noise traders for so many steps; without funds when ``max_leverage`` is 0."""
    market = thin_market(steps).market(seed)
    market.audit = audit
    noise = NoiseTraders(market)
    betas = AGGRESSION if max_leverage > 0.0 else ()
    rules = FundRules(max_leverage)
    funds = [ValueFund(market, beta, rules, FIRST_FUND_S + FUND_EVERY_S * k) for k, beta in enumerate(betas)]
    market.run_until(1.0 + steps * STEP_S)
    return Outcome(np.array(noise.prices), market, funds)


def statistics(*paths: np.ndarray) -> dict[str, float]:
    """Excess kurtosis, Hill exponent of the largest 1 % of falls, autocorrelation of |return|, standard deviation; of
    all returns of the price paths together.
    """
    moves = np.concatenate([np.diff(np.log(prices)) for prices in paths])
    return {
        "excess_kurtosis": excess_kurtosis(moves),
        "hill_falls": hill(-moves[moves < 0.0], 0.01),
        "acf_absolute": float(acf(np.abs(moves), 1)[0]),
        "sd": float(moves.std()),
    }
