"""Slow twin of deleveraging and the order of loss, written from MODEL 2.7 with fractions and lists; imports nothing of
the simulator.

An account is [cash, lots, cost] with equity = cash + lots x mark; money in whole units, marks in half units a lot.
"""

import math
from fractions import Fraction

Account = list[int]


def equity(account: Account, mark: Fraction) -> Fraction:
    return account[0] + account[1] * mark


def score(account: Account, mark: Fraction, rule: str, maintenance: Fraction) -> Fraction:
    """0 for who is not in profit or has no equity."""
    cash, lots, cost = account
    profit, worth = math.floor(lots * mark - cost), math.floor(equity(account, mark))
    if profit <= 0 or worth <= 0:
        return Fraction(0)
    value, paid = math.ceil(abs(lots) * mark), max(1, abs(cost))
    if rule == "leverage_pnl":
        return Fraction(profit, max(1, cash + cost)) * Fraction(
            math.ceil(value * maintenance), max(1, cash + cost) + profit
        )
    if rule == "pnl_leverage":
        return Fraction(profit, paid) * Fraction(value, worth)
    return (Fraction(value, paid) if lots > 0 else Fraction(paid, value)) * Fraction(value, worth)


def queue(accounts: list[Account], side: int, mark: Fraction, rule: str, maintenance: Fraction) -> list[int]:
    """Those who hold ``side`` and are in profit, highest score first, ties in the order given."""
    scores = {i: score(a, mark, rule, maintenance) for i, a in enumerate(accounts) if a[1] * side > 0}
    return sorted((i for i, s in scores.items() if s > 0), key=lambda i: -scores[i])


def deleverage(
    closed: Account, accounts: list[Account], mark: Fraction, rule: str, maintenance: Fraction
) -> list[tuple[int, int, int]]:
    """Close an account against the queue at its bankruptcy price: (who, lots, money it pays), changing both.

    Each is asked for all it can give or, where it would be left below zero, for nothing.
    """
    side, out = 1 if closed[1] > 0 else -1, []
    for i in queue(accounts, -side, mark, rule, maintenance):
        if closed[1] == 0:
            break
        other, left = accounts[i], abs(closed[1])
        lots = min(left, abs(other[1]))
        money = -math.floor(Fraction(closed[0] * lots, left))
        after = [other[0] - money, other[1] + side * lots, 0]
        if math.floor(equity(after, mark)) < 0:
            continue
        other[2] = math.floor(Fraction(other[2] * abs(after[1]), abs(other[1])))
        other[0], other[1] = after[0], after[1]
        closed[0], closed[1] = closed[0] + money, closed[1] - side * lots
        out.append((i, side * lots, money))
    return out


def order_of_loss(
    closed: Account, accounts: list[Account], fund: int, mark: Fraction, rule: str, maintenance: Fraction
) -> tuple[Account, list[tuple[int, int, int]]]:
    """What the fund holds afterwards and who was closed: the fund bears the lots that its money pays for,
    counterparties the rest, the fund what found nobody.
    """
    loss, holds = -math.floor(equity(closed, mark)), [fund, 0, 0]
    given: list[tuple[int, int, int]] = []

    def hand_over(lots: int) -> None:
        cash = math.floor(Fraction(closed[0] * abs(lots), abs(closed[1]))) if lots != closed[1] else closed[0]
        holds[0], holds[1] = holds[0] + cash, holds[1] + lots
        closed[0], closed[1] = closed[0] - cash, closed[1] - lots

    if loss > fund:
        lots = math.floor(Fraction(abs(closed[1]) * fund, loss)) * (1 if closed[1] > 0 else -1)
        if lots:
            hand_over(lots)
        given = deleverage(closed, accounts, mark, rule, maintenance)
    if closed[1] or closed[0]:
        hand_over(closed[1])
    return holds, given
