"""Companies that hold coins, without a market: exact books, the premium, and what they do on a trading day.

``balance`` keeps coins, shares and money in integers; ``premium`` moves the premium; ``company`` draws companies;
``issue`` says how much is issued; ``treasurer`` is a company's day; ``walk`` runs them over given prices.
"""
