"""Public conformance packs, run through the public engine; ``python -m tests.conformance.runner FOLDER``."""
