"""Venue profiles, and rules profiles of the calculator: rule sets as data, one YAML file each."""
