"""The rules of a venue as a calculator: pure functions of a venue profile or of a rules profile (docs/calculator.md).

Where a rule is one of the simulator's, the function asks the simulator's own kernel (``doors``); what only the venue
has is written here. Nothing of a market is needed, and no market uses this package.
"""

from sim.calculator.deleveraging import (
    Closed,
    LossOrder,
    adl_allocation,
    adl_ranking,
    adl_scores,
    order_of_loss,
)
from sim.calculator.funding import (
    funding_cap_ppm,
    funding_rate_ppm,
    funding_settlement_ppm,
    index_change,
    payment_due,
    settled_quote,
)
from sim.calculator.lending import (
    LiquidationCall,
    Loan,
    LoanStanding,
    close_factor,
    liquidation_call,
    loan_standing,
    may_borrow,
)
from sim.calculator.lending_rates import borrow_rate, derived_price, feed_prices
from sim.calculator.liquidation import (
    bankruptcy_quote,
    deleverage,
    fund_change,
    liquidation_delta,
    liquidation_limit,
)
from sim.calculator.losses import Cover, cover, loss_layers, loss_shares
from sim.calculator.margin import (
    Account,
    Contract,
    Risk,
    account_risk,
    initial_margin,
    initial_margin_ppm,
    is_allowed,
    is_less_risky,
    maintenance_margin,
    maintenance_ppm,
    quote_of,
)
from sim.calculator.premium import Premium, funding_payments, funding_rate, impact_notional, premium_index
from sim.calculator.standing import (
    Standing,
    bankruptcy_price,
    equity,
    forced_size,
    liquidation_price,
    requirement,
    standing,
)
from sim.calculator.terms import Collateral, Portfolio, Position, Terms, Tier, isolated, number, terms_of
from sim.venues.profile import load_lender, load_profile, load_rules

__all__ = [
    "Account",
    "Closed",
    "Collateral",
    "Contract",
    "Cover",
    "LiquidationCall",
    "Loan",
    "LoanStanding",
    "LossOrder",
    "Portfolio",
    "Position",
    "Premium",
    "Risk",
    "Standing",
    "Terms",
    "Tier",
    "account_risk",
    "adl_allocation",
    "adl_ranking",
    "adl_scores",
    "bankruptcy_price",
    "bankruptcy_quote",
    "borrow_rate",
    "close_factor",
    "cover",
    "deleverage",
    "derived_price",
    "equity",
    "feed_prices",
    "forced_size",
    "fund_change",
    "funding_cap_ppm",
    "funding_payments",
    "funding_rate",
    "funding_rate_ppm",
    "funding_settlement_ppm",
    "impact_notional",
    "index_change",
    "initial_margin",
    "initial_margin_ppm",
    "is_allowed",
    "is_less_risky",
    "isolated",
    "liquidation_call",
    "liquidation_delta",
    "liquidation_limit",
    "liquidation_price",
    "load_lender",
    "load_profile",
    "load_rules",
    "loan_standing",
    "loss_layers",
    "loss_shares",
    "maintenance_margin",
    "maintenance_ppm",
    "may_borrow",
    "number",
    "order_of_loss",
    "payment_due",
    "premium_index",
    "quote_of",
    "requirement",
    "settled_quote",
    "standing",
    "terms_of",
]
