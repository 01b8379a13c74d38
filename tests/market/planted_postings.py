"""Faults planted one at a time into the kernels that post, for the storm to find. Run with the JIT off; prints what it
says.

Each fault is (module, text as it stands, text as it would be wrong). The module is built anew from its changed source.
"""

import importlib
import importlib.util
import sys
from types import ModuleType

CASH, FUND = '["cash_micro"]', 'ld.accounts[FUND]["cash_micro"]'
FAULTS = {
    "fees vanish": ("ledger", f"accounts[FEES]{CASH} + amount_micro", f"accounts[FEES]{CASH}"),
    "a maker pays no fee": ("ledger", "maker_fee_ppm(ld, b, maker)))", "ZERO))"),
    "fees are rounded down": ("ledger", "- ((-(rest * rate_ppm)) // MILLION)", "+ rest * rate_ppm // MILLION"),
    "a maker gets a micro-dollar less": ("ledger", f"[maker]{CASH} + paid", f"[maker]{CASH} + paid - ONE"),
    "a transfer pays twice": ("ledger", f"[giver]{CASH} + value", f"[giver]{CASH} + TWO * value"),
    "a transfer is not settled": ("ledger", "move_position(ld, giver, -lots, -value)", "ZERO"),
    "the fund leaves the cash": ("fund", "(bk, ld, a, FUND, lots, -cash)", "(bk, ld, a, FUND, lots, ZERO)"),
    "a counterparty is turned around": ("adl", "lots = min(left, abs(held))", "lots = left"),
    "counterparties pay before the fund": ("adl", "if borne != ZERO:", "if borne < ZERO:"),
    "funding keeps its remainder": ("funding", f"{CASH} + left", CASH),
    "funding is rounded for who pays": (
        "funding",
        "-pro_rata(-owed if rate_ppb >= ZERO else owed",
        "pro_rata(owed if rate_ppb >= ZERO else -owed",
    ),
    "the clearance fee is lost": ("engines", f"{FUND} + fee", FUND),
    "cash is locked and stays": ("guests", 'account["free_micro"] - r.spot_micro', 'account["free_micro"]'),
    "a filled bid stays locked": ("guests", 'account["free_micro"] = r.spot_micro', 'account["free_micro"] += ZERO'),
    "a partial fill takes nothing off": ("matching", 'order["lots"] = resting - lots', 'order["lots"] = resting'),
    "a maker's position stands still": ("matching", "bk.positions[b, maker_owner] += signed", "signed += ZERO"),
}
PACKAGES = (
    "sim.kernels",
    "sim.behaviours",
    "sim.tick",
    "sim.state",
    "sim.rng",
    "tests.market",
    "tests.reference_market",
)
EVENTS, MARKETS = 400, 40


def forget() -> None:
    """Unload everything that might hold a kernel."""
    for name in [n for n in sys.modules if n.startswith(PACKAGES)]:
        if name not in (__name__, "sim.kernels._jit"):
            del sys.modules[name]


def plant(module: str, old: str, new: str) -> ModuleType:
    """Import a kernel module with one text replaced."""
    name = f"sim.kernels.{module}"
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.loader is not None
    source = spec.loader.get_source(name)  # type: ignore[attr-defined]
    assert source.count(old) == 1, (module, old, source.count(old))
    changed = importlib.util.module_from_spec(spec)
    sys.modules[name] = changed
    exec(compile(source.replace(old, new), name, "exec"), changed.__dict__)
    return changed


def found() -> str:
    """What the storm says of the kernels as they are now; nothing when every law holds."""
    storm = importlib.import_module("tests.market.test_storm").storm
    for seed in range(MARKETS):
        held, what, _ = storm(seed, EVENTS)
        if held < EVENTS:
            return f"{what} (market {seed}, event {held + 1})"
    return ""


if __name__ == "__main__":
    for fault, change in FAULTS.items():
        forget()
        plant(*change)
        print(f"{fault}: {found()}", flush=True)
