"""Whether settings may change at a fork, known before anything is run."""

from __future__ import annotations

from sim.scenario.spec import Spec


def refuse_fork(early: Spec, late: Spec, fork_s: float) -> None:
    """Refuse a fork that ``SavedState.fork`` would refuse.

    Parameters
    ----------
    early, late : Spec
        What holds up to the fork, and from there on.
    fork_s : float
        Seconds from the start.

    Raises
    ------
    ScenarioError
        One line for each problem.
    """
    if early == late:
        return
    from sim.network import saved as network
    from sim.runner import Scenario, warm
    from sim.snapshot import Snapshot, draft
    from sim.switches import reach_of, refuse_change, refuse_past

    warm()
    start = Scenario(early).run(1, until=0.0).snapshot
    if isinstance(start, Snapshot):
        refuse_past(early, late, fork_s)
        refuse_change(early, late, fork_s, draft(start), lambda one: draft(start, one), reach_of)
        return
    network.refuse_past_of_all(early, late, fork_s)
    before = network.draft(start)
    venues = {name: one.venue for name, one in start.listings.items()}
    drawing = network.Drawing(venues, start.record["start_seed"], (early, before))
    refuse_change(early, late, fork_s, before, drawing.draft, network.reach_of_drafts)
