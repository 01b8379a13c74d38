"""Reverse stress: the smallest change of a scenario that makes an outcome at least even."""
