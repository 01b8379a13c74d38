"""Money and coins that value buyers and sellers bring in over days, and positions that nobody carries so long."""

from typing import ClassVar

from sim.settings.fields import Settings, setting
from sim.settings.quantities import Duration, Flag, Fraction, Number


class FreshMoneySettings(Settings):
    """Cash of dip buyers and of the latent layers, and coins of the latter, go back toward what they were; positions of
    those whom the model has as one are closed against each other.
    """

    at_start: ClassVar[frozenset[str]] = frozenset()
    """Settings that are read at the start alone: none."""

    enabled: Flag = setting(
        False,
        unit="",
        provenance="judgement",
        source="own judgement: within the hours of a crash it would bring 1%, and results without it are known",
        note="true lets fresh money come in; for runs of days.",
    )
    a_day: Fraction = setting(
        "5%",
        unit="1/day",
        provenance="sourced",
        source="MODEL.md 4.2: the finite cash of the latent layer is replenished by 5% a day",
        note="Rate at which what is missing comes in, of what is missing.",
        at_least=0.0,
        at_most=100.0,
    )
    closed_a_day: Number = setting(
        0.0,
        unit="1/day",
        provenance="judgement",
        source=(
            "own judgement: 0 within hours; about 1 in runs of days, since a venue of this size trades its whole open "
            "interest in less than a day (`market.perp_daily_volume` over `market.open_interest`: 1.4 a day)"
        ),
        note=(
            "Rate at which perp positions of the background, of the latent layer and of dip buyers are closed against "
            "each other at mark, beside the book; at 0 they are held to the end."
        ),
        at_least=0.0,
        at_most=100.0,
    )
    every: Duration = setting(
        "1h",
        unit="s",
        provenance="judgement",
        source="own judgement: often enough that no single arrival shows",
        note="Time between two arrivals; changes the sums of a day by less than `a_day` squared.",
        at_least=60.0,
        at_most=86400.0,
    )
