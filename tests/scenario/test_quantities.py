"""Units as people write them, one row each; exact, because text is read by decimals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.settings.parsing import (
    parse_coins,
    parse_duration,
    parse_fraction,
    parse_money,
    parse_money_rate,
    parse_number,
    parse_rate,
)

RIGHT = [
    (parse_duration, "8h", 28800.0),
    (parse_duration, "1h30m", 5400.0),
    (parse_duration, "1 h 30 min", 5400.0),
    (parse_duration, "6h40m", 24000.0),
    (parse_duration, "250ms", 0.25),
    (parse_duration, "1us", 1e-6),
    (parse_duration, "1.5h", 5400.0),
    (parse_duration, ".5s", 0.5),
    (parse_duration, "1e3s", 1000.0),
    (parse_duration, "90 seconds", 90.0),
    (parse_duration, "2d", 172800.0),
    (parse_duration, "1w", 604800.0),
    (parse_duration, "-5s", -5.0),
    (parse_duration, "0s", 0.0),
    (parse_fraction, "25bp", 0.0025),
    (parse_fraction, "0.94bp", 0.000094),
    (parse_fraction, "1 bps", 0.0001),
    (parse_fraction, "35%", 0.35),
    (parse_fraction, "1.88%", 0.0188),
    (parse_fraction, "-8%", -0.08),
    (parse_fraction, "1e-3", 0.001),
    (parse_fraction, 0.4, 0.4),
    (parse_fraction, 1, 1.0),
    (parse_money, "$1.5bn", 1.5e9),
    (parse_money, "$1.5BN", 1.5e9),
    (parse_money, "250k USD", 250_000.0),
    (parse_money, "100kUSD", 100_000.0),
    (parse_money, "$116720", 116_720.0),
    (parse_money, "$ 305 m", 305e6),
    (parse_money, "$305mn", 305e6),
    (parse_money, "$2 trillion", 2e12),
    (parse_money, "5 usd", 5.0),
    (parse_money, "-$5", -5.0),
    (parse_money, "$1e6", 1e6),
    (parse_coins, "130k BTC", 130_000.0),
    (parse_coins, "0.001 BTC", 0.001),
    (parse_coins, "1.2m", 1.2e6),
    (parse_coins, 130_000, 130_000.0),
    (parse_rate, "2/s", 2.0),
    (parse_rate, "12/min", 0.2),
    (parse_rate, "0.2 per s", 0.2),
    (parse_rate, "36/h", 0.01),
    (parse_money_rate, "$200m/s", 2e8),
    (parse_money_rate, "$3bn/min", 5e7),
    (parse_money_rate, "6k USD per min", 100.0),
    (parse_number, 3, 3.0),
    (parse_number, 1e3, 1000.0),
]
WRONG = [
    *(
        (parse_duration, v)
        for v in ("8:30", "5", 5, 5.0, "s", "1h30", "1h1h", "1hh", "five hours", "", " ", None, True, [])
    ),
    *((parse_duration, v) for v in ("1e400s", "1e99999h", "nan s", "infs", "1e-400s", "5 parsecs", "1h -30m")),
    *(
        (parse_fraction, v)
        for v in ("5%%", "nan", "inf", "%", "x", "1/3", True, None, 5e-324, "1e-30", 10**400, "40 bananas")
    ),
    *(
        (parse_money, v)
        for v in ("50m", "1e6", 1e6, "$", "€5", "5 EUR", "$1,500", "1.500.000 USD", "$5x", "$-5", True, None)
    ),
    *((parse_coins, v) for v in ("k", "5 b t c", "1 BTC/h", True, None, "", "0x10")),
    *((parse_rate, v) for v in (2, "2", "2/fortnight", "/s", "2//s", None)),
    *((parse_money_rate, v) for v in (2, "2/s", "$2", "200m/s", "$2/parsec", None)),
    *((parse_number, v) for v in ("3", True, None, float("nan"), float("inf"), 10**400)),
]


@pytest.mark.parametrize(("parse", "text", "value"), RIGHT, ids=[f"{p.__name__}:{t}" for p, t, _ in RIGHT])
def test_quantity_is_read_exactly(parse, text, value):
    assert parse(text) == value


@pytest.mark.parametrize(("parse", "text"), WRONG, ids=[f"{p.__name__}:{str(t)[:20]!r}" for p, t in WRONG])
def test_anything_else_is_refused_with_a_sentence(parse, text):
    with pytest.raises(ValueError, match=r"expected|give a unit|must be a finite number|too small") as caught:
        parse(text)
    assert len(str(caught.value)) < 250


def test_a_shell_that_ate_the_dollar_cannot_change_a_value():
    # an unquoted $150m reaches the program as "50m": "$1" is an empty argument of the shell
    with pytest.raises(ValueError, match="single quotes keep the dollar sign"):
        parse_money("50m")


@given(st.text(max_size=30))
def test_random_text_is_a_number_or_a_value_error(text):
    for parse in (parse_duration, parse_fraction, parse_money, parse_coins, parse_rate, parse_money_rate, parse_number):
        try:
            assert isinstance(parse(text), float)
        except ValueError:
            continue
