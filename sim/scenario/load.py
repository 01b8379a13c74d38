"""From a scenario file, what it extends and what ``--set`` changes to a checked ``Spec``; all errors at once."""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path

from sim.calendar_ny import why_closed
from sim.scenario.chain import find_scenario, read_chain
from sim.scenario.lenders import lender_problems
from sim.scenario.listings import listing_document
from sim.scenario.overrides import apply_overrides
from sim.scenario.own_csv import read_own_csv
from sim.scenario.places import recorded_names
from sim.scenario.spec import Spec
from sim.settings.complaints import check
from sim.settings.network import PATCHED
from sim.settings.problems import Document, Keys, Place, Problem, no_such, refusal
from sim.venues.profile import OWN_PROFILES, load_profile, profile_names

_LOWEST_TICKS = 1_000  # a tick is then 10 bp of the price at most; coarser, distances in basis points mean nothing
_MOST_WINDOW_TICKS = 1 << 17  # of a book's ladder over twice window_half around the starting price (DECISIONS 10)


def load_spec(name_or_path: str | Path, overrides: Mapping[str, object] | Sequence[str] = ()) -> Spec:
    """Read a scenario.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped scenario ("calm_btc") or path of a YAML file.
    overrides : mapping or sequence of str
        Changes after the file is read: ``{"market.price": "$100k"}`` with plain values, or ``["market.price=$100k"]``
        as ``--set`` takes them. A later one wins.

    Returns
    -------
    Spec
        Checked and frozen, defaults filled in, quantities in seconds, dollars and fractions.

    Raises
    ------
    ScenarioError
        With one line for each problem: ``file:line:col: path: sentence``.
    """
    path, shown = find_scenario(name_or_path)
    document = read_chain(path, shown)
    apply_overrides(document, overrides)
    read_own_csv(document, Path(), inside=False)  # those that overrides name; those of files have been read
    return checked_spec(document, shown)


def checked_spec(document: Document, shown: str) -> Spec:
    """Validate a document whose changes are written in, and compare it with the files that it names.

    Raises
    ------
    ScenarioError
        With one line for each problem.
    """
    spec, problems = check(Spec, document, shown)
    if spec is not None:
        problems = _outside_problems(spec, document, shown) or _listing_problems(spec, document, shown)
        problems = problems or _channel_problems(spec, document, shown)
    if spec is None or problems:
        raise refusal(problems)
    return spec


def _listing_problems(spec: Spec, document: Document, shown: str) -> list[Problem]:
    """What is wrong with the scenario of each listing, at the lines of its changes."""
    found: dict[Problem, None] = {}
    top = Place(shown, 1, 1)
    if not spec.listings and not spec.market.spot:
        why = "a market of its own needs a spot book for its index: leave it on, or add listings (docs/network.md)"
        return [Problem(document.place_of(("market", "spot"), top), ("market", "spot"), why)]
    token = spec.dollar_token
    if token.enabled and token.priced_in is not None and token.priced_in not in spec.listings:
        keys: Keys = ("dollar_token", "priced_in")
        why = (
            no_such("listing", token.priced_in, tuple(spec.listings))
            if spec.listings
            else "there are none: leave it out"
        )
        return [Problem(document.place_of(keys, top), keys, why)]
    for name, listing in list(spec.listings.items())[:1]:
        for group in ("venue", "shocks", *PATCHED):
            if getattr(listing, group):
                why = "the first listing is the scenario's own market: change the scenario itself"
                keys = ("listings", name, group)
                found[Problem(document.place_of(keys, top), keys, why)] = None
    for k, name in enumerate(spec.listings):
        inner = listing_document(document, name, is_first=k == 0)
        one, problems = check(Spec, inner, shown)
        if one is not None:
            problems = _outside_problems(one, inner, shown)
        at = document.place_of(("listings", name), top)
        for problem in problems:
            place = problem.place if problem.place.line or not at.line else at
            found[Problem(place, ("listings", name, *problem.keys), problem.sentence)] = None
    return list(found)


def _channel_problems(spec: Spec, document: Document, shown: str) -> list[Problem]:
    """What is wrong with the scenario in which a channel of one's own is off, at the lines of that channel."""
    found: list[Problem] = []
    for k, channel in enumerate(spec.attribution.own):
        at: Keys = ("attribution", "own", k, "off")
        inner = Document(deepcopy(document.data), dict(document.places), [])
        del inner.data["attribution"]
        apply_overrides(inner, channel.off)
        one, problems = check(Spec, inner, shown)
        if one is not None:
            problems = _outside_problems(one, inner, shown) or _listing_problems(one, inner, shown)
        for problem in problems:
            path = problem.place.file.removeprefix("override ")
            keys = (*at, path) if path in channel.off else at
            said = f"{'.'.join(map(str, problem.keys))}: {problem.sentence}" if problem.keys else problem.sentence
            found.append(Problem(document.place_of(keys, Place(shown, 1, 1)), keys, said))
    return found


def _outside_problems(spec: Spec, document: Document, shown: str) -> list[Problem]:
    """Compare a sound Spec with the files it names: venue profile, news path, evidence."""
    wrong: list[tuple[Keys, str]] = []
    if spec.venue in profile_names():
        wrong += _price_problems(spec)
    else:
        why = no_such("venue profile", spec.venue, profile_names())
        own = f"; profiles of your own lie in the folder that {OWN_PROFILES} names"
        wrong.append((("venue",), why if "did you mean" in why else why + own))
    if isinstance(spec.news.path, str) and spec.news.path not in (known := recorded_names("return_bp")):
        wrong.append((("news", "path"), no_such("recorded index path", spec.news.path, known)))
    if isinstance(spec.holders.start, str) and spec.holders.start not in (known := recorded_names("age_days")):
        wrong.append((("holders", "start"), no_such("table of coins", spec.holders.start, known)))
    for i, day in enumerate(spec.macro.path):
        if why_not := why_closed(day.date):
            wrong.append((("macro", "path", i, "date"), f"{why_not}: leave the day out"))
    if spec.lending.enabled and not spec.listings:
        wrong += [(("lending", key), why) for key, why in lender_problems(spec.lending, spec.market.price)]
    if spec.evidence is not None and spec.evidence not in (known := recorded_names("close_usd")):
        wrong.append((("evidence",), no_such("recorded prices", spec.evidence, known)))
    problems = [Problem(document.place_of(keys, Place(shown, 1, 1)), keys, sentence) for keys, sentence in wrong]
    return sorted(problems, key=lambda problem: problem.place)


def _price_problems(spec: Spec) -> list[tuple[Keys, str]]:
    """The price must be neither too coarse nor too fine for the ticks of the venue's books."""
    venue = load_profile(spec.venue)
    for name, tick_usd in (("perp", venue.perp.tick_usd), ("spot", venue.spot.tick_usd)):
        lowest, highest = _LOWEST_TICKS * tick_usd, _MOST_WINDOW_TICKS * tick_usd / (2.0 * venue.window_half)
        if not lowest <= spec.market.price <= highest:
            why = (
                f"${spec.market.price:g} does not suit the {name} book of {spec.venue} with its tick of ${tick_usd:g}: "
                f"choose ${lowest:g} to ${math.floor(highest)}, or a venue with another tick"
            )
            return [(("market", "price"), why)]
    return []
