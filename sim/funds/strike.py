"""The reference price that funds are valued at: trades of an hour in twelve parts, a weighted median of each.

In the manner of a benchmark that exchanges publish: the median of each five minutes is the price at which half of the
part's volume traded at or below it; the price is the mean of the medians of those parts in which something traded.
Source: MODEL 4.7 [S:26], parts from memory [K:h].
"""

from collections.abc import Sequence

PARTS = 12


def weighted_median(prices: Sequence[int], lots: Sequence[int]) -> int | None:
    """The lowest price at or below which at least half of the volume traded; None where nothing did."""
    order = sorted((price, volume) for price, volume in zip(prices, lots, strict=True) if volume > 0)
    total, below = sum(volume for _, volume in order), 0
    for price, volume in order:
        below += volume
        if 2 * below >= total:
            return price
    return None


def strike(times: Sequence[int], prices: Sequence[int], lots: Sequence[int], start: int, end: int) -> float | None:
    """Mean of the weighted medians of twelve equal parts from ``start`` to ``end``.

    Parameters
    ----------
    times : sequence of int
        Of trades, in the unit of ``start`` and ``end``; a trade at ``start`` belongs to the hour, one at ``end`` not.
    prices, lots : sequence of int
        Price and volume of each.
    start, end : int
        The hour.

    Returns
    -------
    float or None
        In the unit of ``prices``; None where nothing traded in the hour.
    """
    parts: list[tuple[list[int], list[int]]] = [([], []) for _ in range(PARTS)]
    for time, price, volume in zip(times, prices, lots, strict=True):
        if start <= time < end:
            part = parts[(time - start) * PARTS // (end - start)]
            part[0].append(price)
            part[1].append(volume)
    medians = [median for part in parts if (median := weighted_median(*part)) is not None]
    return sum(medians) / len(medians) if medians else None
