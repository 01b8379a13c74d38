"""A user's own data as scenario fragments: depth, open interest, margin tiers, prices; every gap and repair is told."""

from sim.ingest.depth import DepthResult as DepthResult
from sim.ingest.depth import depth as depth
from sim.ingest.findings import Finding as Finding
from sim.ingest.fragment import Fragment as Fragment

__all__ = ["DepthResult", "Finding", "Fragment", "depth"]
