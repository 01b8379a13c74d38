"""What goes into the matching engine and what comes out: words to codes, records to named tuples."""

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim import schema as s
from sim.errors import EngineError

SIDES = {"buy": int(s.BUY), "sell": int(s.SELL)}
SIDE_NAMES = ("buy", "sell")
TIFS = {"GTC": int(s.GTC), "IOC": int(s.IOC), "FOK": int(s.FOK), "POST": int(s.POST)}
TRIGGER_TYPES = {"stop": int(s.STOP), "take_profit": int(s.TAKE_PROFIT)}
UNKNOWN = 255  # code of a word that is none of the above: rejected as "kind"
REASONS = {
    int(s.OK): "", int(s.REJECT_STALE): "stale", int(s.REJECT_PRICE): "price", int(s.REJECT_LOTS): "lots",
    int(s.REJECT_POST): "post", int(s.REJECT_FOK): "fok", int(s.REJECT_REDUCE): "reduce_only",
    int(s.REJECT_DUPLICATE): "duplicate", int(s.REJECT_KIND): "kind",
}  # fmt: skip
REQUEST_LAYOUT = struct.Struct("<qqqqqiBBBB")  # one row of REQUEST; test_engine compares the two
FILL_FIELDS = [
    (s.TRADE.names or ()).index(name)
    for name in ("price_ticks", "lots", "maker_id", "taker_id", "maker_owner", "taker_owner", "book")
]
MAX_OWNERS = 1 << 24
MAX_INT64 = (1 << 63) - 1


class Fill(NamedTuple):
    """One trade: price in ticks, quantity in lots."""

    price: int
    lots: int
    maker_id: int
    taker_id: int
    maker_owner: int
    taker_owner: int
    book: int


class Ack(NamedTuple):
    """What became of a message; quantities in lots (docs/rulebook.md 9)."""

    status: str
    reason: str
    order_id: int
    filled_lots: int
    open_lots: int
    cancelled_lots: int
    fills: tuple[Fill, ...]
    triggered: tuple["Ack", ...] = ()


class Order(NamedTuple):
    """A resting order; price in ticks."""

    order_id: int
    side: str
    price: int
    lots: int
    owner: int
    reduce_only: bool


class Waiting(NamedTuple):
    """A waiting trigger order; ``limit`` is None for a market order."""

    order_id: int
    side: str
    kind: str
    trigger: int
    limit: int | None
    lots: int
    owner: int
    reduce_only: bool


class Batch(NamedTuple):
    """Answer to ``MatchingEngine.run``.

    ``acks`` ORDER_ACK[>= n], one for each message in order, each followed by those of the orders it fired (``fired`` =
    1); ``trades`` TRADE[m] in the order in which they happened.
    """

    acks: npt.NDArray[np.void]
    trades: npt.NDArray[np.void]


def whole(name: str, value: Any) -> int:
    """An int for an int64 field; one too large for it becomes -1, which every field rejects."""
    if type(value) is int:
        return value if -MAX_INT64 <= value <= MAX_INT64 else -1
    if isinstance(value, bool) or not isinstance(value, np.integer):
        raise EngineError(f"{name} is {value!r}; give a whole number")
    return int(value) if int(value) <= MAX_INT64 else -1


def order_flags(reduce_only: bool, stp_exempt: bool) -> int:
    """Flag bits of a new order."""
    return int(s.REDUCE_ONLY) * bool(reduce_only) | int(s.STP_EXEMPT) * bool(stp_exempt)


def owner_flag(owner: int | None) -> int:
    """Flag bit of a change that names its owner."""
    return 0 if owner is None else int(s.CHECK_OWNER)


def pack(requests: Mapping[str, npt.ArrayLike] | npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """REQUEST rows from columns, each checked against its field's range."""
    if isinstance(requests, np.ndarray):
        if requests.dtype != s.REQUEST or requests.ndim != 1:
            raise EngineError(
                "a batch given as an array is one-dimensional and of sim.schema.REQUEST; or give a mapping of columns"
            )
        return np.ascontiguousarray(requests)
    if not hasattr(requests, "items"):
        raise EngineError(f"a batch is a mapping of columns or a REQUEST array, not {type(requests).__name__}")
    columns = {name: np.asarray(values) for name, values in requests.items()}
    unknown = sorted(set(columns) - set(s.REQUEST.names or ()))
    if unknown:
        raise EngineError(f"column {unknown[0]!r} is not known; the columns are {', '.join(s.REQUEST.names or ())}")
    lengths = {len(values) if values.ndim == 1 else -1 for values in columns.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise EngineError("the columns of a batch are one-dimensional and of one length")
    rows = np.zeros(lengths.pop(), s.REQUEST)
    for name, values in columns.items():
        if len(values) and values.dtype.kind not in "iu":
            raise EngineError(f"column {name!r} holds {values.dtype}; use whole numbers")
        field = np.iinfo(s.REQUEST[name])
        if len(values) and (int(values.min()) < field.min or int(values.max()) > field.max):
            raise EngineError(f"column {name!r} has a value outside {field.min} to {field.max}")
        rows[name] = values
    return rows


def answers_of(acks: npt.NDArray[np.void], trades: npt.NDArray[np.void]) -> list[Ack]:
    """ORDER_ACK rows as tuples, each with its TRADE rows."""
    fills = [Fill(*(t[k] for k in FILL_FIELDS)) for t in trades.tolist()]
    begin, answers = 0, []
    for ack in acks.tolist():
        id_, filled, open_, cancelled, _, end, _, status, _, _ = ack
        word = "ok" if status == 0 else "rejected"
        answers.append(Ack(word, REASONS[status], id_, filled, open_, cancelled, tuple(fills[begin:end])))
        begin = end
    return answers
