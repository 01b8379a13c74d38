"""The long experiments behind docs/validation.md: ``python -m calibration.experiments``."""
