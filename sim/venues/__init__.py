"""Venue profiles: rule sets as data, one YAML file each."""
