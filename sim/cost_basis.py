"""Coins by what they cost and how long they have lain: a histogram in lots, exact, and what its owners spend in a day.

Two cohorts: young coins, known by the day on which they changed hands, and old ones, of ``OLD_AFTER`` days or more.
Rules and names are those of MODEL 4.6; sim/agents/holders.py puts them into a market.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sim.settings.holders import HoldersSettings

OLD_AFTER = 155  # days; the convention behind "short-term" and "long-term holders", MODEL 4.6

Young = tuple[int, int]  # day of purchase, bin
Amounts = dict[Any, int]


@dataclass(frozen=True)
class SpendingRules:
    """Rates at which coins are spent, a day; names as in MODEL 4.6.

    Attributes
    ----------
    old_rate, profit_gain, dormant_usd, milestone_usd, milestone_gain : float
        s0, a, cost below which nothing is spent, the price of the milestone, g: old coins.
    young_rate, loss_rate, loss_at, loss_width, move_gain : float
        s1, s2, u*, w, v: young coins; v is for a seven-day return of 10%.
    """

    old_rate: float
    profit_gain: float
    dormant_usd: float
    milestone_usd: float
    milestone_gain: float
    young_rate: float
    loss_rate: float
    loss_at: float
    loss_width: float
    move_gain: float

    @classmethod
    def of(cls, settings: "HoldersSettings", old_rate: float = 0.0) -> "SpendingRules":
        """The rates of the settings; s0 is not among them, see ``rate_of_old``."""
        return cls(
            old_rate, settings.profit_gain, settings.dormant_below, settings.milestone, settings.milestone_gain,
            settings.young_rate, settings.loss_rate, settings.loss_at, settings.loss_width, settings.move_gain,
        )  # fmt: skip

    def of_old(self, cost_usd: float, price_usd: float) -> float:
        """Rate a day of old coins that cost so much, at a price."""
        if cost_usd < self.dormant_usd:
            return 0.0
        gain = price_usd / cost_usd - 1.0
        milestone = self.milestone_gain if price_usd > self.milestone_usd else 0.0
        return self.old_rate * (1.0 + self.profit_gain * max(gain, 0.0)) * (1.0 + milestone)

    def of_young(self, cost_usd: float, price_usd: float, week_return: float) -> float:
        """Rate a day of young coins; ``week_return`` is the price's return of seven days."""
        gain = price_usd / cost_usd - 1.0
        fear = 0.5 * (1.0 + math.erf((-gain - self.loss_at) / (self.loss_width * math.sqrt(2.0))))
        return self.young_rate + self.loss_rate * fear * (1.0 + self.move_gain * abs(week_return) / 0.1)


class Coins(NamedTuple):
    """Lots by where they lie: young ones by day and bin, old ones by bin."""

    young: dict[Young, int]
    old: dict[int, int]

    @property
    def lots(self) -> int:
        """All of it."""
        return sum(self.young.values()) + sum(self.old.values())

    def split(self, share: float) -> tuple["Coins", "Coins"]:
        """A share of every amount, rounded down to a lot, and the rest."""
        part = Coins(_scaled(self.young, share), _scaled(self.old, share))
        return part, Coins(_less(self.young, part.young), _less(self.old, part.old))

    def first(self, lots: int) -> "Coins":
        """``lots`` of it, each amount in proportion: by largest remainder, so that the sum is exact."""
        parts = apportion(lots, [*self.young.values(), *self.old.values()])
        at = len(self.young)
        young, old = zip(self.young, parts[:at], strict=True), zip(self.old, parts[at:], strict=True)
        return Coins(dict(young), dict(old))

    def as_lists(self) -> dict[str, Any]:
        """Plain lists, for a saved run."""
        return {
            "young": [[day, b, n] for (day, b), n in self.young.items()],
            "old": [[b, n] for b, n in self.old.items()],
        }

    @classmethod
    def from_lists(cls, lists: Mapping[str, Any]) -> "Coins":
        """What ``as_lists`` gave, in its order."""
        return cls({(d, b): n for d, b, n in lists["young"]}, dict(lists["old"]))


@dataclass
class CostBasis:
    """Coins by cost and age.

    Attributes
    ----------
    bin_usd : float
        Width of a bin; every coin of a bin counts at its middle.
    young : dict
        Lots by day of purchase and bin.
    old : dict
        Lots by bin.
    """

    bin_usd: float
    young: dict[Young, int] = field(default_factory=dict)
    old: dict[int, int] = field(default_factory=dict)

    @property
    def coins(self) -> Coins:
        """All of them, where they lie."""
        return Coins(self.young, self.old)

    @property
    def lots(self) -> int:
        """All of them, counted."""
        return self.coins.lots

    def bin_of(self, price_usd: float) -> int:
        """Bin of a price."""
        return math.floor(price_usd / self.bin_usd)

    def cost_usd(self, bin_number: int) -> float:
        """What a coin of a bin cost: its middle, in dollars."""
        return (bin_number + 0.5) * self.bin_usd

    def put(self, lots: int, price_usd: float, day: int, today: int) -> None:
        """Coins that changed hands at a price on a day; old ones where that is ``OLD_AFTER`` days ago or more."""
        if lots < 0:
            raise ValueError(f"{lots} lots put: not below 0")
        if lots and today - day >= OLD_AFTER:
            _add(self.old, self.bin_of(price_usd), lots)
        elif lots:
            _add(self.young, (day, self.bin_of(price_usd)), lots)

    def age(self, today: int) -> int:
        """Move coins of ``OLD_AFTER`` days to the old cohort; returns how many lots."""
        ripe = [key for key in self.young if today - key[0] >= OLD_AFTER]
        for key in ripe:
            _add(self.old, key[1], self.young[key])
        return sum(self.young.pop(key) for key in ripe)

    def spending(self, rules: SpendingRules, price_usd: float, week_return: float, days: float) -> Coins:
        """What is spent in a time at a price, each amount rounded down to a lot.

        Parameters
        ----------
        rules : SpendingRules
        price_usd, week_return : float
            Price and its return of seven days when the time begins.
        days : float
            Length of the time.
        """

        def part(lots: int, rate: float) -> int:
            return math.floor(lots * -math.expm1(-rate * days))

        return Coins(
            {
                key: part(n, rules.of_young(self.cost_usd(key[1]), price_usd, week_return))
                for key, n in self.young.items()
            },
            {b: part(n, rules.of_old(self.cost_usd(b), price_usd)) for b, n in self.old.items()},
        )

    def take(self, spent: Coins) -> None:
        """Take what was spent out.

        Raises
        ------
        ValueError
            When there is less than that.
        """
        _take(self.young, spent.young)
        _take(self.old, spent.old)

    def take_newest(self, lots: int) -> Coins:
        """Take young coins out, those of the newest day first, then the cheapest old ones; returns which."""
        taken = Coins({}, {})
        keys: list[tuple[dict[Any, int], Any]] = [(taken.young, key) for key in sorted(self.young, reverse=True)]
        keys += [(taken.old, key) for key in sorted(self.old)]
        for rows, key in keys:
            if lots == 0:
                break
            have = self.young[key] if rows is taken.young else self.old[key]
            rows[key] = min(lots, have)
            lots -= rows[key]
        if lots:
            raise ValueError(f"{lots} lots more are wanted than there are coins")
        self.take(taken)
        return taken

    def value_usd(self, amounts: Coins | None = None) -> tuple[float, float]:
        """Lots times cost, young and old, of some amounts or of all coins: times the lot size it is dollars."""
        rows = self.coins if amounts is None else amounts
        return (
            math.fsum(n * self.cost_usd(key[1]) for key, n in rows.young.items()),
            math.fsum(n * self.cost_usd(b) for b, n in rows.old.items()),
        )

    def in_loss(self, price_usd: float) -> tuple[int, int]:
        """Young and old lots that cost more than a price."""
        return (
            sum(n for key, n in self.young.items() if self.cost_usd(key[1]) > price_usd),
            sum(n for b, n in self.old.items() if self.cost_usd(b) > price_usd),
        )


def rate_of_old(basis: CostBasis, rules: SpendingRules, price_usd: float, lots_a_day: float) -> float:
    """The rate s0 at which old coins are spent ``lots_a_day`` at a price; other numbers are those of ``rules``."""
    one = replace(rules, old_rate=1.0)
    at_one = math.fsum(n * one.of_old(basis.cost_usd(b), price_usd) for b, n in basis.old.items())
    return lots_a_day / at_one if at_one else 0.0


def apportion(total: int, weights: Iterable[int]) -> list[int]:
    """Whole parts of ``total`` in proportion to ``weights``, exact: rounded down, what is left to the largest
    remainders, earlier ones first; none above its weight.

    Raises
    ------
    ValueError
        When ``total`` is below 0 or above the sum of the weights.
    """
    rows = list(weights)
    whole = sum(rows)
    if not 0 <= total <= whole:
        raise ValueError(f"{total} cannot be apportioned over weights of {whole}")
    if total == 0:
        return [0] * len(rows)
    parts = [total * w // whole for w in rows]
    by_remainder = sorted(range(len(rows)), key=lambda i: (-(total * rows[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def _add[K](rows: dict[K, int], key: K, lots: int) -> None:
    rows[key] = rows.get(key, 0) + lots


def _less[K](rows: Mapping[K, int], part: Mapping[K, int]) -> dict[K, int]:
    return {key: lots - part[key] for key, lots in rows.items()}


def _scaled[K](rows: Mapping[K, int], share: float) -> dict[K, int]:
    return {key: math.floor(lots * share) for key, lots in rows.items()}


def _take[K](rows: dict[K, int], amounts: Mapping[K, int]) -> None:
    for key, lots in amounts.items():
        left = rows.get(key, 0) - lots
        if left < 0:
            raise ValueError(f"{lots} lots taken from {rows.get(key, 0)} of {key}")
        if left:
            rows[key] = left
        else:
            rows.pop(key, None)
