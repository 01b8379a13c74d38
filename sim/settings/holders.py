"""Holders: what coins cost their owners and how long they have lain, and how readily each kind is spent."""

from typing import Annotated, Any, ClassVar

from pydantic import Discriminator, Field, Tag, WithJsonSchema

from sim.settings.bridge import Id
from sim.settings.fields import Settings, setting
from sim.settings.quantities import Coins, Count, Duration, Flag, Fraction, Money, Number

_RULE = "MODEL.md 4.6"
_SHAPE = "own judgement: MODEL.md 4.6 gives the form and no value; sweep it"


class HeldCoins(Settings):
    """Coins of one age and one cost."""

    age: Count = setting(
        ...,
        unit="days",
        provenance="scenario",
        source="as the list it stands in",
        note="Days since they changed hands, at the start; from 155 on they are a long-term holder's.",
        at_least=0,
        at_most=10_000,
    )
    cost: Money = setting(
        ...,
        unit="USD",
        provenance="scenario",
        source="as the list it stands in",
        note="Price at which they changed hands.",
        at_least=0.0,
        at_most=1e9,
    )
    coins: Coins = setting(
        ...,
        unit="coins",
        provenance="scenario",
        source="as the list it stands in",
        note="How many.",
        at_least=0.0,
        at_most=1e12,
    )


Rows = Annotated[tuple[HeldCoins, ...], Field(min_length=1, max_length=10_000)]
StartName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$"),
    # for editors: a file's name, which has become rows when the model sees them
    WithJsonSchema({"type": "string", "pattern": r"^([a-z0-9][a-z0-9_]{0,63}|.+\.csv)$"}),
]


def _kind(value: Any) -> str:
    return "name" if isinstance(value, str) else "rows"


Start = Annotated[Annotated[StartName, Tag("name")] | Annotated[Rows, Tag("rows")], Discriminator(_kind)]


class HoldersSettings(Settings):
    """Owners of coins beside those who trade here: what they spend in a day, and what of it reaches the spot book."""

    at_start: ClassVar[frozenset[str]] = frozenset({"listing", "start", "bin", "old_spending"})
    """Settings that act at the start alone: a fork cannot change them."""

    enabled: Flag = setting(
        False,
        unit="",
        provenance="scenario",
        source="own choice: a channel of weeks, not of a night",
        note="false leaves holders without an account and without orders; nothing else changes.",
    )
    listing: Id | None = setting(
        None,
        unit="",
        provenance="scenario",
        source="own choice",
        note="In a scenario with listings, the one in whose spot book they trade; null: the first.",
    )
    start: Start = setting(
        "btc_holders_2025_10_10",
        unit="name, CSV file, or list of age, cost, coins",
        provenance="measured",
        source=(
            "calibration/holders.py: young coins from the daily closes of 155 days and their mean cost, old ones from "
            "the published anchors of MODEL.md 4.6"
        ),
        note=(
            "Coins by age and cost at the start: the name of a shipped table, a list, or a file of your own in or "
            "below the scenario's folder with columns age_days,cost_usd,coins."
        ),
    )
    bin: Money = setting(
        "$250",
        unit="USD",
        provenance="sourced",
        source=_RULE,
        note="Width of a bin of cost; every coin of a bin counts at its middle.",
        at_least=1e-6,
        at_most=1e6,
    )
    old_spending: Money = setting(
        "$2.5bn",
        unit="USD a day",
        provenance="sourced",
        source="MODEL.md 4.6 [S:17]: long-term holders spent 2-3 billion a day in early October 2025",
        note="What long-term holders spend in a day at the start price; it fixes the rate s0.",
        at_least=0.0,
        at_most=1e12,
    )
    profit_gain: Number = setting(
        0.02,
        unit="",
        provenance="judgement",
        source=(
            "own judgement: MODEL.md 4.6 gives the form and no value; price over cost of what long-term holders spend "
            "is then 2.5 at the start, where published values of 2025 lie at 1.5-3 [K:m]"
        ),
        note="a: by how much a coin's rate of spending rises for each 100% of profit; long-term holders.",
        at_least=0.0,
        at_most=100.0,
    )
    dormant_below: Money = setting(
        "$1200",
        unit="USD",
        provenance="judgement",
        source=(
            "own judgement: coins of before 2017, 2.5m of the shipped start; 2-4m coins are thought lost [K:m]. "
            "Profit of such coins would swamp the rule"
        ),
        note="Coins of long-term holders that cost less are never spent.",
        at_least=0.0,
        at_most=1e9,
    )
    milestone: Money = setting(
        "$100k",
        unit="USD",
        provenance="sourced",
        source=_RULE,
        note="Price above which long-term holders spend more.",
        at_least=0.0,
        at_most=1e9,
    )
    milestone_gain: Number = setting(
        0.5,
        unit="",
        provenance="judgement",
        source=_SHAPE,
        note="g: by how much more, as a share.",
        at_least=0.0,
        at_most=100.0,
    )
    young_rate: Fraction = setting(
        "0.5%",
        unit="fraction per day",
        provenance="judgement",
        source="MODEL.md 4.6: s1 [C]",
        note="Rate at which short-term holders spend at any price.",
        at_least=0.0,
        at_most=1.0,
    )
    loss_rate: Fraction = setting(
        "1.2%",
        unit="fraction per day",
        provenance="judgement",
        source="MODEL.md 4.6: s2 [C]",
        note="What is added of those far under water.",
        at_least=0.0,
        at_most=1.0,
    )
    loss_at: Fraction = setting(
        "12%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.6: u* [C]",
        note="Loss at which half of that is added.",
        at_least=-1.0,
        at_most=1.0,
    )
    loss_width: Fraction = setting(
        "5%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.6: w [C]",
        note="Standard deviation of the losses at which it is added.",
        at_least=0.001,
        at_most=1.0,
    )
    move_gain: Number = setting(
        0.5,
        unit="",
        provenance="judgement",
        source=_SHAPE,
        note="v: by how much more is added, as a share, for each 10% that the price moved in seven days.",
        at_least=0.0,
        at_most=100.0,
    )
    book_share: Fraction = setting(
        "30%",
        unit="fraction",
        provenance="judgement",
        source="MODEL.md 4.6: market-sold share 0.3 [C]",
        note="Of what is spent, the share that is for sale on order books; the rest changes hands elsewhere.",
        at_least=0.0,
        at_most=1.0,
    )
    share_here: Fraction = setting(
        "100%",
        unit="fraction",
        provenance="sourced",
        source="DECISIONS 17: the spot book stands for all constituents of the index",
        note="Of what is for sale on order books, the share that is for sale in this spot book.",
        at_least=0.0,
        at_most=1.0,
    )
    new_money: Money | None = setting(
        None,
        unit="USD a day",
        provenance="judgement",
        source="own judgement: the market was in balance at the start, so buyers met what was for sale",
        note=(
            "What new owners bring in a day to buy here; it meets what is for sale first, and only the difference goes "
            "through the book. null: as much as is for sale on the first day; 0: all of it goes through the book."
        ),
        at_least=0.0,
        at_most=1e12,
    )
    order_every: Duration = setting(
        "1min",
        unit="s",
        provenance="judgement",
        source="own judgement: fine enough that no order of the day stands out",
        note="Time between two orders in which the day's difference is worked, evenly over the day.",
        at_least=1.0,
        at_most=86400.0,
    )
    order_bound: Fraction = setting(
        "2%",
        unit="fraction",
        provenance="judgement",
        source="own judgement: owners do not sell into an empty book; what is not filled is tried again",
        note="Such an order goes no further from the index.",
        at_least=0.0001,
        at_most=0.5,
    )
