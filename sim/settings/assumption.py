"""The kinds of liquidity assumptions: what is measured, and the limit of each."""

from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.settings.bridge import Id
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Count, Duration, Flag, Fraction, Money, Number
from sim.settings.sources import printable

_OWN = "the scenario's own choice"
_LONGEST = 8.64e6  # of a scenario, in seconds
JUDGED = frozenset(
    {"name", "note", "share_of_seeds", "confidence", "seeds", "max_age", "at_most", "at_least", "against", "fees"}
)
"""Fields that judge what was measured; the others say what is measured, and alone decide which runs are made."""

own = partial(setting, provenance="scenario", source=_OWN)


class AssumptionSettings(Settings):
    """What every assumption has: a name, and what is asked of its verdict.

    Attributes
    ----------
    limit : str
        Name of the field that holds the limit: ``at_most`` or ``at_least``.
    unit : str
        Unit of the measure.
    what : str
        What is measured, in words.
    """

    limit: ClassVar[str] = "at_most"
    unit: ClassVar[str] = "fraction"
    what: ClassVar[str] = ""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = own(
        ..., unit="", note="Names the verdict: lower case, digits, _ and -."
    )
    note: Annotated[str, Field(max_length=500), AfterValidator(printable)] = own(
        "", unit="", note="Who relies on it and why; printed beside the verdict."
    )
    listing: Id | None = own(
        None, unit="", note="Listing that it is about, in a scenario with several; null is the first."
    )
    share_of_seeds: Fraction | None = own(
        None,
        unit="fraction",
        note="Least share of seeds within the limit; null takes the one of the section.",
        at_least=0.01,
        at_most=0.999,
    )
    confidence: Fraction | None = own(
        None,
        unit="fraction",
        note="1 less the largest chance of a wrong verdict; null takes the one of the section.",
        at_least=0.5,
        at_most=0.9999,
    )
    seeds: Count | None = own(
        None,
        unit="",
        note="Most seeds; null takes the number of the section.",
        at_least=1,
        at_most=100_000,
    )
    max_age: Duration | None = own(
        None,
        unit="s",
        note="Age of the depth data from which on there is no verdict; null takes the one of the section.",
        at_least=0.0,
        at_most=3.2e9,
    )


class WindowSettings(AssumptionSettings):
    """An assumption about what happens in a window of time."""

    at: Duration = own(
        "0s",
        unit="s",
        note="From when on it is measured, since the start of the scenario.",
        at_least=0.0,
        at_most=_LONGEST,
    )
    over: Duration | None = own(
        None,
        unit="s",
        note="For how long; null is until the end.",
        at_least=0.0,
        at_most=_LONGEST,
    )


class ExitCost(AssumptionSettings):
    """Selling (or buying) a position by market orders spread over a time costs at most so much."""

    unit: ClassVar[str] = "fraction"
    what: ClassVar[str] = "cost of the exit"
    kind: Literal["exit_cost"] = own(..., unit="", note="Selects this kind.")
    side: Literal["sell", "buy"] = own("sell", unit="", note="Side of the market orders.")
    notional: Money = own(
        ...,
        unit="USD",
        note="Size, in dollars at the starting price.",
        at_least=1_000.0,
        at_most=1e11,
    )
    at: Duration = own(
        ...,
        unit="s",
        note="When it begins, since the start of the scenario.",
        at_least=0.0,
        at_most=_LONGEST,
    )
    over: Duration = own(
        ...,
        unit="s",
        note="Time over which it is spread evenly, one order a second.",
        at_least=1.0,
        at_most=_LONGEST,
    )
    book: Literal["perp", "spot"] = own("perp", unit="", note="Book the orders go to.")
    against: Literal["twin", "arrival"] = setting(
        "twin",
        unit="",
        provenance="scenario",
        source="own judgement: what the sale itself costs, without what the market would have done anyway",
        note=(
            "What the average price is compared with: twin is the mean mid over the same time in the run of the same "
            "seed without the sale; arrival is the mid when it begins, so that the market's own move counts."
        ),
    )
    fees: Flag = own(
        False,
        unit="",
        note="Add the venue's taker fee of private traders.",
    )
    at_most: Fraction = own(
        ...,
        unit="fraction",
        note="Largest cost, as 60bp.",
        at_least=-1.0,
        at_most=10.0,
    )


class Depth(AssumptionSettings):
    """One side of a book holds at least so much within a distance from mid."""

    limit: ClassVar[str] = "at_least"
    unit: ClassVar[str] = "USD"
    what: ClassVar[str] = "depth"
    kind: Literal["depth"] = own(..., unit="", note="Selects this kind.")
    book: Literal["perp", "spot"] = own("perp", unit="", note="Which book.")
    side: Literal["bids", "asks"] = own(..., unit="", note="Which side.")
    within: Fraction = own(
        ...,
        unit="fraction",
        note="Distance from mid.",
        at_least=1e-5,
        at_most=0.1,
    )
    at: Duration = own(
        ...,
        unit="s",
        note="When, since the start of the scenario.",
        at_least=0.0,
        at_most=_LONGEST,
    )
    over: Duration = own(
        "0s",
        unit="s",
        note="The worst of looks each ten seconds over this time; 0s is one look.",
        at_least=0.0,
        at_most=_LONGEST,
    )
    at_least: Money = own(..., unit="USD", note="Least depth.", at_least=0.0, at_most=1e12)


class Recovery(WindowSettings):
    """After a hit, depth or price is never below a share of what it was for longer than a time."""

    unit: ClassVar[str] = "s"
    what: ClassVar[str] = "longest spell below"
    kind: Literal["recovery"] = own(..., unit="", note="Selects this kind.")
    of: Literal["price", "depth"] = own(..., unit="", note="Mark price, or depth of the book.")
    book: Literal["perp", "spot"] = own("perp", unit="", note="Which book; depth alone.")
    side: Literal["bids", "asks"] = own("bids", unit="", note="Which side; depth alone.")
    within: Fraction = own(
        "1%",
        unit="fraction",
        note="Distance from mid; depth alone.",
        at_least=1e-5,
        at_most=0.1,
    )
    to: Fraction = own(
        ...,
        unit="fraction",
        note="Share of the mean over the minute that ends at `at`; below it, it has not recovered.",
        at_least=0.01,
        at_most=1.0,
    )
    hold: Duration = setting(
        "60s",
        unit="s",
        provenance="judgement",
        source="own judgement: a price or a book that is back for less is not back",
        note="Two spells with less than this between them are one.",
        at_least=0.0,
        at_most=86400.0,
    )
    at_most: Duration = own(..., unit="s", note="Longest spell.", at_least=0.0, at_most=_LONGEST)


class Liquidation(WindowSettings):
    """An isolated position is not liquidated: the mark stays on the safe side of its liquidation price."""

    limit: ClassVar[str] = "at_least"
    what: ClassVar[str] = "room to the liquidation price"
    kind: Literal["liquidation"] = own(..., unit="", note="Selects this kind.")
    side: Literal["long", "short"] = own(..., unit="", note="Of the position.")
    leverage: Number | None = own(
        None,
        unit="",
        note="Notional over margin when it is opened, at the mark of `at`; null when liquidation_price is given.",
        at_least=1.0,
        at_most=500.0,
    )
    notional: Money = own(
        "$10k",
        unit="USD",
        note="Size when it is opened, which decides its margin tier.",
        at_least=1.0,
        at_most=1e11,
    )
    liquidation_price: Money | None = own(
        None,
        unit="USD",
        note="Last mark at which it is safe; null when leverage is given.",
        at_least=1e-6,
        at_most=1e9,
    )
    at_least: Fraction = setting(
        0.0,
        unit="fraction",
        provenance="scenario",
        source="a position is liquidated when the mark passes its liquidation price",
        note="Least room, as a fraction of the mark; below 0 it is liquidated.",
        at_least=0.0,
        at_most=1.0,
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "Liquidation":
        if (self.leverage is None) == (self.liquidation_price is None):
            raise problem_at("leverage", sentence="give either leverage or liquidation_price")
        return self


class Position(Settings):
    """One position of a book of positions."""

    side: Literal["long", "short"] = own(..., unit="", note="Of the position.")
    notional: Money = own(
        ...,
        unit="USD",
        note="Size at the mark of `at`.",
        at_least=1.0,
        at_most=1e11,
    )
    leverage: Number = own(
        ...,
        unit="",
        note="Notional over margin at the mark of `at`.",
        at_least=0.1,
        at_most=500.0,
    )


class MarginCall(WindowSettings):
    """Cash that must be added to keep positions at their margin is at most so much."""

    unit: ClassVar[str] = "USD"
    what: ClassVar[str] = "cash needed"
    kind: Literal["margin_call"] = own(..., unit="", note="Selects this kind.")
    positions: Annotated[tuple[Position, ...], Field(min_length=1, max_length=100)] = own(
        ..., unit="list of positions", note="Held from `at` on, all on this venue."
    )
    margin: Literal["initial", "maintenance"] = own(
        "maintenance",
        unit="",
        note="What must be restored: initial margin is that of the tier or of the position's own leverage, if more.",
    )
    mode: Literal["isolated", "cross"] = own(
        "isolated",
        unit="",
        note="Each position with margin of its own, or all with one pool.",
    )
    at_most: Money = own(..., unit="USD", note="Most cash.", at_least=0.0, at_most=1e12)


class Fund(WindowSettings):
    """The insurance fund keeps at least a share of what it had."""

    limit: ClassVar[str] = "at_least"
    what: ClassVar[str] = "lowest share of the fund left"
    kind: Literal["fund"] = own(..., unit="", note="Selects this kind.")
    at_least: Fraction = own(
        ...,
        unit="fraction",
        note="Least share of the equity at `at`; 0 is used up.",
        at_least=-100.0,
        at_most=1.0,
    )


class BadDebt(WindowSettings):
    """What nobody covers, neither fund nor deleveraging, is at most so much."""

    unit: ClassVar[str] = "USD"
    what: ClassVar[str] = "uncovered deficit"
    kind: Literal["bad_debt"] = own(..., unit="", note="Selects this kind.")
    at_most: Money = own("$0", unit="USD", note="Largest deficit.", at_least=0.0, at_most=1e12)


class Deleveraging(WindowSettings):
    """Positions like a hedge are not closed against their owners' will by auto-deleveraging."""

    what: ClassVar[str] = "share closed by deleveraging"
    kind: Literal["adl"] = own(..., unit="", note="Selects this kind.")
    side: Literal["long", "short"] = own(..., unit="", note="Of the hedge.")
    leverage_from: Number = own(
        ...,
        unit="",
        note="Least notional over equity, at `at`, of the accounts that stand for the hedge.",
        at_least=0.0,
        at_most=1000.0,
    )
    leverage_to: Number = own(
        ...,
        unit="",
        note="Most notional over equity of them.",
        at_least=0.0,
        at_most=1000.0,
    )
    at_most: Fraction = own(
        0.0,
        unit="fraction",
        note="Largest share of their coins that is closed.",
        at_least=0.0,
        at_most=1.0,
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Deleveraging":
        if self.leverage_to < self.leverage_from:
            why = f"must not be below leverage_from ({self.leverage_from:g}), got {self.leverage_to:g}"
            raise problem_at("leverage_to", sentence=why)
        return self
