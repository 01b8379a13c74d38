"""A stand-in for the sweep of ``amplify`` whose thresholds are known."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from sim.experiments.depth_grid import ANSWER, MOST_SEEDS, Cell, Found, Question
from sim.experiments.shock_axis import news_axis
from sim.experiments.sweep import Tally
from sim.results.manifest import text_hash
from sim.runner import load


class Planted:
    """Stands in for the sweep: thresholds are log-normal, a power of depth, and the same seed has the same luck."""

    made: list[tuple[int, list[int]]] = []
    ran: list[tuple[Cell, int]] = []
    fuelled = False

    def __init__(self, question: Question, out: Path) -> None:
        self.question, self.folder = question, out / "amplify-planted-0123456789ab"
        self.base = load(question.scenario, set={"leveraged.enabled": Planted.fuelled, "leveraged.accounts": 200}).spec
        self.axis, self.place = news_axis(self.base), self.folder / ANSWER
        self.tally = Tally(0, 0)
        self.asked: dict[Cell, list[int]] = {}
        self.points: dict[Cell, str] = {}
        self.known: dict[tuple[str, int], dict[str, Any]] = {}
        self.given = load(question.scenario)

    def settle(self, cells: list[Cell]) -> None:
        assert cells

    def point(self, cell: Cell) -> str:
        return text_hash([self.question.scenario, *cell])[:16]

    def ask(self, cell: Cell, seeds: list[int], point: str) -> None:
        there = self.asked.setdefault(cell, [])
        there += sorted(set(seeds) - set(there))
        self.points[cell] = point

    def again(self, cells: dict[tuple[str, int], Cell], **_how: Any) -> dict[tuple[str, int], dict[str, Any]]:
        return {key: self.row(cell, key[1]) for key, cell in cells.items()}

    def make(self, wanted: list[tuple[list[Cell], list[int]]], **_how: Any) -> None:
        for cells, seeds in wanted:
            for cell in cells:
                self.ask(cell, seeds, self.point(cell))
            Planted.made.append((len(cells), list(seeds)))
            Planted.ran += [(c, s) for c in cells for s in seeds if (self.point(c), s) not in self.known]

    def at_depth(self, layer: str, depth: float) -> Any:
        return load("calm_btc", set={"leveraged.accounts": 2000})

    def found(self) -> dict[tuple[str, float], Found]:
        lines: dict[tuple[str, float], dict[float, dict[int, dict[str, Any]]]] = {}
        for cell, seeds in self.asked.items():
            rows = {seed: self.known.get((self.points[cell], seed)) or self.row(cell, seed) for seed in seeds}
            lines.setdefault((cell.layer, cell.depth), {})[cell.size] = rows
        return {key: Found(*key, sizes) for key, sizes in lines.items()}

    def row(self, cell: Cell, seed: int) -> dict[str, Any]:
        """What the run of a cell would say."""
        luck = np.random.default_rng([seed, 5]).standard_normal()
        hit = -cell.size > 0.08 * cell.depth**0.3 * math.exp(0.15 * luck)
        fall = -math.log1p(cell.size) * (3.0 if hit else 1.05)
        whole = {"fall": fall, "base_fall": -math.log1p(cell.size)}
        told = whole if seed <= MOST_SEEDS else {"fall": None, "base_fall": None}
        return {"second_round": 0.3 if hit else 0.0, "crowding": 50.0 / cell.depth, **told}
