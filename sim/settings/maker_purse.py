"""Market makers whose firms quote several listings out of one purse."""

from typing import Annotated

from pydantic import Field

from sim.settings.bridge import Id
from sim.settings.fields import Settings, setting
from sim.settings.quantities import Flag


class PurseSettings(Settings):
    """Exchanges on which the first maker firm of every listing is one firm, the second another, and so on."""

    exchanges: Annotated[tuple[Id, ...], Field(min_length=1)] = setting(
        ...,
        unit="list of exchanges",
        provenance="scenario",
        source="MODEL.md 4.1: a firm has one capital and one inventory over venues, and balances on each",
        note=(
            "Where the firms quote: the i-th of each listing there is one and the same; its capital is the sum of what "
            "it has in each."
        ),
    )
    capital: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="MODEL.md 4.1: firms pull after a loss of capital, wherever it was made",
        note="Losses in any listing make the firm show less in all; false: each listing has capital of its own.",
    )
    inventory: Flag = setting(
        True,
        unit="",
        provenance="scenario",
        source="MODEL.md 4.1: quotes answer to inventory summed over venues",
        note="Skew and limit answer to the inventory of all listings, by shared risk; false: to that of each alone.",
    )
