"""The YAML reader: which text is which value, and that every value knows its place."""

from pathlib import Path

import pytest
import yaml

from sim.settings import reader
from sim.settings.problems import Place
from sim.settings.reader import read_text, resolve

TRAPS = [
    ("1e3", 1000.0),
    ("1E3", 1000.0),
    ("+1.5e-2", 0.015),
    (".5", 0.5),
    ("5.", 5.0),
    ("-7", -7),
    ("0", 0),
    ("017", "017"),
    ("0o17", "0o17"),
    ("0x1F", "0x1F"),
    ("1_000", "1_000"),
    ("8:30", "8:30"),
    ("1:30:00", "1:30:00"),
    ("on", "on"),
    ("NO", "NO"),
    ("y", "y"),
    ("true", True),
    ("False", False),
    ("null", None),
    ("~", None),
    ("", None),
    (".nan", ".nan"),
    (".inf", ".inf"),
    ("1e999", "1e999"),
    ("2025-10-10", "2025-10-10"),
    ("9" * 41, "9" * 41),
    ("<<", "<<"),
    ("=", "="),
    ("1.2.3", "1.2.3"),
    ("25bp", "25bp"),
]


@pytest.mark.parametrize(("text", "value"), TRAPS, ids=[t[:12] or "empty" for t, _ in TRAPS])
def test_plain_text_has_the_value_a_reader_expects(text, value):
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_quoted_text_stays_text():
    assert read_text("a: '5'\nb: \"true\"\nc: |\n  1\n", "f").data == {"a": "5", "b": "true", "c": "1\n"}


@pytest.mark.parametrize("loader", [reader._LOADER, yaml.SafeLoader])
def test_every_value_knows_its_place(loader, monkeypatch):
    monkeypatch.setattr(reader, "_LOADER", loader)
    document = read_text("a: 1\nlist:\n  - x\n  - {b: 2, c: [3, 4]}\n", "f.yaml")
    assert document.data == {"a": 1, "list": ["x", {"b": 2, "c": [3, 4]}]}
    assert document.problems == []
    assert {keys: place[1:] for keys, place in document.places.items()} == {
        (): (1, 1),
        ("a",): (1, 1),
        ("list",): (2, 1),
        ("list", 0): (3, 5),
        ("list", 1): (4, 5),
        ("list", 1, "b"): (4, 6),
        ("list", 1, "c"): (4, 12),
        ("list", 1, "c", 0): (4, 16),
        ("list", 1, "c", 1): (4, 19),
    }


def test_the_nearest_written_place_is_reported():
    document = read_text("a:\n  b: 1\n", "f.yaml")
    assert document.place_of(("a", "c", "d"), Place("top", 1, 1)) == Place("f.yaml", 1, 1)
    assert document.place_of(("z",), Place("top", 9, 9)) == Place("top", 9, 9)


def test_the_value_of_a_duplicate_key_is_dropped():
    document = read_text("a: {b: 1}\na: {b: 2, c: 3}\nd: 4\n", "f.yaml")
    assert document.data == {"a": {"b": 1}, "d": 4}
    assert len(document.problems) == 1


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    document = reader.read_file(path, "f.yaml")
    assert document.data == {"a": 1, "b": 2}
    assert document.places[("b",)] == Place("f.yaml", 2, 1)


def test_reader_never_uses_a_constructor():
    source = Path(reader.__file__).read_text(encoding="utf-8")
    assert "yaml.load" not in source
    assert "compose" not in source
