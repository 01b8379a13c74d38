"""How much of a fall each channel makes: coalitions of channels run from one saved state, shares by Shapley."""
