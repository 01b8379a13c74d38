"""Benchmarks: ``python -m tests.bench`` (``make bench``). CPU time, ratios to a fixed Python loop; never part of the
tests.
"""
