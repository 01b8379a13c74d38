"""A book of positions as a file: what is read, and what is refused with file, line and cure."""

import pytest

from sim.errors import DataError
from sim.risk.lines import OWN, read_book
from sim.runner import load
from tests.network.small import spec_of
from tests.shell.files import ROOT

SPEC = load("calm_btc").spec


def book(tmp_path, text: str, spec=SPEC):
    path = tmp_path / "book.csv"
    path.write_text(text)
    return read_book(path, spec)


def test_lines_with_units_and_defaults(tmp_path):
    spot, perp, loan, cash = book(
        tmp_path,
        "name,kind,usd,side,leverage,venue,hedge,debt,call_ltv,liquidation_ltv\n"
        "coins,spot,$1m,,,,h,,,\n,perp,1000000,short,5,,h,,,\nloan,loan,2e6,,,,,1e6,0.7,0.8\nc,cash,$50k,,,cex_a,,,,\n",
    )
    assert (spot.usd, spot.venue, spot.side) == (1e6, OWN, 1)
    assert (perp.name, perp.side, perp.collateral, perp.venue, perp.mode) == ("perp_3", -1, 2e5, "cex_a", "isolated")
    assert (loan.debt, loan.call_ltv) == (1e6, 0.7) and cash.usd == 50_000


def test_collateral_makes_the_leverage(tmp_path):
    (perp,) = book(tmp_path, "kind,usd,side,collateral\nperp,1e6,long,250000\n")
    assert perp.leverage == 4.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind,usd,size\nspot,1,1\n", "line 1: unknown column 'size'; columns are name, kind"),
        ("kind\nspot\n", "line 1: no column kind and usd"),
        ("kind,usd\n", "0 lines: give 1 to"),
        ("kind,usd\noption,1\n", "line 2: kind is 'option': one of spot, perp"),
        ("kind,usd,side\nspot,1,\nperp,5,long\n", "line 3: a perp needs either leverage or collateral"),
        ("kind,usd\nperp,5\n", "line 2: a perp needs side"),
        ("kind,usd\nspot,many\n", "line 2: usd is 'many': a number, such as 5000000 or \\$5m"),
        ("kind,usd\nspot,-1\n", "line 2: usd is -1: a number above 0; a short is side short"),
        ("kind,usd,side,leverage\nperp,1e6,long,900\n", "line 2: perp_2: leverage 900: cex_a allows 1 to 75 for"),
        (
            "kind,usd,side,leverage,venue\nperp,1e6,long,9,moon\n",
            "a perp lies where it is listed, on cex_a, not on moon",
        ),
        ("kind,usd,venue\ncash,1e6,moon\n", "line 2: venue 'moon' is not in calm_btc: cex_a, own"),
        ("kind,usd,listing\nspot,1e6,moon\n", "line 2: spot_2: listing 'moon' is not in calm_btc: it has one market"),
        ("kind,usd,debt,call_ltv,liquidation_ltv\nloan,1,0.9,0.8,0.85\n", "line 2: debt is 0.9 of the collateral"),
        ("kind,usd\ndat,1e6\n", "line 2: a dat needs beta"),
        ("name,kind,usd\na,spot,1\na,spot,1\n", "line 3: 'a' is named twice"),
        ("kind,usd\nspot,1,1\n", "line 2: 2 cells are asked for"),
    ],
)
def test_a_bad_row_is_refused_with_file_line_and_cure(tmp_path, text, why):
    with pytest.raises(DataError, match=why) as told:
        book(tmp_path, text)
    assert "book.csv" in str(told.value)


def test_listings_and_venues_of_a_network(tmp_path):
    spec = spec_of(tmp_path, {"btc_a": {"asset": "btc", "exchange": "a"}, "btc_b": {"asset": "btc", "exchange": "b"}})
    text = "kind,usd,side,leverage,listing,venue\nperp,1e6,short,5,btc_b,\nspot,1e6,,,btc_a,a\ncash,1e5,,,,b\n"
    perp, spot, cash = book(tmp_path, text, spec)
    assert (perp.venue, spot.venue, cash.venue) == ("b", "a", "b")
    with pytest.raises(DataError, match="line 2: venue 'c' is not in small: a, b, own"):
        book(tmp_path, "kind,usd,venue\ncash,1,c\n", spec)


def test_there_is_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read as a CSV file"):
        read_book(ROOT / "no_such_book.csv", SPEC)
