"""Who is deleveraged, in which order and for how much; and who bears the loss of an account that cannot be closed.

The engine's own kernels (``kernels/adl.py``) in a room of the accounts that are named (``rooms``): ranking, passing
over, order of loss. On the venue's grid, one linear contract. Source: MODEL 2.7 [S:9c, S:2c].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sim.calculator import doors
from sim.calculator.grid import Frame, frame_of
from sim.calculator.rooms import FIRST, Room, room_of
from sim.calculator.terms import Number, Portfolio, Terms, number, terms_of
from sim.errors import RuleError
from sim.kernels.adl import ADL_RULES, INDEX
from sim.kernels.engines import BACKSTOP, ENGINES
from sim.kernels.ledger import FUND
from sim.schema import EVENT_ADL, EVENT_HAIRCUT, EVENT_TAKEOVER
from sim.settings.venue import VenueSettings

RANKINGS = ADL_RULES[: int(INDEX) + 1]
Holders = Mapping[str, Portfolio]


@dataclass(frozen=True)
class Closed:
    """What one counterparty bears: a part of its position that is closed, or money alone under a haircut.

    Attributes
    ----------
    name : str
        Of the counterparty.
    size : Fraction
        Coins of its position that are gone; 0 under a haircut.
    price : Fraction or None
        Dollars a coin at which they are closed; None under a haircut.
    loss : Fraction
        What the counterparty loses against closing at mark; below 0 for a gain.
    """

    name: str
    size: Fraction
    price: Fraction | None
    loss: Fraction


@dataclass(frozen=True)
class LossOrder:
    """Who bore the loss of an account, layer by layer; the parts sum to the loss, exactly.

    Attributes
    ----------
    loss : Fraction
        Dollars by which the account is under water at mark.
    fund : Fraction
        Borne by the insurance fund out of its own money.
    adl : Fraction
        Borne by counterparties against mark.
    deficit : Fraction
        What nobody had: the fund's equity below 0, to be declared or shared out.
    fund_size : Fraction
        Coins that the fund took over.
    closed : tuple of Closed
        Counterparties in the order in which they were asked.
    """

    loss: Fraction
    fund: Fraction
    adl: Fraction
    deficit: Fraction
    fund_size: Fraction
    closed: tuple[Closed, ...]


def adl_scores(
    venue: VenueSettings | Terms, holders: Holders, mark: Number, rule: str | None = None
) -> dict[str, float]:
    """Place of each account in the queue, higher first.

    Parameters
    ----------
    venue : VenueSettings or Terms
        Whose contract all of them hold, and whose ranking is asked.
    holders : mapping
        Name to a portfolio of one position.
    mark : number
        Dollars; the nearest half tick counts.
    rule : str, optional
        Another ranking: leverage_pnl, pnl_leverage or index; needed with terms.

    Returns
    -------
    dict
        Name to score; 0 for one that is not in profit or has no equity, who is never asked.

    Raises
    ------
    RuleError
        For an account that is no single linear position of this contract.
    """
    names, room, half_ticks = _room(venue, holders, mark, rule)
    return {name: doors.adl_score(FIRST + i, half_ticks, room.arrays) for i, name in enumerate(names)}


def adl_ranking(venue: VenueSettings | Terms, holders: Holders, mark: Number, rule: str | None = None) -> list[str]:
    """Names of those in profit, first asked first; ties as they were named. See ``adl_scores``."""
    scores = adl_scores(venue, holders, mark, rule)
    return sorted((name for name, score in scores.items() if score > 0), key=lambda name: -scores[name])


def adl_allocation(
    venue: VenueSettings | Terms, account: Portfolio, holders: Holders, mark: Number, rule: str | None = None
) -> tuple[tuple[Closed, ...], Fraction]:
    """Close an account against counterparties in the order of the venue's ranking, at its bankruptcy price.

    Parameters
    ----------
    venue, mark, rule
        As for ``adl_scores``.
    account : Portfolio
        One position, to be closed whole.
    holders : mapping
        Name to a portfolio of one position; those on the same side are never asked.

    Returns
    -------
    tuple
        What each gave, in order; and the coins that found nobody. Who would be left with equity below 0 is passed
        over, and nobody gives more than it holds.

    Raises
    ------
    RuleError
        As for ``adl_scores``.
    """
    names, room, half_ticks = _room(venue, {"": account} | dict(holders), mark, rule)
    doors.deleverage_in(FIRST, half_ticks, room.arrays)
    return _closed(room, names, half_ticks), abs(int(room.positions[FIRST])) * room.lot


def order_of_loss(
    venue: VenueSettings | Terms,
    account: Portfolio,
    holders: Holders,
    mark: Number,
    fund: Number,
    rule: str | None = None,
    previous_mark: Number | None = None,
) -> LossOrder:
    """Close an account that the book could not take: its own margin, the insurance fund, counterparties, a deficit.

    Parameters
    ----------
    venue, account, holders, mark, rule
        As for ``adl_allocation``.
    fund : number
        Dollars of the insurance fund or vault, which holds no position.
    rule : str, optional
        Any of ``kernels.adl.ADL_RULES``: of a ranking the fund bears the lots that it can pay for and the queue the
        rest; under "pro_rata", "haircut" and "optimal" it takes the account whole and winners bear its deficit.
    previous_mark : number, optional
        Of an engine with a vault, which takes the account whole, too: the price at which the vault's position is then
        closed against others. The mark where it is not given.

    Returns
    -------
    LossOrder
        No layer is asked before the one ahead cannot pay for a lot more.

    Raises
    ------
    RuleError
        As for ``adl_scores``, and for a fund below 0.
    """
    if number(fund, "the fund") < 0:
        raise RuleError("the fund has at least $0")
    names, room, half_ticks = _room(venue, {"": account} | dict(holders), mark, rule, ADL_RULES, fund, previous_mark)
    at = half_ticks * room.tick / 2
    before = room.accounts["cash_micro"].astype(object) * room.quantum + room.positions.astype(object) * room.lot * at
    doors.close_out_in(FIRST, half_ticks, room.arrays, _kind_of(venue) == BACKSTOP)
    after = room.accounts["cash_micro"].astype(object) * room.quantum + room.positions.astype(object) * room.lot * at
    lost = before - after
    deficit = max(Fraction(0), -after[FUND])
    return LossOrder(
        -lost[FIRST], lost[FUND] - deficit, sum(lost[FIRST + 1 :], Fraction(0)), deficit,
        sum((abs(int(e["lots"])) for e in room.written if e["kind"] == EVENT_TAKEOVER), 0) * room.lot,
        _closed(room, names, half_ticks),
    )  # fmt: skip


def _closed(room: Room, names: list[str], half_ticks: int) -> tuple[Closed, ...]:
    """What counterparties gave, read off the events."""
    out = []
    for event in room.written:
        if event["kind"] == EVENT_HAIRCUT:
            paid = int(event["cash_micro"]) * room.quantum
            out.append(Closed(names[int(event["account"]) - FIRST], Fraction(0), None, paid))
        if event["kind"] != EVENT_ADL:
            continue
        size, value = int(event["lots"]) * room.lot, int(event["cash_micro"]) * room.quantum
        gave = value - size * half_ticks * room.tick / 2
        out.append(Closed(names[int(event["account"]) - FIRST], abs(size), value / size, gave))
    return tuple(out)


def _kind_of(venue: VenueSettings | Terms) -> int:
    """The venue's engine; terms alone have the first."""
    return ENGINES.index(venue.engine.kind) if isinstance(venue, VenueSettings) else 0


def _room(
    venue: VenueSettings | Terms,
    holders: Holders,
    mark: Number,
    rule: str | None,
    rules: tuple[str, ...] = RANKINGS,
    fund: Number = 0,
    previous: Number | None = None,
) -> tuple[list[str], Room, int]:
    """Names, a room with their accounts in it, and the mark in half ticks."""
    terms, at = terms_of(venue), number(mark, "the mark")
    chosen = venue.adl_ranking if rule is None and isinstance(venue, VenueSettings) else rule
    if chosen not in rules:
        raise RuleError(f"no ranking {chosen!r} (there is: {', '.join(rules)})")
    half_ticks = round(2 * at / terms.tick)
    before = half_ticks if previous is None else round(2 * number(previous, "the previous mark") / terms.tick)
    if min(half_ticks, before) < 1:
        raise RuleError(f"a mark of {float(at):g} is below half a tick")
    frames = [_frame(terms, name, held, at) for name, held in holders.items()]
    if not frames:
        raise RuleError("nobody is named")
    money = int(number(fund, "the fund") / frames[0].quantum)
    place = ADL_RULES.index(chosen)
    return list(holders), room_of(frames, half_ticks, money, place, _kind_of(venue), before), half_ticks


def _frame(terms: Terms, name: str, held: Portfolio, mark: Fraction) -> Frame:
    """An account on the venue's grid."""
    kinds = {terms_of(position.venue) for position in held.positions.values()}
    if len(held.positions) != 1 or kinds != {terms} or terms.is_inverse or held.collateral:
        raise RuleError(f"{name or 'the account'} must hold one position of this linear contract, on money alone")
    return frame_of(held, dict.fromkeys(held.positions, mark), "venue")
