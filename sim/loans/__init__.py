"""Loans of a lending protocol whose collateral is a market's coin: who owes what, and the price it goes by."""
