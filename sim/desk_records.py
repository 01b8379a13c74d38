"""What desks remember, as plain values that JSON gives back unchanged."""

import json
from typing import TYPE_CHECKING, Any

from sim.agents.base import Desk, TradingAgent
from sim.errors import ForkError

if TYPE_CHECKING:
    from sim.market import Market


def plain(value: Any, whose: str) -> Any:
    """The value as JSON gives it back; refused when that is another one."""
    try:
        back = json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise ForkError(f"{whose} cannot be saved: {error}; use numbers, texts, lists and dicts of them") from None
    return back


def own_state(desk: Any, whose: str) -> dict[str, Any]:
    """What a desk remembers, refused by name when JSON would change it (a tuple, a key that is no text, NaN)."""
    state = desk.state()
    back = plain(state, whose)
    if back != state or not isinstance(back, dict):
        raise ForkError(
            f"{whose} cannot be saved: its state() is not what JSON gives back; "
            "use a dict of numbers, texts, lists and dicts with texts as keys"
        )
    return back


def shock_record(desk: Any) -> dict[str, Any]:
    """A shock: its Mesa id where it trades, and what it remembers."""
    return {"id": desk.unique_id if isinstance(desk, Desk) else None, "state": own_state(desk, type(desk).__name__)}


def agent_record(agent: Any) -> dict[str, Any]:
    """An agent written in Python: class, id, account, and what it remembers."""
    cls = type(agent)
    whose = f"agent {agent.unique_id} ({cls.__name__})"
    methods = [getattr(cls, name, None) for name in ("state", "restore")]
    if not isinstance(agent, Desk) or methods[0] is Desk.state or methods[1] is Desk.restore:
        raise ForkError(
            f"{whose} cannot be saved: a class of agents needs both state() and restore(state), see docs/forking.md"
        )
    account = agent.account_state() if isinstance(agent, TradingAgent) else None
    return {"class": cls.__qualname__, "id": agent.unique_id, "account": account, "state": own_state(agent, whose)}


def institution_records(market: "Market") -> dict[str, dict[str, Any]]:
    """The institutions of a market, by name: Mesa id, and what each remembers."""
    return {
        desk.NAME: {"id": desk.unique_id, "state": own_state(desk, f"institution {desk.NAME}")}
        for desk in market.institutions
    }
