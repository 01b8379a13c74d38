"""Reading quantities as people write them: "8h", "25bp", "$1.5bn", "130k BTC", "2/s".

Text is read by ``Decimal``, so "35%" is 0.35 and not 0.35000000000000003. In memory every quantity is a float in one
unit: seconds, fractions, US dollars, coins, per second. A bare number is refused where a unit is meant.
"""

import math
import re
from decimal import Decimal, InvalidOperation

from sim.settings.problems import shown

SMALLEST = 1e-15
"""A non-zero magnitude below this is refused: it means nothing in any unit used here and overflows when divided by."""

_LONGEST = 40  # characters of one quantity; longer text is a mistake
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?"
_SECONDS = {
    **dict.fromkeys(("us", "µs"), Decimal("1e-6")),
    **dict.fromkeys(("ms",), Decimal("1e-3")),
    **dict.fromkeys(("s", "sec", "second", "seconds"), Decimal(1)),
    **dict.fromkeys(("m", "min", "minute", "minutes"), Decimal(60)),
    **dict.fromkeys(("h", "hour", "hours"), Decimal(3600)),
    **dict.fromkeys(("d", "day", "days"), Decimal(86400)),
    **dict.fromkeys(("w", "week", "weeks"), Decimal(604800)),
}
_SCALE = {
    "": Decimal(1),
    **dict.fromkeys(("k", "thousand"), Decimal(10) ** 3),
    **dict.fromkeys(("m", "mn", "mln", "million"), Decimal(10) ** 6),
    **dict.fromkeys(("b", "bn", "billion"), Decimal(10) ** 9),
    **dict.fromkeys(("t", "tn", "trillion"), Decimal(10) ** 12),
}
_PART = {"": Decimal(1), "%": Decimal("1e-2"), "bp": Decimal("1e-4"), "bps": Decimal("1e-4")}

_DURATION_PIECE = re.compile(r"\s*((?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,4})?)\s*([a-zµ]+)")
_FRACTION_TEXT = re.compile(rf"({_NUMBER})\s*(%|bps?)?")
_MONEY_TEXT = re.compile(
    r"(?P<sign>[+-])?\s*(?P<dollar>\$)?\s*(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,4})?)"
    r"\s*(?P<scale>[a-z]*?)\s*(?P<usd>usd)?"
)
_COINS_TEXT = re.compile(rf"({_NUMBER})\s*(k|m|mn|mln|thousand|million)?\s*(?:[A-Z]{{2,10}})?", re.IGNORECASE)
_RATE_TEXT = re.compile(rf"({_NUMBER})\s*(?:/|per\s)\s*([a-zµ]+)")


def _to_float(number: Decimal) -> float:
    value = float(number) + 0.0  # turns -0.0 into 0.0, so that two spellings of nothing hash the same
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    if (value != 0.0 and abs(value) < SMALLEST) or (value == 0.0 and number != 0):
        raise ValueError(f"{number:.6g} is too small to mean anything; write 0 or at least {SMALLEST:g}")
    return value


def _bare(value: object) -> Decimal | None:
    """Return an int or float as a Decimal, None for anything else; a truth value is not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int) and value.bit_length() > 1100:  # beyond the largest float; str() of it may be refused
        raise ValueError("must be a finite number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    return Decimal(str(value))


def _text(value: object, wanted: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise ValueError(f"expected {wanted}, got {shown(value)}")
    return value.strip()


def _decimal(text: str, wanted: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"expected {wanted}, got {shown(text)}") from None


def parse_duration(value: object) -> float:
    """Read a duration in seconds from text such as "8h", "1h30m" or "250ms".

    Parameters
    ----------
    value : object
        Text of one or more ``number unit`` pieces, each unit once; units us, ms, s, m or min, h, d, w.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    ValueError
        For a bare number, an unknown unit, or text that is no duration.
    """
    wanted = 'a duration such as "8h", "1h30m" or "250ms"'
    bare = _bare(value)
    if bare is not None:
        raise ValueError(
            f'give a unit: expected {wanted}, got the bare number {shown(value)} (seconds are written "{value}s")'
        )
    text = _text(value, wanted).lower()
    sign, body = (Decimal(-1), text[1:]) if text.startswith("-") else (Decimal(1), text.removeprefix("+"))
    total, used, at = Decimal(0), set[Decimal](), 0
    for piece in _DURATION_PIECE.finditer(body):
        scale = _SECONDS.get(piece[2])
        if piece.start() != at or scale is None or scale in used:
            raise ValueError(f"expected {wanted}, got {shown(value)}")
        total, at = total + _decimal(piece[1], wanted) * scale, piece.end()
        used.add(scale)
    if at != len(body) or not used:
        hint = "; give a unit" if re.fullmatch(_NUMBER, text) else ""
        raise ValueError(f"expected {wanted}, got {shown(value)}{hint}")
    return _to_float(sign * total)


def parse_fraction(value: object) -> float:
    """Read a fraction from "40%", "25bp" or a bare number such as 0.4 (which is already a fraction).

    Parameters
    ----------
    value : object
        Text or number.

    Returns
    -------
    float
        The fraction: "25bp" is 0.0025.

    Raises
    ------
    ValueError
        For anything else.
    """
    wanted = 'a fraction such as "40%", "25bp" or 0.4'
    bare = _bare(value)
    if bare is not None:
        return _to_float(bare)
    text = _text(value, wanted).lower()
    match = _FRACTION_TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {wanted}, got {shown(value)}")
    return _to_float(_decimal(match[1], wanted) * _PART[match[2] or ""])


def parse_money(value: object) -> float:
    """Read US dollars from "$1.5bn", "250k USD" or "$116720".

    Parameters
    ----------
    value : object
        Text with a dollar sign or "USD", and a scale (k, m, bn, tn) where wanted.

    Returns
    -------
    float
        US dollars.

    Raises
    ------
    ValueError
        For an amount without a unit, or text that is no amount.
    """
    wanted = 'an amount such as "$1.5bn" or "250k USD"'
    bare = _bare(value)
    if bare is not None:
        raise ValueError(
            f'give a unit: expected {wanted}, got the bare number {shown(value)} (dollars are written "${value}")'
        )
    text = _text(value, wanted)
    match = _MONEY_TEXT.fullmatch(text.lower())
    if match is None or match["scale"] not in _SCALE:
        comma = " (write digits without separators: a comma is a thousand to some and a decimal point to others)"
        raise ValueError(f"expected {wanted}, got {shown(value)}{comma if ',' in text else ''}")
    if not (match["dollar"] or match["usd"]):  # also what is left of an unquoted $150m once a shell has read "$1"
        quotes = "in a shell, single quotes keep the dollar sign"
        raise ValueError(f"give a unit: expected {wanted}, got {shown(value)} ({quotes})")
    number = _decimal(match["number"], wanted) * _SCALE[match["scale"]]
    return _to_float(-number if match["sign"] == "-" else number)


def parse_coins(value: object) -> float:
    """Read a number of coins from "130k BTC", "0.5 BTC" or a bare number.

    Parameters
    ----------
    value : object
        Text or number; the coin's name, where given, is for the reader alone.

    Returns
    -------
    float
        Coins.

    Raises
    ------
    ValueError
        For anything else.
    """
    wanted = 'a number of coins such as "130k BTC" or 130000'
    bare = _bare(value)
    if bare is not None:
        return _to_float(bare)
    text = _text(value, wanted)
    match = _COINS_TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {wanted}, got {shown(value)}")
    return _to_float(_decimal(match[1], wanted) * _SCALE[(match[2] or "").lower()])


def parse_rate(value: object) -> float:
    """Read a rate per second from "2/s", "0.2 per s" or "12/min".

    Parameters
    ----------
    value : object
        Text of a number, "/" or "per", and a unit of time.

    Returns
    -------
    float
        Events per second.

    Raises
    ------
    ValueError
        For a bare number or anything else.
    """
    wanted = 'a rate such as "2/s" or "12/min"'
    bare = _bare(value)
    if bare is not None:
        raise ValueError(f'give a unit: expected {wanted}, got the bare number {shown(value)} (write "{value}/s")')
    text = _text(value, wanted).lower()
    match = _RATE_TEXT.fullmatch(text)
    if match is None or match[2] not in _SECONDS:
        raise ValueError(f"expected {wanted}, got {shown(value)}")
    return _to_float(_decimal(match[1], wanted) / _SECONDS[match[2]])


def parse_money_rate(value: object) -> float:
    """Read US dollars per second from "$200m/s" or "$3bn/min".

    Parameters
    ----------
    value : object
        Text of an amount, "/" or "per", and a unit of time.

    Returns
    -------
    float
        US dollars per second.

    Raises
    ------
    ValueError
        For anything else.
    """
    wanted = 'an amount per time such as "$200m/s" or "$3bn/min"'
    text = _text(value, wanted).lower().replace(" per ", "/")
    amount, slash, unit = text.partition("/")
    if not slash or unit.strip() not in _SECONDS:
        raise ValueError(f"expected {wanted}, got {shown(value)}")
    return _to_float(Decimal(str(parse_money(amount))) / _SECONDS[unit.strip()])


def parse_number(value: object) -> float:
    """Read a plain number; text and truth values are refused.

    Parameters
    ----------
    value : object
        An int or a float.

    Returns
    -------
    float
        The number.

    Raises
    ------
    ValueError
        For anything else.
    """
    bare = _bare(value)
    if bare is None:
        raise ValueError(f"expected a number, got {shown(value)}")
    return _to_float(bare)
