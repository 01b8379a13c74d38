"""The six figures of weeks: what a run gives, what is recorded, and a user's own series, one beside the other."""

from sim.report.weeks.own import read_own
from sim.report.weeks.save import save, weeks

__all__ = ["read_own", "save", "weeks"]
