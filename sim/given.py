"""Numbers as a person gives them, exact: a float is the number that was meant by it, a text such as "0.1" is itself."""

from fractions import Fraction
from math import isfinite

from sim.errors import RuleError

Number = int | float | str | Fraction


def number(value: Number, what: str) -> Fraction:
    """The number a person meant.

    Returns
    -------
    Fraction
        Exact.

    Raises
    ------
    RuleError
        For what is no finite number; the sentence names ``what``.
    """
    if isinstance(value, float):
        if not isfinite(value):
            raise RuleError(f"{what} is {value}, which is no number: nothing is computed from it")
        return Fraction(repr(float(value)))
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise RuleError(f"{what} is {value!r}, which is no number: nothing is computed from it") from None
