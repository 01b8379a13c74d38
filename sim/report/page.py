"""The report: one self-contained HTML page without scripts or remote parts, its one style declared by hash."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from sim.metrics.facts import PASS_SHARE
from sim.report import (
    closes,
    figures,
    forced,
    heatmap,
    markets_page,
    positions,
    rounds,
    scorecard,
    style,
    stylised,
    tables,
    words,
)
from sim.report.new_york import new_york
from sim.report.recorded import Recorded, load_recorded
from sim.report.sheet import Section
from sim.results import Run, manifest
from sim.venues.profile import load_profile

_ABOUT = {
    "price": ("Price", "Simulated mark price beside the news value, which is an input{}."),
    "depth": ("Depth", "What rests near the price in the perp book{}."),
    "liquidations": (
        "Liquidations",
        "Forced orders that traded through the book; takeovers and deleveraging are in the next figure. An exchange "
        "that publishes at most one order a second and symbol shows less than there was.",
    ),
    "rounds": (
        "First round and after",
        "What the fall forced, beside the longs whose liquidation price the mark has passed and those that the news "
        "would have passed by itself. What is forced beyond the dashed line is due to a fall beyond that of the news.",
    ),
    "closes": (
        "Open interest and closes",
        "Positions that leveraged accounts gave up: by force, and by their own stops, take-profits and panic. A "
        "takeover hands the position to the insurance fund and leaves open interest as it is.",
    ),
    "fuel": (
        "Fuel and floor",
        "What a fall would force to sell, beside what bids at the start would buy. Where fuel outgrows floor, the book "
        "of the start could not take it; what is posted later, and latent demand, are not in the floor.",
    ),
    "who": (
        "Who was forced",
        "Coins liquidated, through the book, by takeover or by deleveraging, as a share of what each group of longs "
        "held at the start.",
    ),
    "positions": (
        "Who took the other side",
        "Coins that each kind of participant gained or gave up; background flow and leveraged accounts are left out.",
    ),
    "venue": (
        "Fund, deleveraging and funding",
        "Equity of the venue's insurance fund; positions it could not bear, closed against traders in profit; the rate "
        "that longs and shorts pay each other. What did not move in this run is not drawn.",
    ),
    "book": ("Order book", "Bids below the price line, asks above it; brighter is thicker."),
    "flow": ("Spread and message rate", "How wide the perp book is, and how many messages reach the books."),
}


def draw(runs: Sequence[Run], run_id: str, recorded: Recorded | None) -> dict[str, Figure]:
    """All figures by name; the order is that of the page."""
    drawn: dict[str, Figure | None] = {
        "price": figures.price_figure(runs, run_id, recorded),
        "depth": figures.depth_figure(runs, run_id, recorded),
        "liquidations": figures.liquidation_figure(runs, run_id),
        "closes": closes.closes_figure(runs, run_id),
        "rounds": rounds.rounds_figure(runs, run_id),
        "fuel": forced.fuel_figure(runs, run_id),
        "who": forced.who_figure(runs, run_id),
        "positions": positions.positions_figure(runs, run_id),
        "venue": positions.venue_figure(runs, run_id),
        "book": heatmap.book_figure(runs, run_id),
        "flow": figures.flow_figure(runs, run_id),
    }
    return {name: figure for name, figure in drawn.items() if figure is not None}


def page_files(runs: Sequence[Run], run_id: str) -> dict[str, bytes]:
    """Bytes of ``report.html`` and of ``figures/<name>.svg``; the same runs give the same bytes.

    Parameters
    ----------
    runs : sequence of Run
        Seeds of one scenario.
    run_id : str
        Shown on the page and on every figure.
    """
    recorded = load_recorded(runs[0].spec)
    images = {
        name: style.svg_bytes(figure, f"{run_id}-{name}") for name, figure in draw(runs, run_id, recorded).items()
    }
    sections = markets_page.sections(runs, run_id, recorded)
    out = {f"figures/{name}.svg": data for name, data in images.items()}
    out |= {f"figures/{_file_name(part.heading)}.svg": part.svg for part in sections if part.svg}
    return out | {"report.html": render(runs, run_id, recorded, images, sections).encode()}


def _file_name(heading: str) -> str:
    """First words of a heading as a file name."""
    return "all_" + "_".join(re.findall(r"[a-z]+", heading.lower())[:3])


def write_page(runs: Sequence[Run], run_id: str, path: str | Path) -> Path:
    """Write the page alone to ``path`` and return it."""
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(page_files(runs, run_id)["report.html"])
    return place


def render(
    runs: Sequence[Run], run_id: str, recorded: Recorded | None, images: dict[str, bytes],
    sections: Sequence[Section] = (),
) -> str:  # fmt: skip
    """HTML text of the page; every string of a user passes the template's escaping."""
    spec, origin = runs[0].spec, runs[0].origin
    card = scorecard.Scorecard(runs, recorded)
    css = files("sim.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    text: str = _template().render(
        title=words.plain_text(spec.title),
        description=words.plain_text(spec.description),
        name=spec.name,
        run_id=run_id,
        seeds=[run.seed for run in runs],
        start=f"{spec.start_utc:%Y-%m-%d %H:%M:%S}",
        length=words.duration(spec.duration),
        css=css,
        css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
        headlines=tables.headlines(runs),
        warnings=tables.warnings(runs),
        cascade=rounds.sentences(runs),
        minutes=rounds.minutes(runs),
        figures=[(*_about(name, recorded), base64.b64encode(data).decode()) for name, data in images.items()],
        markets=[(part, base64.b64encode(part.svg).decode()) for part in sections],
        first=next(iter(spec.listings), "") if sections else "",
        score=card.sentences(),
        scored=card.rows(scorecard.FLASH, scorecard.BEFORE),
        later=card.rows(scorecard.AFTER),
        recorded=recorded.name if recorded is not None else "",
        parameters=list(tables.parameters(spec)),
        venue=spec.venue,
        venue_parameters=list(tables.parameters(load_profile(spec.venue))),
        overrides=[words.plain_text(o) for o in origin.overrides],
        facts=stylised.rows(stylised.facts_of(runs)),
        pass_share=f"{100 * PASS_SHARE:g} %",
        tells_cascades=tables.tells_cascades(runs),
        limits=(*(words.LIMITS_OF_LISTINGS if sections else words.LIMITS), *new_york(spec)),
        hashes=tables.hash_rows(runs),
        tool=origin.code["tool"],
        kernel=origin.code["kernel_sha256"],
        resolved=manifest.text_hash(origin.resolved),
        packages=origin.code["packages"],
    )
    return text


def _about(name: str, recorded: Recorded | None) -> tuple[str, str]:
    """Heading and caption of a figure; with a record it says what is drawn beside the outcome."""
    beside = {
        "price": ", and the recorded mark minute by minute",
        "depth": ": in dollars, then as shares beside the record",
    }
    heading, about = _ABOUT[name]
    return heading, about.format(beside.get(name, "") if recorded is not None else "")


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("sim.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
