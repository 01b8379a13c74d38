"""The rules of a venue as a calculator: pure functions of integers and of a rules profile (docs/calculator.md).

Where a rule is one of the simulator's, the function asks the simulator's own kernel (``doors``); what only the venue
has is written here. Nothing of a market is needed, and no market uses this package.
"""

from sim.calculator.funding import (
    funding_cap_ppm,
    funding_rate_ppm,
    funding_settlement_ppm,
    index_change,
    payment_due,
    settled_quote,
)
from sim.calculator.liquidation import (
    bankruptcy_quote,
    deleverage,
    fund_change,
    liquidation_delta,
    liquidation_limit,
)
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
from sim.venues.profile import load_rules

__all__ = [
    "Account",
    "Contract",
    "Risk",
    "account_risk",
    "bankruptcy_quote",
    "deleverage",
    "fund_change",
    "funding_cap_ppm",
    "funding_rate_ppm",
    "funding_settlement_ppm",
    "index_change",
    "initial_margin",
    "initial_margin_ppm",
    "is_allowed",
    "is_less_risky",
    "liquidation_delta",
    "liquidation_limit",
    "load_rules",
    "maintenance_margin",
    "maintenance_ppm",
    "payment_due",
    "quote_of",
    "settled_quote",
]
