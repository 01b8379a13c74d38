"""A scenario at another hour or on another day: what activity and depth are then, against when the scenario was.

Activity (background volume, and the noise of the news value) follows the mean absolute five-minute move of BTC by UTC
hour, on weekdays and at weekends, measured on October to December 2025 without the event
(``calibration/derived/rhythm_btc.csv``). MODEL 6.1 row 15 asks for a peak at 13 to 16 UTC and 0.5 to 0.7 at weekends.

Visible depth follows two published points of Binance BTC/FDUSD, within 10 bp, July and August 2025 (Amberdata, "The
Rhythm of Liquidity", as https://www.bobsguide.com/why-timing-matters-more-than-ever-in-crypto-trading tells it): the
most at 11:00 UTC, $3.86m, the least at 21:00 UTC, $2.36m; a half cosine each way between them is own judgement. By
weekday no figure was found (Kaiko, 2025: least in midweek, most on Fridays, no longer thinnest at weekends), so that
depth is the same on all days.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sim import evidence
from sim.errors import ScenarioError
from sim.ingest.fragment import Fragment
from sim.scenario.load import load_spec

PEAK, TROUGH = (11.0, 3.86), (21.0, 2.36)  # UTC hour, $m within 10 bp
WINDOW = timedelta(hours=2)  # of which the means of both are compared: that in which the shock falls
STEP = timedelta(minutes=1)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SATURDAY = 5
_DAY_AND_TIME = re.compile(rf"({'|'.join(DAYS)})\w* ([01]?\d|2[0-3]):([0-5]\d)", re.IGNORECASE)


def depth_level(moment: datetime) -> float:
    """Visible depth by time of day, $m within 10 bp of mid on the book that was measured: only ratios matter.

    Parameters
    ----------
    moment : datetime
        UTC.
    """
    hour = moment.hour + moment.minute / 60.0 + moment.second / 3600.0
    falls = (TROUGH[0] - PEAK[0]) % 24.0
    since = (hour - PEAK[0]) % 24.0
    phase = since / falls if since <= falls else 1.0 + (since - falls) / (24.0 - falls)
    return (PEAK[1] + TROUGH[1]) / 2.0 + (PEAK[1] - TROUGH[1]) / 2.0 * math.cos(math.pi * phase)


def ratios(old: datetime, new: datetime) -> tuple[float, float]:
    """Activity and visible depth in the two hours from ``new`` on over those from ``old`` on.

    Parameters
    ----------
    old, new : datetime
        UTC.

    Raises
    ------
    DataError
        When the measured table is missing.
    """
    weekday, weekend = evidence.rhythm("rhythm_btc")
    looks = [STEP * k for k in range(WINDOW // STEP)]

    def activity(start: datetime) -> float:
        moments = [start + look for look in looks]
        return math.fsum((weekend if at.weekday() >= SATURDAY else weekday)[at.hour] for at in moments)

    def depth(start: datetime) -> float:
        return math.fsum(depth_level(start + look) for look in looks)

    return activity(new) / activity(old), depth(new) / depth(old)


def moment_after(old: datetime, text: str) -> datetime:
    """What ``--to`` means: "Sun 11:00" (UTC, the first from ``old`` on), or an instant such as 2025-10-12T11:00Z.

    Raises
    ------
    ScenarioError
        When it is neither.
    """
    written = text.strip()
    day = _DAY_AND_TIME.fullmatch(written)
    if day is not None:
        at = old.replace(hour=int(day[2]), minute=int(day[3]), second=0, microsecond=0)
        at += timedelta(days=(DAYS.index(day[1][:3].capitalize()) - at.weekday()) % 7)
        return at if at >= old else at + timedelta(days=7)
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ScenarioError(
            f'--to {written[:40]!r}: expected a day and a time of day in UTC such as "Sun 11:00", or an instant such'
            " as 2025-10-12T11:00Z"
        )
    return instant.astimezone(UTC)


def moved(scenario: str, to: str) -> Fragment:
    """The same shocks and news from another hour of the week on.

    Start, volumes, the noise of news and visible depth change; shares that a scenario was given (its books were thinner
    than its hour's), latent orders, open interest and makers' rules stay. News paths and shocks count from the start,
    so they come along; sessions of New York do not, and neither does recorded evidence.

    Parameters
    ----------
    scenario : str
        Name of a shipped scenario, or path of a YAML file.
    to : str
        As ``moment_after`` reads it.

    Returns
    -------
    Fragment
        Its ``text(name)`` is a scenario file that extends the other.

    Raises
    ------
    ScenarioError
        For a scenario with several listings, or a time that is not readable.
    DataError
        When the measured table is missing.
    """
    spec = load_spec(scenario)
    if spec.listings:
        raise ScenarioError(
            f"{scenario}: has {len(spec.listings)} listings with depths of their own, and one rhythm for all of them"
            " was not measured: move a scenario of one market"
        )
    old = spec.start_utc.astimezone(UTC)
    new = moment_after(old, to)
    activity, depth = ratios(old, new)
    market = spec.market
    when = f"{DAYS[new.weekday()]} {new:%H:%M}"
    body = (
        f"start_utc: {new:%Y-%m-%dT%H:%M:%SZ}   # {when} UTC, from {DAYS[old.weekday()]} {old:%H:%M}",
        "evidence: null                    # the recorded minutes are those of the other hour",
        "",
        f"market:                           # activity x{activity:.4g}, visible depth x{depth:.4g} (docs/rhythm.md)",
        f"  perp_daily_volume: ${market.perp_daily_volume * activity / 1e6:.6g}m",
        f"  spot_daily_volume: ${market.spot_daily_volume * activity / 1e6:.6g}m",
        f"  depth_scale_visible: {market.depth_scale_visible * depth:.6g}",
        "",
        "news:",
        f"  noise_per_day: {spec.news.noise_per_day * 100.0 * activity:.6g}%",
    )
    head = (
        f"{spec.name} from {when} UTC on instead of {DAYS[old.weekday()]} {old:%H:%M}: volumes, noise and visible depth"
        " of that hour, all else the same.",
    )
    name = scenario if not scenario.endswith((".yaml", ".yml")) else Path(scenario).name
    return Fragment(name, f"{spec.title[:90]}: from {when} UTC on", head, body, {})
