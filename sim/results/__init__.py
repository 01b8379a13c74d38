"""Finished runs: tables in human units, summaries, hashes, run folders."""

from sim.results.ensemble import Ensemble
from sim.results.folder import read_manifest, refuse_existing, run_folder
from sim.results.load import load_run
from sim.results.run import Origin, Run, Tables
from sim.results.summary import Timing

__all__ = [
    "Ensemble",
    "Origin",
    "Run",
    "Tables",
    "Timing",
    "load_run",
    "read_manifest",
    "refuse_existing",
    "run_folder",
]
