"""What leveraged accounts do of their own accord: stops, take-profits, top-ups, panic closes, and how closes trade."""

from sim.settings.fields import Settings, setting
from sim.settings.quantities import Duration, Flag, Fraction, Money, MoneyRate, Number, Rate

_GIVEN = "MODEL.md 4.3, judgement: no record of single accounts' orders was found"
_SWITCH = "own choice: each part can be left out alone"


class LeveragedConduct(Settings):
    """Voluntary trading of the leveraged population; ``leveraged.enabled: false`` switches all of it off."""

    stops: Flag = setting(True, unit="", provenance="scenario", source=_SWITCH, note="Whether accounts have stops.")
    stop_share: Fraction = setting(
        "30%",
        unit="fraction of accounts",
        provenance="judgement",
        source=_GIVEN,
        note="Accounts with a stop; one that had already fired at the start is not there, so fewer are left.",
        at_least=0.0,
        at_most=1.0,
    )
    stop_distance: Fraction = setting(
        "5%",
        unit="log units",
        provenance="judgement",
        source=_GIVEN,
        note="Mean of the exponential distance from the entry.",
        at_least=0.0001,
        at_most=1.0,
    )
    stop_round_share: Fraction = setting(
        "30%",
        unit="fraction of stops",
        provenance="judgement",
        source=_GIVEN,
        note="Stops moved away from the entry to the next round price.",
        at_least=0.0,
        at_most=1.0,
    )
    stop_round_step: Money = setting(
        "$1000",
        unit="USD",
        provenance="judgement",
        source="MODEL.md 4.3: multiples of 1,000 USD for BTC",
        note="Distance of round prices.",
        at_least=0.01,
        at_most=1e6,
    )
    take_profits: Flag = setting(
        True, unit="", provenance="scenario", source=_SWITCH, note="Whether accounts have take-profits."
    )
    profit_share: Fraction = setting(
        "25%",
        unit="fraction of accounts",
        provenance="judgement",
        source=_GIVEN,
        note="Accounts with a take-profit; one that had already fired at the start is not there.",
        at_least=0.0,
        at_most=1.0,
    )
    profit_distance: Fraction = setting(
        "8%",
        unit="log units",
        provenance="judgement",
        source=_GIVEN,
        note="Mean of the exponential distance from the entry.",
        at_least=0.0001,
        at_most=1.0,
    )
    trigger_age: Duration = setting(
        "1day",
        unit="s",
        provenance="judgement",
        source="own judgement: a day; without age, a calm day would fire what the one before has fired",
        note=(
            "Age of stops and take-profits at the start. One at log distance x is still there with a chance of"
            " erf(x / (sigma sqrt(2 age))): that a diffusion of the daily volatility did not reach it."
        ),
        at_least=0.0,
        at_most=3.2e7,
    )
    age_volatility: Fraction = setting(
        "1.88%",
        unit="log units per square root of a day",
        provenance="measured",
        source="P16: daily volatility before the event, as DECISIONS 17 uses it",
        note="Volatility of that diffusion.",
        at_least=0.0,
        at_most=1.0,
    )
    mark_share: Fraction = setting(
        "70%",
        unit="fraction of orders",
        provenance="judgement",
        source=_GIVEN,
        note="Stops and take-profits fired by the mark; the others by the last trade.",
        at_least=0.0,
        at_most=1.0,
    )
    top_ups: Flag = setting(
        True, unit="", provenance="scenario", source=_SWITCH, note="Whether isolated accounts add margin."
    )
    top_up_below: Number = setting(
        1.5,
        unit="",
        provenance="judgement",
        source=_GIVEN,
        note="Equity over maintenance margin below which an owner who looks adds margin.",
        at_least=1.0,
        at_most=20.0,
    )
    top_up_hazard: Rate = setting(
        "0.15/min",
        unit="1/s",
        provenance="judgement",
        source=_GIVEN,
        note="Rate at which an owner looks and adds margin out of free cash. Nobody sleeps in this version.",
        at_least=0.0,
        at_most=1.0,
    )
    top_up_share: Fraction = setting(
        "25%",
        unit="fraction of margin",
        provenance="judgement",
        source=_GIVEN,
        note="Amount of one top-up, in the position's margin at cost; less where free cash is less.",
        at_least=0.0,
        at_most=10.0,
    )
    panic: Flag = setting(True, unit="", provenance="scenario", source=_SWITCH, note="Whether accounts close in panic.")
    panic_hazard: Rate = setting(
        "0.02/min",
        unit="1/s",
        provenance="judgement",
        source=_GIVEN,
        note="Rate at which an account closes while both conditions hold.",
        at_least=0.0,
        at_most=1.0,
    )
    panic_loss: Fraction = setting(
        "30%",
        unit="fraction of margin",
        provenance="judgement",
        source=_GIVEN,
        note="Loss since entry that frightens.",
        at_least=0.0,
        at_most=1.0,
    )
    panic_move: Fraction = setting(
        "3%",
        unit="fraction",
        provenance="judgement",
        source=_GIVEN,
        note="Move of the mark, either way, that frightens.",
        at_least=0.0,
        at_most=1.0,
    )
    panic_window: Duration = setting(
        "5min",
        unit="s",
        provenance="judgement",
        source=_GIVEN,
        note="Time over which that move is measured; at the start the mark is taken to have stood still.",
        at_least=1.0,
        at_most=86400.0,
    )
    close_slice: MoneyRate = setting(
        "$25k/s",
        unit="USD/s",
        provenance="judgement",
        source="own judgement: a tenth of the perp's calm volume, $20bn a day; DECISIONS 20b asks for slices",
        note="Most that one account closes of its own accord; at least one lot an order.",
        at_least=1.0,
        at_most=1e12,
    )
    close_latency: Duration = setting(
        "100ms",
        unit="s",
        provenance="judgement",
        source="own judgement: a fired order passes the venue's gateway like any other",
        note="Time from the trigger to the order's arrival; the next slice waits for the one before.",
        at_least=0.0,
        at_most=600.0,
    )
