"""A user's own data as scenario fragments: depth, open interest, margin tiers, prices; every gap and repair is told."""

from sim.ingest.depthfile import DepthResult as DepthResult
from sim.ingest.depthfile import depth as depth
from sim.ingest.findings import Finding as Finding
from sim.ingest.fragment import Fragment as Fragment
from sim.ingest.oifile import OpenInterestResult as OpenInterestResult
from sim.ingest.oifile import oi as oi
from sim.ingest.pricefile import PriceResult as PriceResult
from sim.ingest.pricefile import price as price
from sim.ingest.tierfile import TiersResult as TiersResult
from sim.ingest.tierfile import tiers as tiers

__all__ = [
    "DepthResult",
    "Finding",
    "Fragment",
    "OpenInterestResult",
    "PriceResult",
    "TiersResult",
    "depth",
    "oi",
    "price",
    "tiers",
]
