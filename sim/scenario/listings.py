"""The specification of each listing of a network: the scenario's own settings with the listing's changes laid over."""

from collections.abc import Mapping
from typing import Any

from sim.scenario.spec import EVERYWHERE, INSTITUTIONS, Spec
from sim.scenario.write import spec_to_dict
from sim.settings.network import PATCHED, NetworkSettings
from sim.settings.problems import Document, Keys

OF_THE_WHOLE = frozenset({"listings", "network", "assumptions", "attribution", "sources", "evidence", "shocks"})
"""Groups that a listing does not take over; evidence is that of the first, and so are all shocks but news."""


def listing_specs(spec: Spec) -> dict[str, Spec]:
    """Every listing as a scenario of its own.

    Parameters
    ----------
    spec : Spec
        A checked scenario with listings.

    Returns
    -------
    dict
        Name of the listing to its Spec, in the order of the file; the first leads.
    """
    own, first = spec_to_dict(spec), next(iter(spec.listings), None)
    return {
        name: Spec.model_validate(_patched(own, name, listing.model_dump(mode="json"), is_first=name == first))
        for name, listing in spec.listings.items()
    }


def listing_document(document: Document, name: str, *, is_first: bool) -> Document:
    """The text of one listing as the document of a scenario, each value with the place where it was written."""
    changes = document.data["listings"][name]
    places = {keys: place for keys, place in document.places.items() if keys[:1] != ("listings",)}
    at: Keys = ("listings", name)
    for keys, place in document.places.items():
        if keys[:2] == at and (len(keys) == 2 or keys[2] in (*PATCHED, "venue", "shocks")):
            places[keys[2:]] = place
    return Document(_patched(document.data, name, changes, is_first=is_first), places, [])


def _patched(own: Mapping[str, Any], name: str, changes: Mapping[str, Any], *, is_first: bool) -> dict[str, Any]:
    left_out = OF_THE_WHOLE - {"shocks", "evidence"} if is_first else OF_THE_WHOLE
    data = {key: value for key, value in own.items() if key not in left_out}
    data["name"] = name
    for group in (INSTITUTIONS - EVERYWHERE) & data.keys():
        wanted = data[group].get("listing") if isinstance(data[group], Mapping) else None
        if not (is_first if wanted is None else wanted == name):
            del data[group]
    if not is_first:
        network = own.get("network")
        wanted = network.get("record_every") if isinstance(network, Mapping) else None
        data["record_every"] = wanted or NetworkSettings.model_fields["record_every"].default
    of_all = own.get("shocks") if isinstance(own.get("shocks"), (list, tuple)) else ()
    if not is_first:
        mine = changes.get("shocks") if isinstance(changes.get("shocks"), (list, tuple)) else ()
        news = [shock for shock in of_all or () if isinstance(shock, Mapping) and shock.get("kind") == "news_move"]
        data["shocks"] = [*(mine or ()), *news]  # its own first, as they stand in the file
    if changes.get("venue") is not None:
        data["venue"] = changes["venue"]
    for group in PATCHED:
        if changes.get(group):
            data[group] = _over(data.get(group) or {}, changes[group])
    return data


def _over(lower: Any, upper: Any) -> Any:
    """Mappings merge, everything else replaces."""
    if isinstance(lower, Mapping) and isinstance(upper, Mapping):
        return {**lower, **{key: _over(lower.get(key), value) for key, value in upper.items()}}
    return upper
