"""Fire sales in closed form as an answer: one tidy table, one figure, a few lines (docs/fire_sales.md).

The formulas are those of ``sim.calculator``; a function here bears the name of its command, ``shoal calc fire-sale``.
"""

from sim.report.fire_sales.answer import COLUMNS, FireSale
from sim.report.fire_sales.holders import covariance, deleverage, vulnerability
from sim.report.fire_sales.one_position import critical_leverage, spiral
from sim.report.fire_sales.one_price import cascade, linear

__all__ = [
    "COLUMNS",
    "FireSale",
    "cascade",
    "covariance",
    "critical_leverage",
    "deleverage",
    "linear",
    "spiral",
    "vulnerability",
]
