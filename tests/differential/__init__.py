"""Two engines, one stream of orders, no difference."""
