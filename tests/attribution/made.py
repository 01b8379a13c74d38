"""A small market that falls: a whole attribution of it takes seconds."""

from pathlib import Path

from sim.attribution.attribute import attribute
from sim.attribution.question import Question
from sim.scenario.write import yaml_text
from tests.experiments.inline import inline
from tests.market.small import BASE, merged

FALL = {
    "name": "falls",
    "title": "a small market that falls",
    "duration": "4min",
    "venue": "cex_a",
    "market": {"price": "$100000", "open_interest": "200 BTC", "bid_depth_share": "70%"},
    "market_maker": {"withdrawal": True},
    "shocks": [{"kind": "news_move", "at": "60s", "over": "30s", "move": "-6%"}],
    "attribution": {"at": "50s", "horizon": "2min"},
}


def written(place: Path, **over) -> Path:
    """The scenario as a file."""
    path = place / "falls.yaml"
    path.write_text(yaml_text(merged(merged(BASE, FALL), over)))
    return path


def question(place: Path, channels: str = "", **more) -> Question:
    """A question of it."""
    names = tuple(filter(None, channels.split(",")))
    return Question(str(written(place, **more.pop("over", {}))), channels=names, **{"seeds": 3, **more})


def ask(place: Path, channels: str = "", stop: int | None = None, **more):
    """Its answer, made in this process."""
    told = more.pop("told", None)
    return attribute(question(place, channels, **more), place / "out", told=told, lanes=lambda: [inline(stop)])
