"""Whether what a scenario says of its loans fits the lender profile that it names."""

from sim.settings.lender import HardCodedFeed, RatioFeed
from sim.settings.lending import LendingSettings
from sim.settings.problems import no_such
from sim.venues.profile import lender_names, load_lender

DOLLAR_BAND = 0.2  # how far from a dollar a coin may begin whose price is hard-coded to one


def lender_problems(loans: LendingSettings, price_usd: float) -> list[tuple[str, str]]:
    """What is wrong, by setting: no such profile, asset or mode, or a coin that cannot be put up here.

    Parameters
    ----------
    loans : LendingSettings
    price_usd : float
        Of the market's coin at the start.
    """
    if loans.lender not in (known := lender_names()):
        return [("lender", no_such("lender profile", loans.lender, known))]
    lender = load_lender(loans.lender)
    found = [
        (key, no_such(f"asset of {loans.lender}", getattr(loans, key), tuple(lender.assets)))
        for key in ("coin", "dollar")
        if getattr(loans, key) not in lender.assets
    ]
    if loans.mode is not None and loans.mode not in lender.modes:
        found.append(("mode", no_such(f"mode of {loans.lender}", loans.mode, tuple(lender.modes))))
    if found:
        return found
    coin, mode = lender.assets[loans.coin], None if loans.mode is None else lender.modes[loans.mode]
    if mode is not None and loans.coin not in mode.collateral:
        found.append(
            ("mode", f"{loans.coin} is no collateral of mode {loans.mode}: it has {', '.join(mode.collateral)}")
        )
    if (lender.assets[loans.coin] if mode is None else mode).threshold <= 0.0:
        modes = [name for name, one in lender.modes.items() if loans.coin in one.collateral]
        found.append(
            ("mode", f"{loans.coin} backs no loan outside its modes: name one of {', '.join(modes) or 'none'}")
        )
    if isinstance(coin.feed, RatioFeed):
        found.append(
            ("coin", f"the price of {loans.coin} is that of {coin.feed.to} times a rate, which is not simulated")
        )
    if isinstance(coin.feed, HardCodedFeed) and abs(price_usd - 1.0) > DOLLAR_BAND:
        why = f"the price of {loans.coin} is hard-coded to a dollar, and the market's coin begins at ${price_usd:g}"
        found.append(("coin", f"{why}: name the asset that stands for it"))
    if lender.assets[loans.dollar].curve is None:
        found.append(("dollar", f"{loans.dollar} is not lent out by {loans.lender}: name one with a curve"))
    if loans.loops.share > 0.0 and not found:
        most = (lender.assets[loans.coin] if mode is None else mode).threshold
        if loans.loops.ltv >= most:
            found.append(("loops", f"ltv {loans.loops.ltv:g} is not below the threshold of {loans.coin}, {most:g}"))
    return found
