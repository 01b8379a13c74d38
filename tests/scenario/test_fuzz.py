"""QUALITY S3: whatever the text, loading ends in a Spec or in a ScenarioError, soon."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.errors import ScenarioError
from sim.scenario.load import load_spec
from sim.scenario.spec import Spec
from sim.settings.complaints import field_paths
from tests.scenario.broken import HEAD

EXAMPLES = int(os.environ.get("SHOAL_FUZZ_EXAMPLES", "1000"))
SCALARS = st.one_of(
    st.sampled_from(
        [
            "1e3",
            "8:30",
            "on",
            "~",
            "25bp",
            "$1bn",
            "1h",
            "-1",
            "1e308",
            ".nan",
            "*a",
            "&a",
            "!!int 3",
            "[",
            "{",
            "}",
            "? a",
        ]
    ),
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(repr),
)
LINES = st.tuples(
    st.integers(0, 3), st.sampled_from([*field_paths(Spec), "kind", "at", "over", "extends"]), SCALARS
).map(lambda line: f"{'  ' * line[0]}{line[1].rsplit('.', 1)[-1]}: {line[2]}\n")


def _only_our_own_error(path: Path, changes: list[str] | None = None) -> None:
    try:
        spec = load_spec(path, changes or [])
    except ScenarioError as error:
        problems = error.problems
    else:
        assert isinstance(spec, Spec)
        return
    assert problems
    assert all(problem.isprintable() for problem in problems)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "f.yaml"


slow_file = settings(max_examples=EXAMPLES, deadline=2000, suppress_health_check=[HealthCheck.too_slow])


@slow_file
@given(content=st.binary(max_size=200))
def test_random_bytes(path, content):
    path.write_bytes(content)
    _only_our_own_error(path)


@slow_file
@given(text=st.text(alphabet=st.sampled_from("abc:- \n\t[]{}\"'#&*!|>%@`,?.0123456789eE+$~<=/\\\r\x00é"), max_size=120))
def test_random_yaml_like_text(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    _only_our_own_error(path)


@slow_file
@given(lines=st.lists(LINES, max_size=8))
def test_random_settings(path, lines):
    path.write_text(HEAD + "".join(lines), encoding="utf-8", errors="replace", newline="")
    _only_our_own_error(path)


@slow_file
@given(keys=st.sampled_from(field_paths(Spec)), tail=st.sampled_from(["", ".0", ".x", "."]), value=SCALARS)
def test_random_changes(path, keys, tail, value):
    path.write_text(HEAD)
    _only_our_own_error(path, [f"{keys}{tail}={value}"])
