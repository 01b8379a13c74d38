"""The tables of the report, as plain rows of text; the template escapes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, TypeAdapter

from sim.metrics.price import NEWS_GAP, NEWS_LAG_S, seconds_behind_news
from sim.report import words
from sim.report.scorecard import is_calm
from sim.results import Run
from sim.results.summary import clock_text, over_seeds
from sim.scenario.spec import Spec
from sim.settings.fields import field_extra


class Headline(NamedTuple):
    """One number of the head: median over seeds, range, and over how many seeds."""

    name: str
    median: str
    spread: str


DEEP_FALL = 0.10
"""Shallow end of the band accepted for the recorded fall (EVENT.md F1); a count, not a rule for what a cascade is."""

_HEAD: tuple[tuple[str, str, str], ...] = (
    ("min_mark_usd", "lowest mark", "price"),
    ("low_after_s", "time of the low (UTC)", "clock"),
    ("drop_from_start", "drop from the start", "fraction"),
    ("drop_from_2049", "drop from 20:49, before the headline", "fraction"),
    ("forced_sell_usd", "longs liquidated through the book", "USD"),
    ("forced_buy_usd", "shorts liquidated through the book", "USD"),
    ("forced_share_of_oi", "liquidated through the book, share of open interest", "fraction"),
    ("n_liquidated", "accounts liquidated", "count"),
    ("chosen_btc", "closed by stops, take-profits and panic", "BTC"),
    ("oi_change", "open interest, change over the run", "fraction"),
    ("fund_change_usd", "insurance fund, end less start", "USD"),
    ("adl_btc", "closed against traders in profit (ADL)", "BTC"),
    ("depth_bid_1pct_at_low_usd", "perp bids within 1 % of mid, at the low", "USD"),
    ("depth_ask_1pct_at_low_usd", "perp asks within 1 % of mid, at the low", "USD"),
    ("return_sd_1min", "one-minute return, standard deviation", "fraction"),
    ("spread_median_bp", "perp spread, median", "bp"),
    ("messages", "messages that reached a book", "messages"),
)


FEWEST_FOR_MEDIAN = 10
"""A median of one kind of outcome is shown from this many seeds on (MODEL.md R10)."""


def headlines(runs: Sequence[Run]) -> list[Headline]:
    """Head of the report: how many seeds end in which kind of outcome, then medians with the range over seeds."""
    numbers = over_seeds([run.summary for run in runs])
    rows = _kinds(runs) if len(runs) > 1 else []
    for key, name, kind in _HEAD:
        q = numbers.get(key)
        if q is None or q["n"] == 0:
            continue
        low, middle, high = (_shown(q[k], kind, runs[0].spec) for k in ("min", "median", "max"))
        count = f"n = {int(q['n'])}"
        rows.append(Headline(name, middle, f"{low} to {high}, {count}" if len(runs) > 1 else "one seed"))
    return rows


def _kinds(runs: Sequence[Run]) -> list[Headline]:
    """Share of seeds with a deep fall, and the fall of either kind: of two kinds one median describes neither."""
    deep = [run for run in runs if run.summary["max_drawdown"] <= -DEEP_FALL]
    rest = [run for run in runs if run.summary["max_drawdown"] > -DEEP_FALL]
    limit = f"{100 * DEEP_FALL:g} %"
    share = f"{len(deep)} of {len(runs)}"
    rows = [
        Headline(
            f"share of seeds that fall by {limit} or more", share, "deepest fall of the mark from a running maximum"
        )
    ]
    for kind, part in ((f"that fall by {limit} or more", deep), (f"that fall by less than {limit}", rest)):
        if deep and rest:
            falls = np.array([run.summary["max_drawdown"] for run in part])
            low, high = (words.amount(float(x), "fraction") for x in (falls.min(), falls.max()))
            middle = (
                words.amount(float(np.median(falls)), "fraction")
                if len(part) >= FEWEST_FOR_MEDIAN
                else f"{low} to {high}"
            )
            rows.append(Headline(f"deepest fall, the seeds {kind}", middle, f"{low} to {high}, n = {len(part)}"))
    return rows


def runaway(runs: Sequence[Run]) -> str:
    """Warning for the head of the page when the insurance fund is used up in some seed; empty when in none."""
    gone = [run for run in runs if run.summary["fund_least_usd"] < 0]
    if not gone:
        return ""
    first_s = min(float(run.series["elapsed_s"].to_numpy()[run.series["fund_usd"].to_numpy() < 0][0]) for run in gone)
    first = (clock_text(runs[0].spec.start_utc, first_s) or "")[11:19]
    loss = (
        "further losses are closed against traders in profit or stay as a deficit"
        if runs[0].spec.clearing.adl
        else "further losses stay as a deficit, because deleveraging is switched off"
    )
    return (
        f"In {len(gone)} of {len(runs)} seeds the insurance fund is used up (first at {first} UTC). From there on "
        f"{loss}, and little stops a fall: what makers, the latent layer and the dip buyers still hold in cash. "
        "That such a fall starts is an outcome; how deep it ends is not, and is no result."
    )


def behind_news(runs: Sequence[Run]) -> str:
    """Warning for the head of the page when the price lags the news by more than 2% for over a minute in some seed."""
    lag_s = []
    for run in runs:
        time_s, mark, value = (run.series[name].to_numpy() for name in ("elapsed_s", "mark_usd", "value_usd"))
        lag_s.append(seconds_behind_news(time_s, mark, value, NEWS_GAP))
    slow = [seconds for seconds in lag_s if seconds > NEWS_LAG_S]
    if not slow:
        return ""
    return (
        f"In {len(slow)} of {len(runs)} seeds the price stays more than 2 % behind the news, for up to "
        f"{max(slow) / 60.0:,.0f} minutes. Those who know the news have sold or bought what they may hold, and who "
        "trades without it stands in the way: faster news than about 5 % in ten minutes is beyond what this version "
        "can pass on. The size of such a fall or rise is no result; docs/limits.md says more."
    )


def warnings(runs: Sequence[Run]) -> list[str]:
    """What a reader must know before the numbers, at the head of the page and under the table of the command line."""
    return [said for said in (runaway(runs), behind_news(runs)) if said]


def tells_cascades(runs: Sequence[Run]) -> bool:
    """Whether the page says where the share of seeds that cascade is to be had: several seeds, hit by something."""
    return len(runs) > 1 and runs[0].spec.leveraged.enabled and not is_calm(runs[0].spec)


def _shown(value: float, kind: str, spec: Spec) -> str:
    if kind == "price":
        return words.price(value)
    if kind == "clock":
        text = clock_text(spec.start_utc, value) or "none"
        return text[11:19] if spec.duration <= 86400 else text[:19].replace("T", " ")
    return words.amount(value, kind)


class Parameter(NamedTuple):
    """One setting with its provenance."""

    name: str
    value: str
    default: str
    provenance: str
    source: str
    meaning: str


def parameters(settings: BaseModel, prefix: str = "") -> Iterator[Parameter]:
    """Every setting of a model, groups flattened to dotted names; ``default`` is empty when the default stands."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from parameters(value, f"{prefix}{name}.")
            continue
        extra = field_extra(type(settings), name)
        unit, source = str(extra.get("unit", "")), str(extra.get("source", ""))
        default = value if field.is_required() else _default(type(settings), name)
        changed = default != value
        yield Parameter(
            f"{prefix}{name}",
            _text(value, unit),
            _text(default, unit) if changed else "",
            "scenario" if changed else str(extra.get("provenance", "")),
            f"set in the scenario; source of the default: {source}"
            if changed and extra.get("provenance") != "scenario"
            else source,
            field.description or "",
        )


@cache
def _default(model: type[BaseModel], name: str) -> Any:
    """Default of a field in memory units: read as the model itself reads it, without the checks across fields."""
    field = model.model_fields[name]
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return TypeAdapter(kind).validate_python(field.get_default(call_default_factory=True))


def _text(value: Any, unit: str) -> str:
    if isinstance(value, BaseModel):
        model = type(value)
        return ", ".join(
            f"{name} {_text(getattr(value, name), str(field_extra(model, name).get('unit', '')))}"
            for name in model.model_fields
        )
    if isinstance(value, (list, tuple)):
        return "; ".join(_text(v, unit) for v in value) or "none"
    return words.setting_text(value, unit)


def hash_rows(runs: Sequence[Run]) -> list[tuple[str, str, str]]:
    """Seed, array and SHA-256 of every result array."""
    return [(str(run.seed), name, digest) for run in runs for name, digest in sorted(run.hashes.items())]


def notebook_table(runs: Sequence[Run], run_id: str) -> str:
    """Small HTML table for a notebook: the head of the report."""
    rows = "".join(
        f"<tr><th>{escape(h.name)}</th><td>{escape(h.median)}</td><td>{escape(h.spread)}</td></tr>"
        for h in headlines(runs)
    )
    n = len(runs)
    title = escape(words.plain_text(runs[0].spec.title))
    seeds = f"{n} seed{'s' if n > 1 else ''}"
    caption = f"{title}: run {escape(run_id)}, {seeds}; scenario outcome given this model, not a forecast"
    return f"<table><caption>{caption}</caption>{rows}</table>"
