"""The order of events inside a tick, pinned: MODEL 1.4 is part of the specification."""

import ast
from pathlib import Path

import sim.tick

STEPS = [
    "is_short_of_room",
    "start_tick",  # 0
    "take_inbox",  # 0, of a network
    "update_news",  # 1
    "update_prices",  # 2
    "guard",  # 2
    "settle_funding",  # 3
    "force_orders",  # 6 and 7 in a study of the order of steps, off
    "make_markets",  # 4
    "send_limits",  # 4
    "tend_layers",  # 4
    "send_takers",  # 5
    "arbitrage",  # 5
    "buy_dips",  # 5
    "follow_trend",  # 5
    "send_closes",  # 5
    "rest_bids",  # 4, in the warm-up
    "match_mail",  # 5
    "note_closes",  # 5
    "settle_guests",  # 5
    "hang_all",  # end of the warm-up
    "force_orders",  # 6, 7, 8
    "decide_people",  # 10
    "record",  # 11
    "verdict",  # 11
    "is_other_clock_due",  # once a long tick, where there are two clocks
]


def test_the_steps_of_a_tick_are_those_of_the_specification():
    tree = ast.parse(Path(sim.tick.__file__).read_text(encoding="utf-8"))
    advance = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "advance")
    loop = next(node for node in advance.body if isinstance(node, ast.For))
    calls = [
        node
        for part in loop.body
        for node in ast.walk(part)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    calls.sort(key=lambda node: (node.lineno, node.col_offset))
    assert [call.func.id for call in calls if isinstance(call.func, ast.Name)] == STEPS
