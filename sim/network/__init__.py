"""Several markets that run together: ``build_network`` makes them, ``Network`` runs them (docs/network.md)."""

from sim.network.build import build_network as build_network
from sim.network.network import Network as Network
