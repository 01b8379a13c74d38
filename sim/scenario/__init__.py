"""Scenario files: reading them with every error at its line, and the specification they become."""
