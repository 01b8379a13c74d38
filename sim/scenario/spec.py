"""The specification of a run: everything a scenario file says, checked, frozen, in seconds and dollars."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from sim.settings.arbitrage import ArbitrageSettings
from sim.settings.assumptions import AssumptionsSettings
from sim.settings.attribution import AttributionSettings
from sim.settings.background import BackgroundSettings
from sim.settings.bridge import Id
from sim.settings.clearing import ClearingSettings
from sim.settings.clock import ClockSettings
from sim.settings.dat import DatSettings
from sim.settings.dip_buyer import DipBuyerSettings
from sim.settings.dollar_token import DollarTokenSettings
from sim.settings.etf import EtfSettings
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.fresh_money import FreshMoneySettings
from sim.settings.holders import HoldersSettings
from sim.settings.latent import LatentSettings
from sim.settings.lending import LendingSettings
from sim.settings.leveraged import LeveragedSettings
from sim.settings.macro import MacroSettings
from sim.settings.market import MarketSettings
from sim.settings.market_maker import MarketMakerSettings
from sim.settings.network import Listing, NetworkSettings
from sim.settings.new_leverage import MOST_OPENINGS, NewLeverageSettings
from sim.settings.news import NewsSettings
from sim.settings.quantities import Count, Duration
from sim.settings.shock import Shock
from sim.settings.sources import SourcesSettings
from sim.settings.stablecoins import StablecoinsSettings
from sim.settings.trend import TrendSettings

_OWN = "the scenario's own choice"
_MOST_ROWS = 5_000_000
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def _instant(value: Any) -> datetime:
    wanted = 'an instant in UTC such as "2025-10-10T20:20:00Z"'
    if isinstance(value, datetime):
        instant = value
    elif isinstance(value, str) and len(value) <= 40:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"expected {wanted}, got {value!r}") from None
    else:
        raise ValueError(f"expected {wanted}, got {str(value)[:40]!r}")
    if instant.tzinfo is None:
        raise ValueError(f'give the time zone: expected {wanted}, got {str(value)!r} (add "Z" for UTC)')
    if not 2009 <= instant.year <= 2100:
        raise ValueError(f"the year must lie between 2009 and 2100, got {instant.year}")
    return instant.astimezone(UTC)


def _usable_name(name: str) -> str:
    if name in _DEVICES:
        raise ValueError(f"{name!r} cannot name a folder on every system: choose another name")
    return name


def _no_control_characters(text: str) -> str:
    if any(not c.isprintable() and c != "\n" for c in text):
        raise ValueError("holds a control character: use plain text")
    return text


def _whole(seconds: float, step: float) -> bool:
    return Decimal(repr(seconds)) % Decimal(repr(step)) == 0


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$"), AfterValidator(_usable_name)]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time"}),
    PlainSerializer(lambda t: t.isoformat().replace("+00:00", "Z"), return_type=str, when_used="json"),
]
Title = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_no_control_characters)]
Description = Annotated[str, Field(max_length=4000), AfterValidator(_no_control_characters)]
Evidence = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")]


NOT_READ = frozenset({"sources", "assumptions", "attribution"})
"""Settings that the model never reads: they are no part of what identifies a run."""


INSTITUTIONS = frozenset(
    {"etf", "dat", "dollar_token", "fresh_money", "holders", "lending", "new_leverage", "stablecoins"}
)
"""Groups of settings that desks of the calendar read when they act; each desk sits in one listing of a network. Those
that act at the start alone are named by the group's ``at_start``.
"""

EVERYWHERE = frozenset({"fresh_money"})
"""Those of them that sit in every listing of a network."""


class Spec(Settings):
    """One scenario, resolved: the only thing ``build`` needs beside a seed."""

    name: Name = setting(
        ..., unit="", provenance="scenario", source=_OWN, note="Short name: lower case, digits, _ and -."
    )
    title: Title = setting(..., unit="", provenance="scenario", source=_OWN, note="One line for the head of a report.")
    description: Description = setting(
        "",
        unit="",
        provenance="scenario",
        source=_OWN,
        note="What the scenario asks, and what is input and what is outcome.",
    )
    start_utc: Instant = setting(
        ..., unit="", provenance="scenario", source=_OWN, note="Instant at which the run starts, in UTC."
    )
    duration: Duration = setting(
        ..., unit="s", provenance="scenario", source=_OWN, note="Simulated time.", at_least=0.01, at_most=8.64e6
    )
    tick: Duration = setting(
        "1s",
        unit="s",
        provenance="judgement",
        source=(
            "MODEL.md R12 and DESIGN.md 3: 1 s for a flash event, 100 ms for studies of latency; all rules are rates"
        ),
        note="Time step of the model, a whole number of microseconds.",
        at_least=0.01,
        at_most=60.0,
    )
    record_every: Duration = setting(
        "1s",
        unit="s",
        provenance="judgement",
        source="DECISIONS 8",
        note="Time between two recorded rows, a whole number of ticks.",
        at_least=0.01,
        at_most=86400.0,
    )
    venue: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,63}$")] = setting(
        "cex_a", unit="", provenance="scenario", source=_OWN, note="Name of a venue profile."
    )
    market: MarketSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Price, open interest, volume, depth."
    )
    background: BackgroundSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Background flow.")
    latent: LatentSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Latent liquidity.")
    market_maker: MarketMakerSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Market makers.")
    arbitrage: ArbitrageSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Spot-perp arbitrage.")
    dip_buyer: DipBuyerSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Dip buyers.")
    trend: TrendSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Trend followers.")
    leveraged: LeveragedSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Leveraged accounts.")
    holders: HoldersSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Owners of coins beside those who trade here."
    )
    stablecoins: StablecoinsSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Supply of dollar tokens, and money that waits to buy."
    )
    clearing: ClearingSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Switches of the venue's clearing."
    )
    dat: DatSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Companies that hold coins (docs/treasuries.md)."
    )
    fresh_money: FreshMoneySettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Money that those who wait to buy bring in over days."
    )
    etf: EtfSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="Spot funds listed in New York.")
    lending: LendingSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Loans against the coin (docs/lending.md)."
    )
    dollar_token: DollarTokenSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Issuer of a dollar token (docs/dollar_token.md)."
    )
    new_leverage: NewLeverageSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Positions opened anew after others were closed."
    )
    news: NewsSettings = setting({}, unit="", provenance="scenario", source=_OWN, note="News value.")
    macro: MacroSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Factors outside crypto that move the news value."
    )
    clock: ClockSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="Long ticks while nothing is under way."
    )
    shocks: Annotated[tuple[Shock, ...], Field(max_length=1000)] = setting(
        (), unit="list of shocks", provenance="scenario", source=_OWN, note="Shocks from outside, in any order."
    )
    listings: Annotated[dict[Id, Listing], Field(max_length=64)] = setting(
        {},
        unit="name to listing",
        provenance="scenario",
        source=_OWN,
        note="Markets to simulate together (docs/network.md); the first leads. Empty: one market, the scenario's own.",
    )
    network: NetworkSettings = setting(
        {}, unit="", provenance="scenario", source=_OWN, note="What ties the listings together."
    )
    evidence: Evidence | None = setting(
        None,
        unit="",
        provenance="scenario",
        source="calibration/derived",
        note="Name of a recorded path to draw beside the outcome; never read by the model.",
    )
    sources: SourcesSettings = setting(
        {},
        unit="",
        provenance="scenario",
        source=_OWN,
        note="Where the data came from and how old they are; never read by the model, no part of a run's identity.",
    )
    assumptions: AssumptionsSettings = setting(
        {},
        unit="",
        provenance="scenario",
        source=_OWN,
        note="Liquidity assumptions that `shoal check` tests; never read by the model, no part of a run's identity.",
    )
    attribution: AttributionSettings = setting(
        {},
        unit="",
        provenance="scenario",
        source=_OWN,
        note="What `shoal attribute` asks; never read by the model, no part of a run's identity.",
    )
    seeds_shown: Count = setting(
        8,
        unit="",
        provenance="judgement",
        source="own judgement: enough for a band, little enough to wait for",
        note="Seeds of a run when the command line names none.",
        at_least=1,
        at_most=10_000,
    )

    def __hash__(self) -> int:
        """By content: listings are mappings, which have no hash of their own."""
        return hash(self.model_dump_json())

    @model_validator(mode="after")
    def _clock_fits(self) -> "Spec":
        if not _whole(self.tick, 1e-6):
            raise problem_at("tick", sentence=f"must be a whole number of microseconds, got {self.tick!r} s")
        for name in ("record_every", "duration"):
            if not _whole(getattr(self, name), self.tick):
                why = f"must be a whole number of ticks ({self.tick:g} s), got {getattr(self, name):.10g} s"
                raise problem_at(name, sentence=why)
        if (slow := self.clock.slow_tick) is not None:
            if slow < 2.0 * self.tick or not _whole(slow, self.tick):
                why = f"must be a whole number of ticks ({self.tick:g} s), at least 2, got {slow:g} s"
                raise problem_at("clock", "slow_tick", sentence=why)
            lengths: dict[tuple[str, ...], float] = {("record_every",): self.record_every, ("duration",): self.duration}
            if self.listings:
                lengths["network", "record_every"] = self.network.record_every
            for keys, seconds in lengths.items():
                if not _whole(seconds, slow):
                    why = f"must be a whole number of long ticks (clock.slow_tick, {slow:g} s), got {seconds:.10g} s"
                    raise problem_at(*keys, sentence=why)
        rows = self.duration / self.record_every
        if rows > _MOST_ROWS:
            why = f"duration / record_every gives {rows:.3g} rows, at most {_MOST_ROWS}: raise record_every"
            raise problem_at("record_every", sentence=why)
        return self

    @model_validator(mode="after")
    def _events_fit(self) -> "Spec":
        for i, shock in enumerate(self.shocks):
            end = shock.at + getattr(shock, "over", 0.0) + getattr(shock, "ramp", 0.0)
            if (wanted := getattr(shock, "firms", 0)) > self.market_maker.firms:
                why = f"there are {self.market_maker.firms} firms (market_maker.firms), got {wanted}: lower it"
                raise problem_at("shocks", i, "firms", sentence=why)
            if end > self.duration:
                why = (
                    f"ends at {end:g} s, after the scenario's end at {self.duration:g} s: move it, shorten it or"
                    " raise duration"
                )
                raise problem_at("shocks", i, sentence=why)
        return self

    @model_validator(mode="after")
    def _institutions_fit(self) -> "Spec":
        for group in sorted(INSTITUTIONS & type(self).model_fields.keys()):
            wanted = getattr(getattr(self, group), "listing", None)
            if wanted is not None and self.listings and wanted not in self.listings:
                why = f"no listing is named {wanted!r}: use one of {', '.join(self.listings)}"
                raise problem_at(group, "listing", sentence=why)
        openings = self.duration / self.new_leverage.every
        if self.new_leverage.enabled and openings > MOST_OPENINGS:
            why = f"gives {openings:.0f} openings in {self.duration:g} s, at most {MOST_OPENINGS}: raise it"
            raise problem_at("new_leverage", "every", sentence=why)
        return self

    @model_validator(mode="after")
    def _assumptions_fit(self) -> "Spec":
        for i, test in enumerate(self.assumptions.tests):
            end = test.at + (getattr(test, "over", None) or 0.0)
            if end > self.duration:
                why = f"ends at {end:g} s, after the scenario's end at {self.duration:g} s: move or shorten it"
                raise problem_at("assumptions", "tests", i, sentence=why)
            if test.kind == "exit_cost":
                for k, shock in enumerate(self.shocks):
                    if shock.kind in ("flow", "fat_finger") and shock.at < end and not _apart(test.book, shock.book):
                        why = (
                            f"the sale and shocks.{k} trade from one account: let the sale end before {shock.at:g} s, "
                            "let the shock trade on spot and the sale on perp, or make the shock a news_move"
                        )
                        raise problem_at("assumptions", "tests", i, sentence=why)
        return self


def _apart(sale: str, shock: str) -> bool:
    """Whether a sale can be told apart from a shock that trades before it ends, from the same account."""
    return sale == "perp" and shock == "spot"
