"""What a user writes: frozen pydantic models in human units, one file for each participant."""
