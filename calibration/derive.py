"""Write ``calibration/derived``: ``python -m calibration.derive``; the recordings are found through SHOAL_EVIDENCE."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from calibration.betas import betas
from calibration.dat_funding import dat_funding
from calibration.dat_rule import dat_rule
from calibration.dollar_token import dollar_token_after
from calibration.etf_flow import etf_flow
from calibration.event_paths import btc_path, btc_tiers, depth_shares, headline_depth, qqq_path
from calibration.figures import figures
from calibration.holders import btc_holders, holders_after
from calibration.ny_calendar import PACKAGE, ny_calendar
from calibration.population_table import lambda_table
from calibration.rhythm import btc_rhythm
from calibration.tables import DERIVED, EVIDENCE_VARIABLE, evidence_folder
from calibration.weeks_recorded import weeks_recorded

FROM_RECORDINGS: dict[str, Callable[[Path], str]] = {
    "btc_2025_10_10": btc_path,
    "depth_shares_2025_10_10": depth_shares,
    "headline_depth_2025_10_10": headline_depth,
    "qqq_2025_10_10": qqq_path,
    "binance_btc_tiers": btc_tiers,
    "figures": figures,
    "betas": betas,
    "etf_flow": etf_flow,
    "dat_funding": dat_funding,
    "dat_rule": dat_rule,
    "rhythm_btc": btc_rhythm,
    "btc_holders_2025_10_10": btc_holders,
    "holders_after": holders_after,
    "weeks_recorded": weeks_recorded,
    "dollar_token_after": dollar_token_after,
}
"""Files made from recordings, by name, and what makes their text."""
FROM_SETTINGS: dict[str, Callable[[], str]] = {"lambda_population": lambda_table}
"""Files made from the settings alone."""
FROM_A_PACKAGE: dict[str, tuple[str, Callable[[], str]]] = {"ny_calendar": (PACKAGE, ny_calendar)}
"""Files made from a package that is not among the requirements, with its name."""


def main() -> None:
    """Write every file; without recordings only those that need none, and say so."""
    texts = {name: make() for name, make in FROM_SETTINGS.items()}
    for name, (package, make) in FROM_A_PACKAGE.items():
        if find_spec(package):
            texts[name] = make()
        else:
            print(f"left calibration/derived/{name}.csv as it is: it needs the package {package}")
    data = evidence_folder()
    if data is not None:
        texts |= {name: make(data) for name, make in FROM_RECORDINGS.items()}
    for name, text in texts.items():
        (DERIVED / f"{name}.csv").write_text(text, encoding="utf-8", newline="\n")
        print(f"wrote calibration/derived/{name}.csv")
    if data is None:
        raise SystemExit(
            f"the others need recordings: set {EVIDENCE_VARIABLE} to the folder that holds data/event_1011"
        )


if __name__ == "__main__":
    main()
