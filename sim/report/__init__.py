"""Figures, tables and the one-page HTML report of finished runs."""
