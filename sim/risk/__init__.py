"""What a risk team asks: one position, a haircut, a portfolio, shocks. Perps are accounts of the run itself."""
