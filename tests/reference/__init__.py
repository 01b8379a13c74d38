"""Slow twins, written from the prose of the rule book and not from the kernels."""
