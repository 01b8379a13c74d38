"""An attribution as tidy tables: a row a worth and channel, a row a coalition, a row a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.attribution.answer import WORTHS, Answer, Told, over_seeds
from sim.attribution.question import names_of

if TYPE_CHECKING:
    import pandas as pd

_UNIT = "as unit"
CHANNELS: dict[str, tuple[str, str]] = {
    "worth": ("", "trough, cascade or forced: what is shared among the channels"),
    "unit": ("", "unit of every number of the row that says so"),
    "channel": ("", "name of the channel"),
    "title": ("", "what it is"),
    "off": ("", "what is different where it is off"),
    "shapley": (_UNIT, "mean contribution over all orders in which channels may be switched on"),
    "se": (_UNIT, "its standard error, bootstrap over seeds"),
    "low": (_UNIT, "lower end of its 95 % interval, percentiles of that bootstrap"),
    "high": (_UNIT, "upper end"),
    "order_se": (_UNIT, "standard error from drawing orders; empty where all coalitions were run"),
    "share": ("fraction", "shapley over v(all) - v(none); empty where that is 0"),
    "first": (_UNIT, "what the channel does where all others are off"),
    "first_se": (_UNIT, "its standard error"),
    "last": (_UNIT, "what it does where all others are on"),
    "last_se": (_UNIT, "its standard error"),
    "as_interval": ("", "first and last differ by more than the share: read the interval, not the share"),
    "order_low": (_UNIT, "smallest of shapley, first and last"),
    "order_high": (_UNIT, "largest of the three"),
    "seeds": ("count", "seeds that ended well in every coalition"),
}
COALITIONS: dict[str, tuple[str, str]] = {
    "on": ("", "channels that are on"),
    "size": ("count", "how many"),
    "worth": CHANNELS["worth"],
    "unit": CHANNELS["unit"],
    "value": (_UNIT, "median or mean over seeds"),
    "se": (_UNIT, "its standard error, bootstrap over seeds"),
    "seeds": CHANNELS["seeds"],
}
PAIRS: dict[str, tuple[str, str]] = {
    "worth": CHANNELS["worth"],
    "unit": CHANNELS["unit"],
    "a": ("", "one channel"),
    "b": ("", "the other"),
    "joint": (_UNIT, "order-2 Shapley-Taylor index: what the two do together beyond what each does alone"),
    "se": (_UNIT, "its standard error, bootstrap over seeds"),
    "low": (_UNIT, "lower end of its 95 % interval"),
    "high": (_UNIT, "upper end"),
}


def channels_frame(answer: Answer) -> pd.DataFrame:
    """One row a worth and channel; columns as ``CHANNELS``."""
    import pandas as pd

    rows = []
    for worth in WORTHS:
        whole = answer.whole[worth.name][2].value
        for channel, part in zip(answer.layout.channels, answer.parts[worth.name], strict=True):
            low, high = part.reach
            rows.append(
                {
                    "worth": worth.name,
                    "unit": worth.unit,
                    "channel": channel.name,
                    "title": channel.title,
                    "off": channel.off,
                    **_told("shapley", part.share),
                    "order_se": part.order_se,
                    "share": part.share.value / whole if whole else float("nan"),
                    "first": part.first.value,
                    "first_se": part.first.se,
                    "last": part.last.value,
                    "last_se": part.last.se,
                    "as_interval": part.as_interval,
                    "order_low": low,
                    "order_high": high,
                    "seeds": len(answer.seeds),
                }
            )
    return pd.DataFrame(rows, columns=list(CHANNELS))


def coalitions_frame(answer: Answer) -> pd.DataFrame:
    """One row a coalition and worth; columns as ``COALITIONS``."""
    import pandas as pd

    rows = []
    for coalition in sorted(answer.layout.coalitions, key=lambda c: (c.bit_count(), c)):
        row = answer.place[coalition]
        for worth in WORTHS:
            rows.append(
                {
                    "on": names_of(coalition, answer.layout.channels),
                    "size": coalition.bit_count(),
                    "worth": worth.name,
                    "unit": worth.unit,
                    "value": float(over_seeds(answer.values[worth.name][row], worth)),
                    "se": float(answer.draws[worth.name][:, row].std(ddof=1)),
                    "seeds": len(answer.seeds),
                }
            )
    return pd.DataFrame(rows, columns=list(COALITIONS))


def pairs_frame(answer: Answer) -> pd.DataFrame:
    """One row a worth and pair, the largest first; columns as ``PAIRS``."""
    import pandas as pd

    names = [channel.name for channel in answer.layout.channels]
    rows = []
    for worth in WORTHS:
        for (a, b), joint in sorted(answer.joint[worth.name].items(), key=lambda item: -abs(item[1].value)):
            head = {"worth": worth.name, "unit": worth.unit, "a": names[a], "b": names[b]}
            rows.append({**head, **_told("joint", joint)})
    return pd.DataFrame(rows, columns=list(PAIRS))


def _told(name: str, told: Told) -> dict[str, Any]:
    return {name: told.value, "se": told.se, "low": told.low, "high": told.high}
