"""Who takes part: one Mesa desk for each participant of the tick, and the base class for agents of your own."""

from sim.agents.arbitrage import ArbitrageDesk
from sim.agents.background import BackgroundDesk
from sim.agents.base import Desk, Fill, OrderRefused, Ref, TradingAgent
from sim.agents.engine import EngineDesk, FundDesk, HedgerDesk
from sim.agents.leveraged import LeveragedDesk
from sim.agents.market_maker import MarketMakerDesk

# Desks that every market has, in order of their Mesa ids.
DESKS: tuple[type[Desk], ...] = (
    BackgroundDesk,
    MarketMakerDesk,
    ArbitrageDesk,
    LeveragedDesk,
    HedgerDesk,
    FundDesk,
    EngineDesk,
)

__all__ = [
    "DESKS",
    "ArbitrageDesk",
    "BackgroundDesk",
    "Desk",
    "EngineDesk",
    "Fill",
    "FundDesk",
    "HedgerDesk",
    "LeveragedDesk",
    "MarketMakerDesk",
    "OrderRefused",
    "Ref",
    "TradingAgent",
]
