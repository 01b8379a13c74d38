"""Funds that hold coins, without a market: the investors' flow rule, the strike, the books of an issuer.

Pure functions and integers; ``sim.agents.etf`` puts them to work in a market.
"""
