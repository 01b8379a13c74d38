"""The whole state of a network as arrays and plain values, and a network that goes on from them.

Each listing is the snapshot of a market, its ladders named as if it stood alone. Beside them lie the arrays of what
couples the listings, and what was looked on. Settings that change at a fork are judged as in one market: what the old
and the new ones make before the first tick is compared, in every listing and in the rules that tie them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from sim import snapshot as markets
from sim.behaviours.maker_purse import Purses
from sim.build import contract_of, state_of
from sim.desk_records import plain
from sim.errors import ForkError, ScenarioError
from sim.kernels.portfolios import Portfolios
from sim.kernels.references import References
from sim.kernels.transit import Wallets
from sim.network.build import (
    desk_of,
    fill_index_rules,
    firm_rows,
    halt_rows,
    is_index_given,
    listing_seed,
    names_of,
    news_keys,
    references_of,
    share_news,
    shared_funds,
    smallest_lots,
)
from sim.network.clocks import is_slow, write_news_of
from sim.network.links import listing_rows, own_ladders
from sim.network.makers import purses_of
from sim.network.network import Couplings, Network
from sim.network.portfolios import collateral_rows, population_spec
from sim.network.watch import TRANSIT
from sim.pace import SLOW_KEY
from sim.scenario.listings import listing_specs
from sim.scenario.spec import Spec
from sim.settings.network import AssetSettings, ExchangeSettings
from sim.settings.venue import VenueSettings
from sim.snapshot import Snapshot, go_on
from sim.state import Array, State
from sim.switches import Reach, reach_of, refuse_change, refuse_past

APART = "/"  # between the name of a listing and that of its array; no listing has one in its name
BUNDLES: dict[str, Any] = {"refs": References, "wallets": Wallets, "portfolios": Portfolios, "purses": Purses}
TIES: dict[str, tuple[str, ...]] = {
    "listings": ("median", "deviation", "stale_us"),
    "wallets.firms": ("latency_us", "travel_us", "leverage"),
    "desk": ("enabled", "transfers", "leverage", "risk_multiple", "shadow_price"),
    "assets": ("smallest_lots",),
    "portfolios.collateral": ("source", "redeems", "ratio", "weight", "floor", "kept_ppm", "converts", "bound_ppm"),
}
"""Fields of what couples listings that ticks only read."""
WHOLE_TIES = (
    "refs.weights", "refs.others", "wallets.halts", "shared_fund", "portfolios.owed_micro", "purses.loadings",
    "purses.parts",
)  # fmt: skip
"""Arrays that ticks only read."""


@dataclass(frozen=True)
class NetworkSnapshot:
    """A network at one time.

    Attributes
    ----------
    listings : dict
        Name of each listing to its market.
    arrays : dict
        Of what couples them, by name, and what accounts had at the start as ``starts.<listing>``.
    record : dict
        Seeds, time and places of the looks, in plain values.
    spec : Spec
        The scenario with its listings.
    """

    listings: dict[str, Snapshot]
    arrays: dict[str, Array]
    record: dict[str, Any]
    spec: Spec

    @property
    def agents(self) -> list[dict[str, Any]]:
        """Records of the Python agents of all listings."""
        return [{"listing": name, **agent} for name, one in self.listings.items() for agent in one.agents]

    def profiles(self) -> dict[str, Any]:
        """The venues' rules, as part of what decides a result; those of the scenario's own venue apart."""
        named = {one.spec.venue: one.venue.model_dump(mode="json") for one in self.listings.values()}
        others = {name: named[name] for name in sorted(named) if name != self.spec.venue}
        return {"venue": named[self.spec.venue], **({"venues": others} if others else {})}

    def parts(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Plain values and arrays, as a file keeps them; ``of_parts`` takes them."""
        records = {name: one.record for name, one in self.listings.items()}
        arrays = dict(self.arrays)
        for name, one in self.listings.items():
            arrays |= {f"{name}{APART}{key}": array for key, array in one.arrays.items()}
        return {"market": self.record, "listings": records, **self.profiles()}, arrays

    @classmethod
    def of_parts(cls, kept: Mapping[str, Any], arrays: Mapping[str, Array], spec: Spec) -> "NetworkSnapshot":
        """The snapshot that a file keeps."""
        if list(kept["listings"]) != list(spec.listings):
            raise ValueError("its listings are not those of its scenario")
        venues = {spec.venue: kept["venue"], **kept.get("venues", {})}
        found: dict[str, dict[str, Array]] = {name: {} for name in ("", *spec.listings)}
        for key, array in arrays.items():
            head, _, name = key.rpartition(APART)
            found[head][name] = array
        listings = {
            name: Snapshot(
                found[name], kept["listings"][name], one, VenueSettings.model_validate(venues[one.venue]), {}
            )
            for name, one in listing_specs(spec).items()
        }
        return cls(listings, found[""], dict(kept["market"]), spec)


def take(network: Network) -> NetworkSnapshot:
    """Copy a network as it stands.

    Raises
    ------
    ForkError
        As ``sim.snapshot.take``, with the listing's name.
    """
    network.sync()
    listings = {}
    for (name, market), place in zip(network.markets.items(), network.places, strict=True):
        alone = replace(market.state, books=own_ladders(market.state.books, place))
        try:
            listings[name] = markets.take(market, alone)
        except ForkError as error:
            raise ForkError(f"listing {name}: {error}") from error
    watch = network.watch
    record = {
        "seed": network.seed,
        "start_seed": network.start_seed,
        "time_s": network.time,
        "next_us": watch.next_us,
        "seen": list(watch.seen),
    }
    arrays = rooms_of(network.couplings) | {"transit": np.array(watch.rows, TRANSIT)}
    arrays |= {f"starts.{name}": had.copy() for name, had in zip(listings, watch.starts, strict=True)}
    return NetworkSnapshot(listings, arrays, plain(record, "the network"), network.spec)


def rooms_of(couplings: Couplings) -> dict[str, Array]:
    """Copies of the arrays of what couples listings, by name; those of a bundle as ``<room>.<name>``."""
    found: dict[str, Array] = {}
    for field in fields(couplings):
        room = getattr(couplings, field.name)
        if isinstance(room, np.ndarray):
            found[field.name] = room.copy()
        else:
            found |= {f"{field.name}.{name}": array.copy() for name, array in room._asdict().items()}
    return found


def couplings_from(arrays: Mapping[str, Array]) -> Couplings:
    """Rooms of copies of saved arrays; a bundle becomes one again."""
    rooms: dict[str, Any] = {}
    try:
        for field in fields(Couplings):
            if bundle := BUNDLES.get(field.name):
                rooms[field.name] = bundle(*(arrays[f"{field.name}.{name}"].copy() for name in bundle._fields))
            else:
                rooms[field.name] = arrays[field.name].copy()
    except KeyError as error:
        raise ForkError(f"the array {error} of this state is missing") from None
    return Couplings(**rooms)


# --- going on -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Draft:
    """What settings make of a network before its first tick: the state of each listing (``alone``: before its makers
    were told of their purses), and its ties.
    """

    specs: dict[str, Spec]
    alone: dict[str, State]
    states: dict[str, State]
    ties: dict[str, Array]


@dataclass(frozen=True)
class Drawing:
    """Makes drafts; a listing whose settings are those of ``known`` is not made again."""

    venues: Mapping[str, VenueSettings]
    seed: int
    known: tuple[Spec, Draft] | None = None

    def draft(self, spec: Spec) -> Draft:
        """What a scenario makes."""
        specs = {
            name: population_spec(spec, one, spec.listings[name].exchange) for name, one in listing_specs(spec).items()
        }
        ties, alone = ties_of(spec, specs, self.venues, self.seed), {}
        for k, (name, one) in enumerate(specs.items()):
            given = is_index_given(ties["refs.weights"], k)
            if self.known is not None and self._is_known(spec, name, one, given):
                alone[name] = self.known[1].alone[name]
                continue
            venue = self.venues[name]
            state = state_of(one, venue, contract_of(one, venue), listing_seed(self.seed, name, k))
            share_news(spec, state, spec.listings[name].asset, self.seed)
            state.price[0]["index_given"] = given
            alone[name] = state
        states = {name: replace(state, firms=state.firms.copy()) for name, state in alone.items()}
        purses = purses_of(spec, list(states.values()), names_of(spec)["asset"])
        ties |= {f"purses.{name}": getattr(purses, name) for name in ("purse_of", "loadings", "parts")}
        return Draft(specs, alone, states, ties)

    def _is_known(self, spec: Spec, name: str, one: Spec, given: int) -> bool:
        assert self.known is not None
        old, draft = self.known
        asset = spec.listings[name].asset
        return (
            draft.specs[name] == one
            and draft.alone[name].price[0]["index_given"] == given
            and old.network.assets.get(asset) == spec.network.assets.get(asset)
            and (old.news, old.macro) == (spec.news, spec.macro)
        )


def ties_of(spec: Spec, specs: dict[str, Spec], venues: Mapping[str, VenueSettings], seed: int) -> dict[str, Array]:
    """Every array of what couples listings that settings alone decide, as ``rooms_of`` names it."""
    names = names_of(spec)
    listings = listing_rows(len(specs))
    for row, listing in zip(listings, spec.listings.values(), strict=True):
        fill_index_rules(row, spec.network.exchanges.get(listing.exchange, ExchangeSettings()))
    refs: References = references_of(spec, specs, listings, names["quote"])
    collateral, owed = collateral_rows(spec, list(specs), names["exchange"])
    assets = np.zeros(len(names["asset"]), [("smallest_lots", "i8")])
    for row, asset in zip(assets, names["asset"], strict=True):
        first = next(name for name, listing in spec.listings.items() if listing.asset == asset)
        row["smallest_lots"] = smallest_lots(spec, specs[first], contract_of(specs[first], venues[first]).lot_coin)
    return {
        "listings": listings,
        "refs.weights": refs.weights,
        "refs.others": refs.others,
        "wallets.firms": firm_rows(spec.network.bridge, seed)[1],
        "wallets.halts": halt_rows(spec.network.bridge, names["exchange"]),
        "desk": desk_of(spec),
        "assets": assets,
        "shared_fund": shared_funds(spec, names["exchange"]),
        "portfolios.collateral": collateral,
        "portfolios.owed_micro": owed,
    }


def reach_of_drafts(before: Draft, after: Draft) -> Reach:
    """What differs between two networks before their first ticks."""
    sizes, written, stuck = [], [], []
    for name, state in before.states.items():
        if after.alone[name] is not before.alone[name] or (after.states[name].firms != state.firms).any():
            part = reach_of(state, after.states[name])
            sizes += part.sizes
            written += [f"{name}{APART}{field}" for field in part.written]
            stuck += part.stuck
    for name, a in before.ties.items():
        b = after.ties[name]
        if name in WHOLE_TIES:
            written += [name] if a.shape != b.shape or (a != b).any() else []
        elif a.shape != b.shape or (name not in TIES and (a != b).any()):
            sizes.append(name)
        elif name in TIES:
            written += [f"{name}.{field}" for field in TIES[name] if (a[field] != b[field]).any()]
    if after.ties["desk"][0]["enabled"] > before.ties["desk"][0]["enabled"]:
        stuck.append("desk.enabled")
    counts = [ties["portfolios.collateral"]["source"] >= 0 for ties in (before.ties, after.ties)]
    if (counts[0] != counts[1]).any():
        stuck.append("portfolios.collateral.source")  # nobody holds it, or it could never be sold
    return Reach(list(dict.fromkeys(sizes)), written, stuck)


def resume(
    snapshot: NetworkSnapshot, spec: Spec | None = None, seed: int | None = None, classes: Iterable[type] = (),
    known: Draft | None = None,
) -> Network:  # fmt: skip
    """Make a network that goes on from a snapshot.

    Parameters and errors are those of ``sim.snapshot.resume``, ``known`` being its ``before``; listings can be neither
    added nor taken away.
    """
    old, record, classes = snapshot.spec, snapshot.record, tuple(classes)
    spec = old if spec is None else spec
    seed = record["seed"] if seed is None else seed
    venues = {name: one.venue for name, one in snapshot.listings.items()}
    refuse_past_of_all(old, spec, record["time_s"])
    before = draft(snapshot) if known is None else known
    after = before
    if spec != old:
        drawing = Drawing(venues, record["start_seed"], (old, before))
        if known is None:
            refuse_change(old, spec, record["time_s"], before, drawing.draft, reach_of_drafts)
        after = drawing.draft(spec)
    running, specs = {}, listing_specs(spec)
    for k, (name, one) in enumerate(snapshot.listings.items()):
        theirs = replace(one, spec=before.specs[name])
        own_seed = listing_seed(seed, name, k)
        states = before.states[name], after.states[name]
        places = places_of_shocks(old, spec, name, k)
        market = running[name] = go_on(theirs, after.specs[name], own_seed, classes, *states, places)
        market.spec = specs[name]
        asset = spec.listings[name].asset
        market.news_loading = spec.network.assets.get(asset, AssetSettings()).beta
        if seed != record["seed"]:
            market.state.news_keys[:] = news_keys(spec, asset, seed)
            if market.state.pace[0]["is_slow"]:
                market.state.news_keys.reshape(-1, 2)[:, 1] ^= SLOW_KEY
    couplings = couplings_from(snapshot.arrays)
    if spec != old:
        turn_ties(couplings, before.ties, after.ties)
    network = Network(spec, seed, running, couplings, names_of(spec))
    if is_slow(network):
        for name in running:
            write_news_of(network, name)
    network.start_seed = record["start_seed"]
    watch = network.watch
    watch.starts = [snapshot.arrays[f"starts.{name}"].copy() for name in running]
    watch.rows = [tuple(row) for row in snapshot.arrays["transit"].tolist()]
    watch.next_us, watch.seen = record["next_us"], (record["seen"][0], record["seen"][1])
    return network


def draft(snapshot: NetworkSnapshot) -> Draft:
    """What the settings of a snapshot make before the first tick, of its seed and venues."""
    venues = {name: one.venue for name, one in snapshot.listings.items()}
    return Drawing(venues, snapshot.record["start_seed"]).draft(snapshot.spec)


def refuse_past_of_all(old: Spec, new: Spec, time_s: float) -> None:
    """Refuse other listings, and shocks of the whole or of one listing that would change what has been."""
    if list(old.listings) != list(new.listings):
        raise ScenarioError("listings: cannot be added, taken away or put in another order at a fork")
    refuse_past(old, new, time_s)
    olds, news = listing_specs(old), listing_specs(new)
    for name in list(old.listings)[1:]:
        before, after = (
            one.model_copy(update={"shocks": one.shocks[: len(spec.listings[name].shocks)]})
            for one, spec in ((olds[name], old), (news[name], new))
        )
        try:
            refuse_past(before, after, time_s)
        except ScenarioError as error:
            raise ScenarioError([f"listings.{name}.{problem}" for problem in error.problems]) from None


def places_of_shocks(old: Spec, new: Spec, name: str, k: int) -> list[int]:
    """Where each old shock of a listing stands now: its own come first, then news of the whole (``listing_specs``)."""
    own_old, own_new = (len(spec.listings[name].shocks) if k else 0 for spec in (old, new))
    n_news = sum(shock.kind == "news_move" for shock in old.shocks) if k else len(old.shocks)
    return [*range(own_old), *range(own_new, own_new + n_news)]


def turn_ties(couplings: Couplings, before: Mapping[str, Array], after: Mapping[str, Array]) -> None:
    """Write each value that differs; portfolios whose collateral or limits change are looked at anew."""
    for name in WHOLE_TIES:
        a, b = before[name], after[name]
        if a.shape != b.shape or (a != b).any():
            room, _, part = name.partition(".")
            whole = getattr(couplings, room)
            setattr(couplings, room, whole._replace(**{part: b.copy()}) if part else b.copy())
    for name, columns in TIES.items():
        room, _, part = name.partition(".")
        rows = getattr(getattr(couplings, room), part) if part else getattr(couplings, room)
        for column in columns:
            a, b = before[name][column], after[name][column]
            rows[column] = np.where(a != b, b, rows[column])
    if any((before[name] != after[name]).any() for name in before if name.startswith("portfolios.")):
        couplings.portfolios.all["due"] = couplings.portfolios.blocks["due"] = -1.0
