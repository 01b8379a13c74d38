"""From a specification to a market: human units become arrays, once, here (and in ``units``)."""

import math

import numpy as np

from sim import rng, units
from sim.behaviours.arbitrage import ARBITRAGE, ARBITRAGEUR
from sim.behaviours.background import CROWD, METAORDER
from sim.behaviours.dip_buyer import BUYER
from sim.behaviours.latent import LAYER
from sim.behaviours.leveraged import CONDUCT, PERSON
from sim.behaviours.maker_risk import CAUTION, MAKER
from sim.behaviours.market_maker import QUOTING
from sim.behaviours.news import MOOD, NEWS
from sim.behaviours.pace import PACE
from sim.behaviours.trend import TREND, TREND_FUND
from sim.conduct import fill_conduct
from sim.errors import ScenarioError
from sim.funded import fill_funded
from sim.kernels.account_triggers import ACCOUNT_TRIGGER, N_LADDERS
from sim.kernels.adl import ADL_RULES
from sim.kernels.clock import CLOCK
from sim.kernels.engines import ENGINES
from sim.kernels.fund_drop import DROP, N_PARTS, PEAK
from sim.kernels.ledger import (
    ACCOUNT,
    FLOWS,
    GUEST_FILL,
    HEDGERS,
    RULES,
    TICKET,
)
from sim.kernels.liquidation import ENGINE, UNLIMITED
from sim.kernels.mailbox import MESSAGE, N_STARTS
from sim.kernels.margin import TIER
from sim.kernels.marks import MARK_RULES, PRICE
from sim.kernels.memory import MIN_WINDOW, allocate_books
from sim.kernels.recording import QUOTE, QUOTE_RING
from sim.kernels.safeguards import LOOK, MOST_LOOKS, SAFEGUARD
from sim.layout import Layout, layout_of
from sim.market import Market
from sim.news_path import macro_ramps, path_ramps
from sim.pace import BAND_EVERY_S, fill_pace, seen_ticks, write_rates
from sim.participants import (
    Contract,
    fill_accounts,
    fill_activity,
    fill_background,
    fill_makers,
    latent_bins,
    room_sizes,
)
from sim.population import ACCOUNT_DRAW, draw_population
from sim.safeguards import fill_safeguards
from sim.scenario.spec import Spec
from sim.schema import (
    BAND_ROW,
    EVENT,
    MAX_PRICE_TICKS,
    RECORD,
    STP_CANCEL_MAKER,
    STP_CANCEL_TAKER,
    STP_DECREMENT,
    STP_OFF,
)
from sim.settings.venue import BookRules, EngineRules, VenueSettings
from sim.state import Array, State
from sim.venues.profile import load_profile

SELF_TRADE = {
    "off": STP_OFF,
    "cancel_maker": STP_CANCEL_MAKER,
    "cancel_taker": STP_CANCEL_TAKER,
    "decrement_both": STP_DECREMENT,
}
CEILING = 4  # prices above this multiple of the start are one bucket for the liquidation filter [judgement]
MOST_BUCKETS = 1 << 14
MOST_WINDOW = 1 << 17  # DECISIONS 10


def build(spec: Spec, seed: int = 1, venue: VenueSettings | None = None, *, institutions: bool = True) -> Market:
    """A market at time 0 with its books seeded, ready to run.

    Parameters
    ----------
    spec : Spec
        A resolved scenario.
    seed : int
        0 .. 2^64 - 1. Equal seeds share every draw that settings do not change.
    venue : VenueSettings, optional
        Rules to use instead of the profile that the scenario names.
    institutions : bool
        False leaves those of the scenario to be seated later, after other accounts.

    Raises
    ------
    ScenarioError
        When settings cannot be carried by 64-bit integers, a named path is missing, or the scenario has listings.
    """
    if spec.listings:
        raise ScenarioError(f"{spec.name} has {len(spec.listings)} listings; this needs a scenario of one market")
    venue = load_profile(spec.venue) if venue is None else venue
    contract = contract_of(spec, venue)
    state = state_of(spec, venue, contract, seed)
    market = Market(spec, seed, state, contract.tick_usd, contract.lot_coin, venue)
    if institutions:
        market.seat_institutions()
    return market


def contract_of(spec: Spec, venue: VenueSettings) -> Contract:
    """Units of the books; refuses books whose ticks or lots differ, since index and inventory are summed over both,
    and contracts settled in coins.
    """
    if venue.contract == "inverse":
        raise ScenarioError(
            f"venue {spec.venue}: a market of inverse contracts cannot be built in this version; "
            "use a profile with contract: linear"
        )
    perp, spot = venue.perp, venue.spot
    if perp.tick_usd != spot.tick_usd or perp.lot_coin != spot.lot_coin:
        raise ScenarioError(
            f"venue {spec.venue}: spot and perp need the same tick and lot in this version; align the profile"
        )
    unit = units.micro_per_tick_lot(perp.tick_usd, perp.lot_coin)
    price_ticks = units.ticks(spec.market.price, perp.tick_usd)
    return Contract(perp.tick_usd, perp.lot_coin, spec.market.price, unit, price_ticks)


def window_ticks(contract: Contract, half: float) -> int:
    """The smallest power of two that covers the window on both sides of the start price."""
    wanted = 2.0 * half * contract.price_ticks
    window = max(64, 1 << math.ceil(math.log2(wanted)))
    if window > MOST_WINDOW:
        raise ScenarioError(
            f"a window of {half:.1%} around {contract.price_usd:g} USD needs {window} ticks, "
            f"at most {MOST_WINDOW}: use a coarser tick"
        )
    return window


def state_of(spec: Spec, venue: VenueSettings, contract: Contract, seed: int) -> State:
    """Allocate and fill every array."""
    oi_lots = units.lots(spec.market.open_interest, contract.lot_coin)
    tiers = tier_table(venue)
    crowd = people_of(spec, venue, contract, oi_lots, seed)
    n_firms = spec.market_maker.firms
    layout = layout_of(spec, len(crowd))
    n_owners = layout.n_owners
    most_messages, n_tickets, most_takers = room_sizes(spec)
    capacity = 1 << math.ceil(math.log2(2 * most_messages + 64))
    n_bins = latent_bins(spec)
    window = window_ticks(contract, venue.window_half)
    windows = [window if listed else MIN_WINDOW for listed in (spec.market.perp, spec.market.spot)]
    books = allocate_books(windows, capacity, capacity + 1, n_owners, int(SELF_TRADE[venue.self_trade]))
    # orders and takeovers, of which deleveraging empties one each time; decisions to close
    most_events = 5 * len(crowd) + n_owners + 16
    state = State(
        key=rng.seed_key(seed),
        clock=np.zeros(1, CLOCK),
        books=books,
        accounts=np.zeros(n_owners, ACCOUNT),
        rules=np.array([rules_row(contract, venue.perp), rules_row(contract, venue.spot)], RULES),
        flows=np.zeros(2, FLOWS),
        tickets=np.zeros(n_tickets, TICKET),
        slot_ticket=np.zeros(capacity + 1, np.int64),
        guest_fills=np.zeros(0, GUEST_FILL),
        messages=np.zeros(2 * most_messages, MESSAGE),
        order=np.zeros(2 * most_messages, np.int64),
        keys=np.zeros(2 * most_messages, np.int64),
        starts=np.zeros(N_STARTS, np.int64),
        inbox=np.zeros(0, MESSAGE),
        draws=np.zeros(rng.ROOM, np.uint64),
        tiers=tiers,
        engine=np.zeros(1, ENGINE),
        heads=np.zeros((4, 0), np.int32),
        queue=np.zeros(n_owners, np.int64),
        events=np.zeros(2 * most_events, EVENT),
        ranked=np.zeros(n_owners, np.int64),
        score=np.zeros(n_owners),
        shares=np.zeros((3, n_owners), np.int64),
        price=np.zeros(1, PRICE),
        samples=np.zeros(max(1, round(venue.mark.basis_window / venue.mark.basis_sample)), np.int64),
        rows=np.zeros(int(spec.duration / spec.record_every) + 2, RECORD),
        bands=np.zeros(int(spec.duration / BAND_EVERY_S) + 2, BAND_ROW),
        quotes=np.zeros(QUOTE_RING, QUOTE),
        news=np.zeros(1, NEWS),
        ramps=np.concatenate([path_ramps(spec.news), macro_ramps(spec)]),
        seen=np.zeros(seen_ticks(spec, spec.tick), np.float64),
        moods=np.zeros(2, MOOD),
        news_keys=np.tile(rng.seed_key(seed), 3),
        crowd=np.zeros(2, CROWD),
        knots=np.zeros((2, 2, 1, 2)),
        metaorders=np.zeros((2, 1), METAORDER),
        layers=np.zeros(2, LAYER),
        mass=np.zeros((2, 2, n_bins + 1)),
        stamp_us=np.zeros((2, 2, n_bins + 1), np.int64),
        settled=np.zeros((2, 2, n_bins + 1), np.int64),
        offered=np.zeros((2, 2, n_bins + 1), np.int64),
        firms=np.zeros(n_firms, MAKER),
        caution=np.zeros(1, CAUTION),
        quoting=np.zeros(1, QUOTING),
        distance=np.zeros((n_firms, 2, 2, spec.market_maker.rungs_per_side)),
        rung_lots=np.zeros((n_firms, 2, 2, spec.market_maker.rungs_per_side), np.int64),
        arbitrageurs=np.zeros(spec.arbitrage.firms, ARBITRAGEUR),
        arbitrage=np.zeros(1, ARBITRAGE),
        dip_buyers=np.zeros(spec.dip_buyer.buyers, BUYER),
        dip_bids=np.zeros((spec.dip_buyer.buyers, spec.dip_buyer.bids_per_buyer, 2), np.int64),
        trend_funds=np.zeros(spec.trend.funds, TREND_FUND),
        trend=np.zeros(1, TREND),
        conduct=np.zeros(1, CONDUCT),
        persons=np.zeros(len(crowd), PERSON),
        closing=np.zeros(len(crowd), np.int64),
        triggers=np.zeros(0, ACCOUNT_TRIGGER),
        trigger_heads=np.zeros((N_LADDERS, 0), np.int32),
        past_marks=np.zeros(1, np.int64),
        safeguards=np.zeros(1, SAFEGUARD),
        looks=np.zeros(MOST_LOOKS, LOOK),
        fund_drop=np.zeros(1, DROP),
        fund_peaks=np.zeros(N_PARTS + 1, PEAK),
        pace=np.zeros(1, PACE),
    )
    fill_clock(state, spec, most_messages, most_events)
    fill_prices(state, spec, venue, contract)
    fill_engine(state, spec, venue, contract, layout)
    fill_background(state, spec, contract, most_takers, seed)
    fill_activity(state, spec, seed)
    fill_makers(state, spec, contract, layout, seed)
    fill_funded(state, spec, contract, layout, seed)
    fill_accounts(state, spec, venue, contract, layout, crowd, seed)
    fill_conduct(state, spec, contract, layout, crowd, seed)
    fill_exempt(state, venue, layout)
    fill_safeguards(state, spec, venue)
    fill_pace(state, spec)
    write_rates(state, spec, venue, spec.tick)
    refuse_overflows(state, contract, oi_lots)
    return state


def people_of(spec: Spec, venue: VenueSettings, contract: Contract, oi_lots: int, seed: int) -> Array:
    """The leveraged population, ACCOUNT_DRAW rows; nobody where there is no perpetual."""
    if not spec.market.perp:
        return np.zeros(0, ACCOUNT_DRAW)
    return draw_population(
        spec.leveraged, venue.margin_tiers, oi_lots, contract.price_ticks, seed, unit_micro=contract.unit_micro
    )


def rules_row(contract: Contract, book: BookRules) -> tuple[int, ...]:
    """One row of RULES: no price band, not halted."""
    return (
        contract.unit_micro,
        units.ppm(book.taker_fee),
        units.ppm(book.maker_fee),
        units.ppm(book.market_order_bound),
        1,
        int(MAX_PRICE_TICKS),
        0,
        units.ppm(book.professional_taker_fee),
        units.ppm(book.professional_maker_fee),
        0,
    )


def tier_table(venue: VenueSettings) -> Array:
    """TIER rows with exact deductions; the last tier has no end for the engine, whatever the venue admits at
    opening.
    """
    table = np.zeros(len(venue.margin_tiers), TIER)
    for row, tier, deduction in zip(table, venue.margin_tiers, venue.deductions_usd, strict=True):
        row["up_to_micro"] = (1 << 62) if tier.up_to is None else units.micro(tier.up_to)
        row["maintenance_ppm"] = units.ppm(tier.maintenance)
        row["initial_ppm"] = units.initial_ppm(tier.max_leverage)
        row["deduction_micro"] = units.whole(
            units.exact(deduction) * units.MICRO, "margin deduction", "use whole-dollar tier edges"
        )
    return table


def fill_clock(state: State, spec: Spec, most_messages: int, most_events: int) -> None:
    """Time, recording intervals and declared maxima."""
    clock = state.clock[0]
    clock["tick"] = -1
    clock["tick_us"] = units.us(spec.tick)
    clock["record_every_us"] = units.us(spec.record_every)
    clock["most_messages"] = most_messages
    clock["most_events"] = most_events
    clock["engine_on"] = int(spec.leveraged.enabled and spec.market.perp)


def fill_prices(state: State, spec: Spec, venue: VenueSettings, contract: Contract) -> None:
    """Start prices of index, mark and news value."""
    price, news = state.price[0], state.news[0]
    for name in ("index_half_ticks", "mark_half_ticks", "mid_half_ticks", "spot_half_ticks", "given_half_ticks"):
        price[name] = 2 * contract.price_ticks
    price["no_perp"] = int(not spec.market.perp)
    price["tick_usd"] = contract.tick_usd
    price["sample_every_us"] = units.us(venue.mark.basis_sample)
    price["mark_rule"] = MARK_RULES.index(venue.mark.formula)
    if venue.mark.touch_window is not None:
        price["basis_kept"] = math.exp(-venue.mark.basis_sample / venue.mark.basis_window)
        price["touch_kept"] = math.exp(-venue.mark.basis_sample / venue.mark.touch_window)
    fill_funding(state, spec, venue)
    news["start_usd"] = contract.price_usd
    news["tick_usd"] = contract.tick_usd
    news["start_log"] = math.log(2 * contract.price_usd / contract.tick_usd)


def fill_funding(state: State, spec: Spec, venue: VenueSettings) -> None:
    """Rate, base, clamp and cap in 1e-9 of a period; where time 0 lies in it, periods starting at midnight UTC."""
    price, rules, start = state.price[0], venue.funding, spec.start_utc

    def ppb(rate: float, what: str) -> int:
        return units.whole(units.exact(rate) * 10**9, f"{what} in 1e-9", "give fewer decimals")

    first = venue.margin_tiers[0]
    price["rate_ppb"], price["base_ppb"] = ppb(rules.last_rate, "last funding rate"), ppb(rules.base, "funding base")
    price["clamp_ppb"] = ppb(rules.clamp, "funding clamp")
    payments = round((rules.rate_for or rules.every) / rules.every)
    if rules.cap is None:
        price["cap_ppb"] = int(units.exact(rules.cap_share) * units.exact(first.maintenance) * 10**9)
    else:
        price["cap_ppb"] = payments * ppb(rules.cap, "funding cap")
    price["more_payments"] = payments - 1
    price["simple_mean"], price["on_index"] = int(rules.average == "simple"), int(rules.notional == "index")
    price["impact_micro"] = units.micro(rules.impact_margin * first.max_leverage)
    every, sample = units.us(rules.every), units.us(rules.sample_every)
    seconds = start.hour * 3600 + start.minute * 60 + start.second
    since = (seconds * units.MICRO + start.microsecond) % every
    price["funding_every_us"], price["premium_every_us"] = every, sample
    price["next_funding_us"] = every - since
    price["next_premium_us"] = sample - since % sample
    price["funding_on"] = int(spec.clearing.funding)


def fill_engine(state: State, spec: Spec, venue: VenueSettings, contract: Contract, layout: Layout) -> None:
    """Parameters of the liquidation engine, and its empty buckets."""
    engine, rules = state.engine[0], venue.engine
    engine["slice_share_ppm"] = units.ppm(rules.slice_depth_share)
    engine["slice_band_ppm"] = units.ppm(rules.slice_depth_band)
    engine["order_bound_ppm"] = units.ppm(rules.order_bound)
    engine["clearance_fee_ppm"] = units.ppm(rules.clearance_fee)
    pace = rules.pace_cap if spec.clearing.pace_cap is None else spec.clearing.pace_cap
    engine["pace_cap_micro_per_s"] = UNLIMITED if pace is None else units.micro(pace)
    ceiling = 2 * CEILING * contract.price_ticks
    shift = max(0, math.ceil(math.log2(ceiling / MOST_BUCKETS)))
    n_buckets = (ceiling >> shift) + 1
    engine["bucket_shift"], engine["ceiling_half_ticks"] = shift, ceiling
    engine["top"], engine["bottom"] = 0, n_buckets - 1
    engine["alert_top"], engine["alert_bottom"] = 0, n_buckets - 1
    state.heads = np.zeros((4, n_buckets), np.int32)
    state.clock[0]["scan_every_us"] = units.us(rules.scan_every)
    # marks of the oracle formula move at 0, 3, 6 s ...: a scan is at the end of the tick that begins with one
    engine["next_scan_us"] = units.us(spec.tick if venue.mark.formula == "oracle" else rules.scan_every)
    engine["kind"] = ENGINES.index(rules.kind)
    if rules.kind == "backstop":
        fill_backstop(engine, rules)
    engine["adl_on"] = int(spec.clearing.adl)
    engine["adl_rule"] = ADL_RULES.index(spec.clearing.adl_rule or venue.adl_ranking)
    engine["first_watched"], engine["end_watched"] = layout.first_leveraged, layout.n_owners


def fill_backstop(engine: Array, rules: EngineRules) -> None:
    """What the BACKSTOP engine needs beside the rest."""
    engine["large_micro"] = units.micro(rules.large_order or 0.0)
    engine["large_share_ppm"] = units.ppm(rules.large_share or 0.0)
    engine["cooldown_us"] = units.us(rules.cooldown or 0.0)
    engine["backstop_ppm"] = units.ppm(rules.backstop_below or 0.0)


def fill_exempt(state: State, venue: VenueSettings, layout: Layout) -> None:
    """Mark the accounts that deleveraging leaves alone."""
    for name in venue.adl_exempt:
        state.accounts["adl_exempt"][int(HEDGERS) if name == "hedgers" else layout.rows(name)] = 1


def refuse_overflows(state: State, contract: Contract, oi_lots: int) -> None:
    """Refuse settings whose sums or products could pass 2^62."""
    ceiling = 2 * CEILING * contract.price_ticks
    units.refuse_overflow(
        int(
            np.abs(state.accounts["cash_micro"].astype(object)).sum()
            + state.accounts["free_micro"].astype(object).sum()
        ),
        "cash of all accounts in micro-dollars",
    )
    units.refuse_overflow(
        oi_lots * ceiling * contract.unit_micro * 2, "open interest at four times the start price in micro-dollars"
    )
    coins = int(np.abs(state.books.positions[1]).sum())
    units.refuse_overflow(coins * contract.price_ticks * contract.unit_micro, "coins of all accounts in micro-dollars")
