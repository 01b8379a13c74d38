"""``aftermath_10_11``: everybody of the slow channels is in it, and none of them is in the evening."""

import sim
from sim.scenario.load import load_spec

DESKS = ("dat", "etf", "fresh_money", "holders", "new_leverage", "stablecoins")
TO_MIDNIGHT = {"duration": "220min"}  # 20:20 to 00:00 UTC


def test_the_evening_is_that_without_funds_companies_and_holders_to_the_bit():
    """MODEL 6.2.17 on the real scenario: no session, cut-off, settlement or midnight falls into it, so nobody trades.
    Fresh money comes at 5% of a day's missing cash each hour, and is switched off on both sides.
    """
    off = {f"{name}.enabled": False for name in DESKS}
    with_them = sim.load("aftermath_10_11", **TO_MIDNIGHT, **{"fresh_money.enabled": False}).run(seed=1)
    without = sim.load("aftermath_10_11", **TO_MIDNIGHT, **off).run(seed=1)
    assert set(with_them.ledgers) == set(DESKS) - {"fresh_money"} and not without.ledgers
    for name in ("series", "bands", "events"):
        assert with_them.hashes[name] == without.hashes[name], name


def test_what_it_reads_of_the_record_ends_with_the_evening():
    """No path after 22:00 UTC of 10 October: funds follow their rule, not dates; premia and supply are free."""
    spec = load_spec("aftermath_10_11")
    assert all(getattr(spec, name).enabled for name in DESKS)
    assert (spec.start_utc.isoformat(), spec.duration) == ("2025-10-10T20:20:00+00:00", 42 * 86_400.0)
    assert spec.news.path == "qqq_2025_10_10" and not spec.macro.enabled and not spec.shocks
    assert spec.etf.flows is None and not spec.stablecoins.changes and not spec.dat.exclusions and not spec.dat.puts
    assert spec.clock.slow_tick == 60.0


def test_two_days_of_it_change_clocks_and_keep_ledgers():
    """To Sunday: holders and stablecoins have had days, companies and funds none."""
    run = sim.load("aftermath_10_11", duration="36h").run(seed=1)
    assert (run.events["kind"] == "clock").any()
    held = run.ledgers["holders"]
    assert held["date"].nunique() >= 1 and (held.loc[held["who"] == "long-term", "coins"] < 0.0).all()
    assert "published" not in set(run.ledgers["etf"]["what"]) and "buy coins" not in set(run.ledgers["dat"]["what"])
