"""A market of minutes with a fall of 6 %, and a book of lines in it."""

from typing import Any

from sim.risk.lines import Line, checked
from sim.runner import Scenario, load

FALL = {"kind": "news_move", "at": "120s", "over": "60s", "move": "-6%"}
SMALL = {"duration": "6min", "leveraged.accounts": 500, "news.noise_per_day": 0.2}


def market(*shocks: dict[str, Any], **more: Any) -> Scenario:
    return load("calm_btc", set={**SMALL, "shocks": list(shocks) or [FALL], **more})


def lines(scenario: Scenario, *given: Line) -> list[Line]:
    return [checked(line, scenario.spec) for line in given]
