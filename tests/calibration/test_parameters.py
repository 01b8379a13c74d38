"""The parameter page is current and complete, and the list of late knowledge names real settings."""

from calibration.parameters import PAGE, STATUS, comments_of, page, paths_after_the_event, rows_of, written
from sim.scenario.load import load_spec
from sim.scenario.reference import reference_rows
from sim.scenario.spec import NOT_READ, Spec
from sim.settings.venue import VenueSettings
from sim.venues.profile import PROFILES, load_profile, profile_names


def test_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m calibration.parameters"


def test_every_setting_has_one_row():
    scenario, venue = page().split("## Venue profile")
    for model, part in ((Spec, scenario), (VenueSettings, venue)):
        for field in reference_rows(model):
            wanted = (
                0 if ".N." in field.path or ".NAME." in field.path or field.path.partition(".")[0] in NOT_READ else 1
            )
            assert part.count(f"| `{field.path}` |") == wanted, field.path


def test_values_are_those_of_the_scenario():
    spec = load_spec("calm_btc")
    rows = {row.path: row for row in rows_of(Spec, spec.model_dump(mode="python"), {}, frozenset())}
    assert rows["market.price"].value == "116,720"
    assert rows["leveraged.short_shares.retail"].value == "0.38"
    assert rows["market_maker.news_latency"].value == "0.2"
    assert rows["market.spot_depth"].value.startswith("within 0.005 notional 31,000,000; ")


def test_late_knowledge_names_real_settings_and_is_marked():
    known = {field.path for field in reference_rows(Spec)}
    late = paths_after_the_event()
    assert late and late <= known
    for path in late:
        (line,) = (line for line in page().splitlines() if line.startswith(f"| `{path}` |"))
        assert line.split(" | ")[5] == "yes"


def test_every_profile_gives_the_source_of_each_number():
    for name in profile_names():
        found = comments_of(PROFILES / f"{name}.yaml")
        rows = rows_of(VenueSettings, load_profile(name).model_dump(mode="python"), found, frozenset())
        silent = [row.path for row in rows if row.source.startswith("given with its source") and row.value != "none"]
        assert set(silent) <= {"title", "statement"}


def test_memory_is_called_judgement():
    found = comments_of(PROFILES / "cex_a.yaml")
    values = load_profile("cex_a").model_dump(mode="python")
    rows = {row.path: row for row in rows_of(VenueSettings, values, found, frozenset())}
    assert "from memory" in rows["perp.taker_fee"].source
    assert STATUS[rows["perp.taker_fee"].provenance] == "free"
    assert STATUS[rows["perp.tick_usd"].provenance] == "fixed"


def test_written_forms():
    assert written(None) == "none" and written(True) == "yes" and written(20_000) == "20,000"
    assert written(0.0188) == "0.0188" and written(()) == "none"
    assert written(({"a": 1.5, "b": None},)) == "a 1.5 b none"
