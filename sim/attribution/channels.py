"""Channels as physical switches: what each changes in a scenario where it is off, and where it has nothing to act on.

A channel that is on leaves the scenario as it is. One that is off changes settings before the fork, after it, or both.
Definitions: MODEL.md 5.3 with R18; depth as DECISIONS 20 scales it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sim.errors import ScenarioError
from sim.scenario.spec import Spec
from sim.settings.attribution import CHANNELS, OwnChannel

LAYERS = ("depth_scale_visible", "depth_scale_latent", "depth_scale_refill")
SHARES = ("bid_depth_share", "ask_depth_share")


@dataclass(frozen=True)
class Channel:
    """One channel.

    Attributes
    ----------
    name, title : str
    off : str
        What is different where it is off, in words.
    before, after : mapping
        Dotted path to value: what changes up to the fork, and from the fork on.
    """

    name: str
    title: str
    off: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


Offer = Channel | str
"""A channel, or the sentence that says why this scenario has none."""


def channels_of(spec: Spec, wanted: tuple[str, ...] = ()) -> list[Channel]:
    """The channels that are told apart.

    Parameters
    ----------
    spec : Spec
    wanted : tuple of str
        Names; those of ``spec.attribution`` when empty, and all that the scenario has when that is empty too.

    Raises
    ------
    ScenarioError
        One sentence for each that is unknown or has nothing to act on, or when two would change one setting.
    """
    names = wanted or spec.attribution.channels
    offers = offers_of(spec)
    if unknown := [name for name in names if name not in offers]:
        raise ScenarioError([f"no channel {name!r}: there is {', '.join(offers)}" for name in unknown])
    if repeated := [name for k, name in enumerate(names) if name in names[:k]]:
        raise ScenarioError(f"channel {repeated[0]!r} is named twice: name it once")
    if missing := [f"{name}: {offers[name]}" for name in names if isinstance(offers[name], str)]:
        raise ScenarioError(missing)
    found = [one for name in names or offers if isinstance(one := offers[name], Channel)]
    _refuse_shared(found)
    return found


def offers_of(spec: Spec) -> dict[str, Offer]:
    """Every channel by name, or why the scenario has none of that kind."""
    offers = {name: _KNOWN[name](spec) for name in CHANNELS}
    return offers | {own.name: _own(own, spec) for own in spec.attribution.own}


def _refuse_shared(found: list[Channel]) -> None:
    for part in ("before", "after"):
        holders: dict[str, str] = {}
        for channel in found:
            for path in getattr(channel, part):
                other = next((p for p in holders if _overlap(p, path)), None)
                if other is not None:
                    raise ScenarioError(
                        f"channels {holders[other]} and {channel.name} both change {path}: what is off then would hang "
                        "on their order; leave one of them out"
                    )
            holders |= dict.fromkeys(getattr(channel, part), channel.name)


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.")


def _own(own: OwnChannel, spec: Spec) -> Offer:
    changes = dict(own.off)
    before = changes if own.acts in ("before", "always") else {}
    after = changes if own.acts in ("after", "always") else {}
    return Channel(
        own.name, own.title, ", ".join(f"{path} = {value}" for path, value in changes.items()), before, after
    )


def _depth(spec: Spec) -> Offer:
    times = spec.attribution.deeper
    changes = {f"market.{layer}": getattr(spec.market, layer) * times for layer in LAYERS}
    for name, listing in spec.listings.items():
        own = {layer: listing.market[layer] for layer in LAYERS if layer in listing.market}
        changes |= {f"listings.{name}.market.{layer}": float(value) * times for layer, value in own.items()}
    off = f"visible, latent and refill depth at {times:g} times the scenario's"
    return Channel("depth", "structural depth", off, changes, changes)


def _early_withdrawal(spec: Spec) -> Offer:
    shares: dict[str, Any] = {f"market.{s}": 1.0 for s in SHARES if getattr(spec.market, s) < 1.0}
    for name, listing in spec.listings.items():
        shares |= {f"listings.{name}.market.{s}": 1.0 for s in SHARES if _number(listing.market.get(s, 1.0)) < 1.0}
    stays = {"market_maker.withdrawal": False} if spec.market_maker.withdrawal else {}
    if not shares and not stays:
        return "makers have withdrawn nothing before the fork: depth shares are 100 % and withdrawal is off"
    off = "depth shares at 100 %, and makers quote through everything up to the fork"
    return Channel("early_withdrawal", "withdrawal before the headline", off, {**shares, **stays}, shares)


def _number(value: Any) -> float:
    text = str(value).strip()
    return float(text.removesuffix("%")) / 100.0 if text.endswith("%") else float(text)


def _withdrawal(spec: Spec) -> Offer:
    off = "makers quote through everything from the fork on"
    return _switch(
        spec, "withdrawal", "withdrawal in the cascade", off, "market_maker.withdrawal", "makers do not withdraw"
    )


def _leverage(spec: Spec) -> Offer:
    off = "no account is liquidated and none closes of its own accord: positions are frozen from the fork on"
    return _switch(spec, "leverage", "liquidations", off, "leveraged.enabled", "no account is leveraged")


def _adl(spec: Spec) -> Offer:
    if not spec.leveraged.enabled:
        return "nobody is liquidated in this scenario, so nobody is deleveraged"
    off = "funds take over every insolvent account whatever it costs: their deficit is without limit"
    return _switch(spec, "adl", "auto-deleveraging", off, "clearing.adl", "deleveraging is off")


def _collateral(spec: Spec) -> Offer:
    changes: dict[str, Any] = {}
    for exchange, portfolio in spec.network.portfolios.items() if spec.listings else ():
        coins = [coin.model_dump(mode="json") for coin in portfolio.collateral]
        if any(coin["source"] == "own_book" for coin in coins):
            valued = [c | {"source": "redemption"} if c["source"] == "own_book" else c for c in coins]
            changes[f"network.portfolios.{exchange}.collateral"] = valued
    if not changes:
        return "no coin counts as margin at the price of its own book in this scenario"
    off = "coins that count as margin are valued by what their issuers pay, not by their own books"
    return Channel("collateral", "marking of collateral", off, {}, changes)


def _transfers(spec: Spec) -> Offer:
    changes: dict[str, Any] = {}
    if spec.listings and spec.network.bridge.enabled and spec.network.bridge.halts:
        changes["network.bridge.halts"] = []
    if not spec.arbitrage.transfers_open:
        changes["arbitrage.transfers_open"] = True
    if any(shock.kind == "transfer_halt" for shock in spec.shocks):
        kept = [shock.model_dump(mode="json") for shock in spec.shocks if shock.kind != "transfer_halt"]
        changes["shocks"] = kept
    if not changes:
        return "no transfer is halted in this scenario"
    return Channel("transfers", "halted transfers", "transfers are open throughout", {}, changes)


def _etf(spec: Spec) -> Offer:
    off = "funds neither create, redeem nor trade from the fork on"
    return _switch(spec, "etf", "spot funds", off, "etf.enabled", "no fund in this scenario")


def _dat(spec: Spec) -> Offer:
    off = "companies neither issue, buy nor sell from the fork on"
    return _switch(spec, "dat", "companies that hold coins", off, "dat.enabled", "no company in this scenario")


def _holders(spec: Spec) -> Offer:
    off = "holders spend nothing beyond what their account did up to the fork"
    return _switch(spec, "holders", "holders of coins", off, "holders.enabled", "no holder in this scenario")


def _lending(spec: Spec) -> Offer:
    off = "nobody calls a loan and no collateral is sold from the fork on"
    return _switch(
        spec, "lending", "loans against the coin", off, "lending.enabled", "no lending desk in this scenario"
    )


def _trend(spec: Spec) -> Offer:
    if spec.trend.funds == 0:
        return "no trend follower in this scenario"
    off = "trend followers keep the position that they have at the fork"
    return _switch(spec, "trend", "trend followers", off, "trend.enabled", "no trend follower in this scenario")


def _switch(spec: Spec, name: str, title: str, off: str, path: str, why_not: str) -> Offer:
    """A flag of the scenario that goes off at the fork, in every listing that states it too."""
    group, flag = path.split(".")
    changes: dict[str, Any] = {path: False} if getattr(getattr(spec, group), flag) else {}
    for listing, one in spec.listings.items():
        if getattr(one, group, {}).get(flag, False):
            changes[f"listings.{listing}.{path}"] = False
    return Channel(name, title, off, {}, changes) if changes else why_not


_KNOWN: dict[str, Callable[[Spec], Offer]] = {
    "depth": _depth, "early_withdrawal": _early_withdrawal, "withdrawal": _withdrawal, "leverage": _leverage,
    "adl": _adl, "collateral": _collateral, "transfers": _transfers,
    "lending": _lending, "etf": _etf, "dat": _dat, "holders": _holders, "trend": _trend,
}  # fmt: skip
