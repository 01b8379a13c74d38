"""What New York's hours allow within a run: the words of MODEL R9."""

from datetime import timedelta

from sim.calendar_ny import open_time
from sim.errors import DataError
from sim.report.words import duration
from sim.scenario.spec import Spec


def new_york(spec: Spec) -> tuple[str, ...]:
    """One sentence or two on funds, companies and CME within the run; none for days that the calendar does not hold."""
    first = spec.start_utc
    try:
        found = open_time(first, first + timedelta(seconds=spec.duration))
    except DataError:
        return ()
    if found.creations or found.companies:
        return (
            f"Within this run funds can create and redeem shares for {_hours(found.creations)} and listed companies can"
            f" sell shares for {_hours(found.companies)} (New York's hours); neither is modelled, so the outcome says "
            "nothing about ETFs or treasuries.",
        )
    beside = []
    if found.cme:
        until = f" until {found.cme_ends:%H:%M} UTC" if found.cme_ends is not None else ""
        beside.append(f"hedges of ETF makers on CME (open for {_hours(found.cme)}{until})")
    if found.shares:
        beside.append(f"fund shares after hours ({_hours(found.shares)})")
    named = f" Not modelled: {' and '.join(beside)}." if beside else ""
    return (
        "No creation, redemption or corporate trade can occur within this run (New York's hours)."
        f"{named} That ETFs contribute nothing checks the code and says nothing about ETFs.",
    )


def _hours(span: timedelta) -> str:
    return duration(span.total_seconds())
