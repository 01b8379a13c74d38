"""Write ``scenarios/flash_10_11.yaml``: what each listing of the replay over exchanges and assets is fed with.

``python -m calibration.listings``; a test checks that the file is current. Every number is made here of the few that
are known; the letters name the rules, which stand in the file's head. Nothing is from after 20:49 UTC but what rule
lists say.
"""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "scenarios" / "flash_10_11.yaml"

PRICE = {"btc": 116_720.0, "eth": 4_002.66, "sol": 206.55, "alt_deep": 100.0, "alt_thin": 100.0}
SHARE = {"btc": 1.0, "eth": 0.26 / 0.42, "sol": 0.09 / 0.42}  # of assets in open interest, rule a
VOLUME = {a: 20e9 * s for a, s in SHARE.items()} | {"alt_deep": 683e6, "alt_thin": 283e6}  # e
COIN_INTEREST = {"btc": 2565.7e6, "eth": 1158.8e6, "sol": 238e6, "alt_deep": 148.7e6, "alt_thin": 0.87 * 20.6e6}  # b
ALL_INTEREST = {a: 15.17e9 * s for a, s in SHARE.items()} | {"alt_deep": 400e6, "alt_thin": 82e6}  # a, c
DEPTH = {"btc": 1.0, "eth": 0.6, "sol": 0.25, "alt_deep": 0.0342, "alt_thin": 0.01415}  # of BTC's, f
BID, ASK = 305e6, 241e6  # P5, P6: within 1 %
BID_SHAPE = ((0.005, 0.547), (0.01, 1.0), (0.02, 698 / 305), (0.05, 1197 / 305))  # f
ASK_SHAPE = ((0.005, 0.629), (0.01, 1.0), (0.02, 392 / 241), (0.05, 722 / 241))
SPOT_SHAPE = ((0.005, 0.775), (0.01, 1.0), (0.05, 2.0))  # i
SPOT_DEPTH = {"btc": 10e6, "eth": 4e6, "sol": 1.25e6, "alt_deep": 1.25e6, "alt_thin": 0.5e6}  # i
SPOT_DEPTH_US = SPOT_DEPTH | {"alt_deep": 1.64e6, "alt_thin": 0.199e6}  # h
SPOT_SHARE = {"cex_a": 0.348, "cex_b": 0.084, "cex_other": 0.412, "cex_us": 0.156}  # j
SPOT_ASSET = {"btc": 1.0, "eth": 0.75, "sol": 0.27}
ALT_ON_A = {"alt_deep": 4.6, "alt_thin": 5.5}  # of the dollar exchange's volume
INTEREST_SHARE = {"cex_a": 1.0, "cex_b": 0.20 / 0.33, "cex_other": 0.32 / 0.33}  # d
DEX_INTEREST = {"btc": 9.2e9 * 0.42 / 0.77, "eth": 9.2e9 * 0.26 / 0.77, "sol": 9.2e9 * 0.09 / 0.77} | {
    a: ALL_INTEREST[a] * 0.15 / 0.33 for a in ("alt_deep", "alt_thin")
}
DEPTH_SHARE = {"cex_a": 1.0, "cex_b": 0.5, "cex_other": 0.8, "dex_a": 1 / 3}  # g
VOLATILITY = {"btc": 0.0188, "eth": 0.0293, "sol": 0.0354, "alt_deep": 0.0404, "alt_thin": 0.0424}  # o
ORDER = {"btc": 30e3, "eth": 20e3, "sol": 10e3, "alt_deep": 3e3, "alt_thin": 2e3}  # r
DECAY = {"btc": 2.0, "eth": 1.0, "sol": 0.5, "alt_deep": 0.2, "alt_thin": 0.1}  # s
STEP = {"btc": 1000.0, "eth": 50.0, "sol": 5.0, "alt_deep": 1.0, "alt_thin": 1.0}
CAP = {"btc": 300e6, "eth": 200e6, "sol": 40e6, "alt_deep": 10e6, "alt_thin": 4e6}
PROFILE = {"btc": "", "eth": "_eth", "sol": "_sol", "alt_deep": "_alt", "alt_thin": "_alt"}
QUIET = ("alt_deep", "alt_thin")


def money(usd: float) -> str:
    """Dollars with a unit, four digits."""
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if usd >= size:
            return f"${usd / size:.4g}{unit}"
    return f"${usd:.4g}"


def profile(shape: tuple[tuple[float, float], ...], at_one: float) -> list[dict[str, str]]:
    """Cumulative depth."""
    return [{"within": f"{100 * within:g}%", "notional": money(at_one * share)} for within, share in shape]


def spot_volume(exchange: str, asset: str) -> float:
    """Traded value of a spot book a day, rule j."""
    if asset not in QUIET:
        return 10.8e9 * SPOT_SHARE[exchange] * SPOT_ASSET[asset]
    here = 60.3e6 if asset == "alt_deep" else 9.9e6
    if exchange == "cex_us":
        return here
    at_a = here * ALT_ON_A[asset]
    return at_a * {"cex_a": 1.0, "cex_b": 0.204, "cex_other": 0.93}[exchange]


def makers(asset: str, depth: float) -> dict[str, Any]:
    """Rule m: in proportion to depth."""
    return {
        "firms": 4 if asset not in QUIET else 3, "rungs_per_side": 8 if asset not in QUIET else 6,
        "capital_median": money(150e6 * depth), "inventory_limit": money(50e6 * depth),
        "flow_response_notional": money(273e6 * depth), "reference_volatility": f"{100 * VOLATILITY[asset]:g}%",
        "fill_decay": DECAY[asset],
    }  # fmt: skip


def common(asset: str, exchange: str) -> dict[str, Any]:
    """What a listing has whatever its books."""
    return {
        "background": {
            "order_size_median": money(ORDER[asset]), "noise_orders_per_side": 40 if asset not in QUIET else 16,
            "metaorders": 20,
        },
        "trend": {"enabled": False},
    }  # fmt: skip


def perp_listing(exchange: str, asset: str, spot: bool) -> dict[str, Any]:
    """A perpetual, with a spot book or without."""
    coin = exchange == "cex_a_coin"
    if coin:
        interest, volume = COIN_INTEREST[asset], COIN_INTEREST[asset] / 0.87
        bid, ask = 0.0148 * volume * BID / 273e6, 0.0148 * volume * ASK / 273e6
    elif exchange == "dex_a":
        interest = DEX_INTEREST[asset]
        volume = VOLUME[asset] * interest / ALL_INTEREST[asset]
    else:
        interest, volume = ALL_INTEREST[asset] * INTEREST_SHARE[exchange], VOLUME[asset] * INTEREST_SHARE[exchange]
        interest -= COIN_INTEREST[asset] if exchange == "cex_a" else 0.0
    if not coin:
        bid, ask = (side * DEPTH[asset] * DEPTH_SHARE[exchange] for side in (BID, ASK))
    on_spot = spot_volume(exchange, asset) if spot else 0.0
    whole = coin and asset in QUIET
    market: dict[str, Any] = {
        "price": f"${PRICE[asset]:g}", "open_interest": f"{interest / PRICE[asset]:.5g}",
        "perp_daily_volume": money(volume),
        "perp_bid_depth": profile(BID_SHAPE, bid), "perp_ask_depth": profile(ASK_SHAPE, ask),
    }  # fmt: skip
    if whole:
        market |= {"bid_depth_share": "100%", "ask_depth_share": "100%"}  # k; else the scenario's own
    if spot:
        market |= {"spot_daily_volume": money(on_spot), "spot_depth": profile(SPOT_SHAPE, SPOT_DEPTH[asset])}
    else:
        market["spot"] = False
    capital = 1.5e9 * (volume + on_spot) / 53e9
    return {
        "asset": asset, "exchange": exchange, "venue": exchange + PROFILE[asset],
        "market": market, **common(asset, exchange),
        "market_maker": makers(asset, 0.5 * (bid + ask) / 273e6),
        "latent": {
            "perp_cash": money(0.085 * volume), "spot_cash": money(0.085 * on_spot) if spot else "$0",
            "daily_volatility": f"{100 * VOLATILITY[asset]:g}%",
        },
        "dip_buyer": {"cash": money(0.085 * volume), "buyers": 10} | ({} if spot else {"perp_share": "100%"}),
        "arbitrage": {"firms": 4, "capital": money(capital), "share_here": "100%"} if spot else {"enabled": False},
        "leveraged": {
            "accounts": 1000 if coin else 4000 if asset not in QUIET else 2000,
            "notional_cap": money(min(CAP[asset], interest / 20)),
            "conduct": {"stop_round_step": f"${STEP[asset]:g}"},
        } | ({"cex_share": "0%"} if exchange == "dex_a" else {}),
    }  # fmt: skip


def spot_listing(asset: str) -> dict[str, Any]:
    """The dollar exchange's spot book."""
    volume, depth = spot_volume("cex_us", asset), SPOT_DEPTH_US[asset]
    return {
        "asset": asset, "exchange": "cex_us", "quote": "usd", "venue": "cex_us" + PROFILE[asset],
        "market": {
            "perp": False, "price": f"${PRICE[asset]:g}", "spot_daily_volume": money(volume),
            "spot_depth": profile(SPOT_SHAPE, depth),
        },
        **common(asset, "cex_us"), "market_maker": makers(asset, depth / 273e6),
        "latent": {
            "spot_cash": money(0.085 * volume), "perp_cash": "$0", "daily_volatility": f"{100 * VOLATILITY[asset]:g}%",
        },
        "dip_buyer": {"cash": money(0.085 * volume), "buyers": 10, "perp_share": "0%"},
        "arbitrage": {"enabled": False},
    }  # fmt: skip


# Rule o for tokens: their books' mids move so much more than their values, of whose moves the tick is a large part. So
# that firms take 20:20-20:49 for calm (median x of the simulated minutes 0.8 to 1.0, seed 1) [measured on the model].
TOKEN_MOVES = {"usde": 4.0, "usdt": 3.0}


def token(
    name: str,
    exchange: str,
    quote: str,
    venue: str,
    price: float,
    volume: float,
    shape: list[tuple[float, float]],
    sd: float,
) -> dict[str, Any]:
    """A token's spot book."""
    near = max(usd for within, usd in shape if within <= 0.01)
    return {
        "asset": name, "exchange": exchange, "quote": quote, "venue": venue,
        "market": {
            "perp": False, "price": f"${price:g}", "spot_daily_volume": money(volume),
            "spot_depth": [{"within": f"{100 * w:g}%", "notional": money(usd)} for w, usd in shape],
        },
        "background": {"order_size_median": "$3k", "noise_orders_per_side": 24, "metaorders": 20},
        "market_maker": {
            "firms": 2, "rungs_per_side": 6, "capital_median": money(150e6 * near / 273e6),
            "inventory_limit": money(50e6 * near / 273e6), "flow_response_notional": money(near),
            "reference_volatility": f"{100 * sd * TOKEN_MOVES.get(name, 1.0):g}%", "fill_decay": 1.0,
        },
        "latent": {"spot_cash": money(0.085 * volume), "perp_cash": "$0", "daily_volatility": f"{100 * sd:g}%"},
        "dip_buyer": {"cash": money(0.085 * volume), "buyers": 10, "perp_share": "0%"},
        "arbitrage": {"enabled": False}, "trend": {"enabled": False},
    }  # fmt: skip


def listings() -> dict[str, Any]:
    """Every listing; the first is the scenario's own."""
    out: dict[str, Any] = {"btc_cex_a": {"asset": "btc", "exchange": "cex_a"}}
    for asset in PRICE:
        for exchange in ("cex_a", "cex_a_coin", "cex_b", "cex_other", "dex_a"):
            if (asset, exchange) != ("btc", "cex_a"):
                out[f"{asset}_{exchange}"] = perp_listing(exchange, asset, exchange in SPOT_SHARE)
                if (asset, exchange) == ("eth", "cex_a"):  # q: its pool is BTC's, counted once
                    out["eth_cex_a"]["clearing"] = {"fund_scale": 0}
        out[f"{asset}_cex_us"] = spot_listing(asset)
    out["usde_cex_a"] = token(
        "usde", "cex_a", "usdt", "cex_a_token", 1.0, 100e6, [(0.001, 2e6), (0.005, 4e6), (0.05, 8e6)], 0.001
    )
    out["usde_cex_b"] = token(
        "usde", "cex_b", "usdt", "cex_a_token", 1.0, 5e6, [(0.001, 0.5e6), (0.005, 1e6), (0.05, 2e6)], 0.001
    )
    out["lst_cex_a"] = token(
        "lst",
        "cex_a",
        "usdt",
        "cex_a_lst",
        4320.0,
        15e6,
        [(0.005, 0.3e6), (0.01, 0.5e6), (0.05, 1e6)],
        VOLATILITY["eth"],
    )
    out["usdt_cex_us"] = token(
        "usdt", "cex_us", "usd", "cex_us_usdt", 1.0003, 100e6, [(0.0001, 5e6), (0.001, 20e6), (0.01, 40e6)], 0.0005
    )
    return out


def main() -> None:
    """Write the file."""
    FILE.write_text(text(), encoding="utf-8")


def text() -> str:
    """The scenario's text."""
    head = (Path(__file__).parent / "flash_10_11_head.yaml").read_text(encoding="utf-8")
    body = yaml.safe_dump({"listings": listings()}, sort_keys=False, width=150, default_flow_style=None)
    return head + "\n" + body


if __name__ == "__main__":
    main()
