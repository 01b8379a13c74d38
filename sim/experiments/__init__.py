"""Many runs: a design is saved first, and the sweep is a function of that file (docs/sweeps.md)."""
