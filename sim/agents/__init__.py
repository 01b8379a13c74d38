"""Who takes part: one Mesa desk for each participant of the tick, and the base class for agents of your own."""

from sim.agents.arbitrage import ArbitrageDesk
from sim.agents.background import BackgroundDesk
from sim.agents.base import Desk, Fill, OrderRefused, Ref, Refusal, TradingAgent
from sim.agents.dat import TreasuryDesk
from sim.agents.dip_buyer import DipBuyerDesk
from sim.agents.dollar_token import DollarTokenDesk
from sim.agents.engine import EngineDesk, FundDesk, HedgerDesk
from sim.agents.etf import EtfDesk
from sim.agents.fresh_money import FreshMoneyDesk
from sim.agents.holders import HoldersDesk
from sim.agents.institution import Institution
from sim.agents.lending import LendingDesk
from sim.agents.leveraged import LeveragedDesk
from sim.agents.market_maker import MarketMakerDesk
from sim.agents.new_leverage import NewLeverageDesk
from sim.agents.stablecoins import StablecoinDesk
from sim.agents.trend import TrendDesk

# Desks that every market has, in order of their Mesa ids.
DESKS: tuple[type[Desk], ...] = (
    BackgroundDesk,
    MarketMakerDesk,
    ArbitrageDesk,
    DipBuyerDesk,
    TrendDesk,
    LeveragedDesk,
    HedgerDesk,
    FundDesk,
    EngineDesk,
)

# Institutions in order of their Mesa ids: a market has those that its scenario enables.
INSTITUTIONS: tuple[type[Institution], ...] = (
    EtfDesk, TreasuryDesk, StablecoinDesk, HoldersDesk, FreshMoneyDesk, LendingDesk,
    NewLeverageDesk, DollarTokenDesk,
)  # fmt: skip

__all__ = [
    "DESKS",
    "INSTITUTIONS",
    "ArbitrageDesk",
    "BackgroundDesk",
    "Desk",
    "DipBuyerDesk",
    "DollarTokenDesk",
    "EngineDesk",
    "EtfDesk",
    "Fill",
    "FundDesk",
    "HedgerDesk",
    "HoldersDesk",
    "Institution",
    "LendingDesk",
    "LeveragedDesk",
    "MarketMakerDesk",
    "NewLeverageDesk",
    "OrderRefused",
    "Ref",
    "Refusal",
    "StablecoinDesk",
    "TradingAgent",
    "TreasuryDesk",
    "TrendDesk",
]
