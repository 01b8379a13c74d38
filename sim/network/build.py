"""From a scenario with listings to a network: one market each, firms that bridge exchanges, weights and routes."""

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

from sim import rng, units
from sim.behaviours.bridge import ASSET, BRIDGE
from sim.build import build
from sim.errors import ScenarioError
from sim.kernels.ledger import ACCOUNT, FUND
from sim.kernels.references import References
from sim.kernels.transit import FIRM, HALT, SEAT, Wallets
from sim.network.clocks import change_clocks
from sim.network.links import listing_rows
from sim.network.loadings import write_loading
from sim.network.makers import purses_of
from sim.network.memory import give_back, pages_of_their_own
from sim.network.network import Couplings, Network
from sim.network.portfolios import fill_portfolios, population_spec
from sim.news_path import macro_ramps
from sim.participants import daily_volumes
from sim.scenario.listings import listing_specs
from sim.scenario.spec import Spec
from sim.settings.bridge import BridgeSettings
from sim.settings.network import AssetSettings, ExchangeSettings

if TYPE_CHECKING:
    from sim.market import Market
    from sim.state import Array, State

BRIDGE_KEY = 1 << 25  # random keys of bridge firms' accounts: above the people's, below the guests'
DRAW_BRIDGE = 21  # second word of the generator above the border, after the seed


def build_network(spec: Spec, seed: int = 1) -> Network:
    """Markets at time 0 with their books seeded, linked, ready to run.

    Parameters
    ----------
    spec : Spec
        A resolved scenario with listings.
    seed : int
        0 .. 2^63 - 1. The first listing draws as the same market alone would.

    Raises
    ------
    ScenarioError
        When the listings of one asset have different lots, or a weight names no listing.
    """
    give_back()
    with pages_of_their_own():
        network = built(spec, seed)
    give_back()
    return network


def built(spec: Spec, seed: int) -> Network:
    """As ``build_network``."""
    specs = listing_specs(spec)
    markets = {}
    for k, (name, one) in enumerate(specs.items()):
        alone = population_spec(spec, one, spec.listings[name].exchange)
        alone = alone.model_copy(update={"clock": one.clock.model_copy(update={"start": "fine"})})  # all change below
        markets[name] = build(alone, listing_seed(seed, name, k), institutions=False)
        markets[name].spec = one  # the open interest that is left out there belongs to portfolios
    names = names_of(spec)
    assets, exchanges, quotes = (names[kind] for kind in ("asset", "exchange", "quote"))
    listings = listing_rows(len(specs))
    for row, (name, listing), market in zip(listings, spec.listings.items(), markets.values(), strict=True):
        rules = spec.network.exchanges.get(listing.exchange, ExchangeSettings())
        row["asset"], row["exchange"] = assets.index(listing.asset), exchanges.index(listing.exchange)
        row["quote"] = quotes.index(listing.quote)
        row["has_perp"], row["has_spot"] = specs[name].market.perp, specs[name].market.spot
        row["half_tick_nano"] = units.whole(
            units.exact(market.tick_usd) * 10**9 / 2, f"{name}: half a tick in nano-dollars", "use a coarser tick"
        )
        fill_index_rules(row, rules)
        market.news_loading = spec.network.assets.get(listing.asset, AssetSettings()).beta
        share_news(spec, market.state, listing.asset, seed)
        market.state.moods["level"] = next(iter(markets.values())).state.moods["level"]  # one activity for all
    listings["next_same"] = next_same(listings["asset"])
    refuse_lots(spec, markets)
    split_funds(spec, markets)
    refs = references_of(spec, specs, listings, quotes)
    for k, market in enumerate(markets.values()):
        market.state.price[0]["index_given"] = is_index_given(refs.weights, k)
    portfolios = fill_portfolios(spec, specs, listings, markets, exchanges, seed)
    wallets, stock = fill_firms(spec, specs, listings, markets, exchanges, seed)
    couplings = Couplings(
        listings, refs, wallets, desk_of(spec), assets_of(spec, markets, listings, assets), stock,
        shared_funds(spec, exchanges), portfolios,
        purses_of(spec, [market.state for market in markets.values()], assets),
    )  # fmt: skip
    for market in markets.values():
        market.seat_institutions()  # after the accounts of firms and portfolios: Python agents come last
    network = Network(spec, seed, markets, couplings, names)
    if spec.clock.slow_tick is not None and spec.clock.start == "slow":
        change_clocks(network)
    return network


def names_of(spec: Spec) -> dict[str, list[str]]:
    """Assets, exchanges and quotes in the order of their numbers."""
    rows = spec.listings.values()
    return {kind: list(dict.fromkeys(getattr(row, kind) for row in rows)) for kind in ("asset", "exchange", "quote")}


def next_same(assets: "Array") -> "Array":
    """For each listing 1 + the next one of the same asset, 0 for the last; ``assets`` int64[n] names that of each."""
    later = [np.flatnonzero(assets[k + 1 :] == asset) for k, asset in enumerate(assets)]
    return np.array([k + 2 + rest[0] if rest.size else 0 for k, rest in enumerate(later)], np.int64)


def fill_index_rules(row: "Array", rules: ExchangeSettings) -> None:
    """How an exchange makes an index of several books."""
    row["median"], row["deviation"] = int(rules.index == "weighted_median"), rules.deviation
    row["stale_us"] = units.us(rules.stale)


def is_index_given(weights: "Array", k: int) -> int:
    """1 where another listing weighs in the index of listing ``k``; else that is its own spot mid."""
    return int(bool(np.delete(weights[k], k).any()))


def shared_funds(spec: Spec, exchanges: list[str]) -> "Array":
    """Which exchanges share their funds."""
    rules = spec.network.exchanges
    return np.array([int(rules.get(name, ExchangeSettings()).shared_fund) for name in exchanges], np.int64)


def listing_seed(seed: int, name: str, k: int) -> int:
    """Seed of a listing: the scenario's own for the first, else a hash of it and the listing's name."""
    if k == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big") >> 1


def share_news(spec: Spec, state: "State", asset: str, seed: int) -> None:
    """Let a listing's news value follow the shared news by its asset's beta, the altcoins' and the asset's own: all
    listings of an asset have one value.
    """
    loading = spec.network.assets.get(asset, AssetSettings())
    state.news_keys[:] = news_keys(spec, asset, seed)
    write_loading(spec, state, asset, spec.tick)
    path = state.ramps[: len(state.ramps) - len(macro_ramps(spec))]
    path["log_move"] *= loading.beta
    state.ramps = np.concatenate([path, macro_ramps(spec, asset, loading.beta)])


def news_keys(spec: Spec, asset: str, seed: int) -> "Array":
    """Random keys of the news that all share, of the asset's own and of the altcoins', uint64[6]."""
    of = spec.network.assets.get(asset, AssetSettings()).own_noise_of or asset
    if all(listing.asset != of for listing in spec.listings.values()):
        raise ScenarioError(f"network.assets.{asset}.own_noise_of: no listing is of asset {of}")
    keys: Array = np.concatenate([rng.seed_key(seed), named_key(seed, f"asset:{of}"), named_key(seed, "alts")])
    return keys


def named_key(seed: int, name: str) -> "Array":
    """Random key of something that listings share, uint64[2], from the run's seed and its name."""
    return rng.seed_key(int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big"))


def split_funds(spec: Spec, markets: "dict[str, Market]") -> None:
    """Share the money of an exchange's insurance funds out over its listings of one quote as every tick will: by open
    interest.
    """
    for exchange, quote in dict.fromkeys((listing.exchange, listing.quote) for listing in spec.listings.values()):
        mine = [
            market.state
            for listing, market in zip(spec.listings.values(), markets.values(), strict=True)
            if (listing.exchange, listing.quote) == (exchange, quote) and market.spec.market.perp
        ]
        if len(mine) < 2 or not spec.network.exchanges.get(exchange, ExchangeSettings()).shared_fund:
            continue
        worth = np.array([float(market_value(state)) for state in mine])
        cash = np.array([int(state.accounts[FUND]["cash_micro"]) for state in mine])
        parts = np.floor(cash.sum() * (worth / worth.sum())).astype(np.int64)
        parts[-1] += cash.sum() - parts.sum()
        for state, part, had in zip(mine, parts, cash, strict=True):
            state.accounts[FUND]["cash_micro"] = part
            state.clock[0]["cash_micro"] += part - had
            state.rows["fund_micro"][: int(state.clock[0]["n_rows"])] = part


def market_value(state: "State") -> int:
    """Open interest at mark, in units of its own that all listings share."""
    unit = int(state.rules[0]["micro_per_tick_lot"]) * int(state.price[0]["mark_half_ticks"])
    return max(1, unit * int(state.clock[0]["open_interest_lots"]))


def refuse_lots(spec: Spec, markets: "dict[str, Market]") -> None:
    """Listings of one asset count it in one lot, or coins could not move between them."""
    lots: dict[str, tuple[str, float]] = {}
    for (name, listing), market in zip(spec.listings.items(), markets.values(), strict=True):
        first, lot = lots.setdefault(listing.asset, (name, market.lot_coin))
        if lot != market.lot_coin:
            raise ScenarioError(
                f"listings.{name}: a lot of {market.lot_coin:g} coins, but {first} lists {listing.asset} in lots of "
                f"{lot:g}: choose venue profiles with one lot"
            )


def references_of(spec: Spec, specs: dict[str, Spec], listings: "Array", quotes: list[str]) -> References:
    """Weights of components in each listing's index, of perps in its view of the others, and rates between moneys."""
    names, n = list(specs), len(specs)
    weights, others, rates = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n), np.int64)
    for i, name in enumerate(names):
        listing = spec.listings[name]
        wanted = spec.network.exchanges.get(listing.exchange, ExchangeSettings()).index_weights
        for j, component in enumerate(names):
            other = spec.listings[component]
            if other.asset == listing.asset:
                perp, spot = daily_volumes(specs[component])
                if specs[component].market.spot:
                    weights[i, j] = wanted.get(other.exchange, 0.0) if wanted else spot
                if specs[component].market.perp and other.exchange != listing.exchange:
                    others[i, j] = perp
                rates[i, j] = rate_listing(spec, names, other.quote, listing.quote)
        if not wanted and weights[i].any():
            weights[i] /= weights[i].max()  # so that equal books weigh 1 and their mean is exact
        if not weights[i].any() and not specs[name].market.spot:
            raise ScenarioError(
                f"listings.{name}: nothing weighs in its index: list {listing.asset} with a spot book, or name its "
                f"exchange in network.exchanges.{listing.exchange}.index_weights"
            )
    return References(weights, others, rates, np.zeros(n), np.zeros(n))


def rate_listing(spec: Spec, names: list[str], held: str, wanted: str) -> int:
    """Number + 1 of the listing at whose spot mid one money is worth the other; below 0 to divide by it."""
    if held == wanted:
        return 0
    for k, name in enumerate(names):
        listing = spec.listings[name]
        if (listing.asset, listing.quote) == (held, wanted):
            return k + 1
        if (listing.asset, listing.quote) == (wanted, held):
            return -(k + 1)
    raise ScenarioError(
        f"listings: one asset is quoted in {held} and in {wanted}, and nothing says what one is worth in the other: "
        f"list {held} with quote: {wanted}"
    )


def desk_of(spec: Spec) -> "Array":
    """Parameters of the bridge firms."""
    desk, rules = np.zeros(1, BRIDGE), spec.network.bridge
    desk["enabled"], desk["transfers"] = int(rules.enabled), int(rules.transfers)
    desk["leverage"], desk["risk_multiple"] = rules.leverage, rules.risk_multiple
    desk["shadow_price"] = rules.shadow_price
    return desk


def assets_of(spec: Spec, markets: "dict[str, Market]", listings: "Array", assets: list[str]) -> "Array":
    """What bridge firms watch of each asset: the listing with most volume."""
    rows, order = np.zeros(len(assets), ASSET), list(markets.values())
    for a, row in enumerate(rows):
        mine = [k for k in range(len(order)) if listings[k]["asset"] == a]
        watched = max(mine, key=lambda k: sum(daily_volumes(order[k].spec)))
        market = order[watched]
        row["first"], row["watched"] = 1 + mine[0], watched
        row["log_mid"] = math.log(float(market.state.price[0]["mid_half_ticks"]))
        news = market.state.news[0]
        sd = math.hypot(math.hypot(news["common_per_tick"], news["noise_per_tick"]), news["alt_per_tick"])
        row["variance_per_s"] = sd * sd / spec.tick
        row["smallest_lots"] = smallest_lots(spec, market.spec, market.lot_coin)
    return rows


def smallest_lots(spec: Spec, one: Spec, lot_coin: float) -> int:
    """The bridge firms' smallest order, in lots of a listing."""
    return max(1, units.lots_of_money(spec.network.bridge.smallest_order, one.market.price, lot_coin))


def fill_firms(
    spec: Spec, specs: dict[str, Spec], listings: "Array", markets: "dict[str, Market]", exchanges: list[str], seed: int
) -> "tuple[Wallets, Array]":
    """Bridge firms with cash and coins in every listing, in proportion to its volume; also what they want net."""
    rules, n = spec.network.bridge, spec.network.bridge.firms
    capital, firms = firm_rows(rules, seed)
    seats = np.zeros((n, len(specs), 2), SEAT)
    volume = np.array([sum(daily_volumes(one)) for one in specs.values()])
    rows, stock = np.zeros(len(specs), np.int64), np.zeros((n, listings["asset"].max() + 1), np.int64)
    for k, (name, market) in enumerate(markets.items()):
        here = capital * volume[k] / max(volume.sum(), 1.0)
        coin_usd = here * (rules.coin_share if specs[name].market.spot else 0.0)
        accounts = np.zeros(n, ACCOUNT)
        accounts["key"], accounts["professional"] = BRIDGE_KEY + k * n + np.arange(n), 1
        accounts["bucket"], accounts["next"], accounts["prev"], accounts["first_forced_us"] = -1, -1, -1, -1
        accounts["cash_micro"] = [units.micro(float(usd)) for usd in here - coin_usd]
        coins = [units.lots_of_money(float(usd), specs[name].market.price, market.lot_coin) for usd in coin_usd]
        first = rows[k] = market.state.add_owners(accounts)
        market.state.books.positions[1, first : first + n] = coins
        seats[:, k, 0]["target"], seats[:, k, 1]["target"] = accounts["cash_micro"], coins
        stock[:, listings[k]["asset"]] += coins
        market.state.clock[0]["cash_micro"] += accounts["cash_micro"].sum()
        market.state.clock[0]["coin_lots"] += sum(coins)
    is_open = np.zeros(len(exchanges), np.int64)
    over, net = np.zeros((len(firms), len(rows) + 1, 2), np.int64), np.zeros(stock.shape, np.int64)
    return Wallets(firms, seats, rows, halt_rows(rules, exchanges), is_open, over, net), stock


def firm_rows(rules: BridgeSettings, seed: int) -> "tuple[Array, Array]":
    """Capital of each bridge firm in dollars, and its times and leverage."""
    draws = np.random.default_rng([seed, DRAW_BRIDGE])
    weights = np.exp(rules.capital_sigma * draws.standard_normal(rules.firms))
    capital = rules.capital * rules.enabled * weights / weights.sum()
    firms = np.zeros(rules.firms, FIRM)
    firms["latency_us"] = np.rint(draws.uniform(rules.latency_low, rules.latency_high, rules.firms) * units.MICRO)
    firms["travel_us"] = np.rint(draws.uniform(rules.transfer_low, rules.transfer_high, rules.firms) * units.MICRO)
    firms["leverage"] = rules.leverage
    return capital, firms


def halt_rows(rules: BridgeSettings, exchanges: list[str]) -> "Array":
    """Times in which transfers stand still."""
    halts = np.zeros(len(rules.halts), HALT)
    for row, halt in zip(halts, rules.halts, strict=True):
        row["exchange"] = -1 if halt.exchange is None else exchanges.index(halt.exchange)
        row["start_us"], row["end_us"] = units.us(halt.at), units.us(halt.at + halt.over)
    return halts
