"""The report: self-contained, escaped, deterministic, honest about seeds."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from sim.cli import run as run_command
from sim.metrics import price
from sim.report import figures, page, scorecard, tables, words
from sim.report.recorded import Recorded, load_recorded, simulated_shares
from sim.results import Ensemble
from sim.targets import ALONE, targets
from sim.venues.profile import load_profile
from tests.report.conftest import made_run, made_spec

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '<a href="javascript:alert(1)">x</a>',
    "<iframe src=javascript:alert(1)></iframe>",
    "<body onload=alert(1)>",
    "<math><mi xlink:href='data:x,<script>alert(1)</script>'>",
    "{{ 7*7 }}{% for a in b %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<!--><script>alert(1)</script-->",
]


class Outline(HTMLParser):
    """Tags, attributes that load or run something, and visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [
            str(v)
            for k, v in attrs
            if k in ("src", "href", "action", "srcset", "data", "xlink:href", "style") or k.startswith("on")
        ]

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def files(ensemble):
    return page.page_files(ensemble.runs, ensemble.run_id)


@pytest.fixture(scope="module")
def html(files):
    return files["report.html"].decode()


def test_the_page_loads_nothing_and_runs_nothing(files, html):
    outline = Outline(html)
    assert "script" not in outline.tags and "link" not in outline.tags and "iframe" not in outline.tags
    assert outline.links and all(link.startswith("data:image/") for link in outline.links)
    for name, data in files.items():
        if name.endswith(".svg"):
            assert re.findall(rb'(?:href|src)="(?!#|data:image/png)([^"]*)"', data) == [], name
            assert b"<script" not in data and b"<!DOCTYPE" not in data and b"<metadata" not in data
    assert len(html) < 3_000_000


def test_the_style_is_the_one_the_policy_names(html):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    css = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert policy.replace("&#39;", "'").startswith("default-src 'none'; img-src data:;")
    assert f"sha256-{digest}" in policy


def test_the_same_runs_give_the_same_bytes(ensemble, files):
    again = page.page_files(Ensemble(tuple(made_run(seed, every_s=5) for seed in (1, 2, 3))).runs, ensemble.run_id)
    assert {name: hashlib.sha256(data).hexdigest() for name, data in again.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }


def rendered(run) -> str:
    return page.render((run,), run.run_id, None, {})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_user_writes_stays_text(payload):
    harmless = made_run(1, made_spec(duration="20min", title="plain", description="plain"))
    hostile = made_run(1, made_spec(duration="20min", title=payload[:120], description=payload))
    before, after = Outline(rendered(harmless)), Outline(rendered(hostile))
    assert after.tags == before.tags and after.links == before.links
    assert payload[:120] in "".join(after.words)  # shown as it was written
    assert payload not in hostile._repr_html_() or not re.search(r"[<>]", payload)


def test_control_sequences_are_stripped():
    assert words.plain_text("a\x1b[31mred\x1b[0m b\x07\x1b]0;title\x07c\x9b1m") == "ared bc1m"
    assert words.plain_text("line\nnext\ttab") == "line\nnext\ttab"


def test_every_figure_and_the_head_carry_run_id_and_seeds(ensemble, html):
    text = "".join(Outline(html).words)
    assert f"run {ensemble.run_id}" in text.replace("\n", " ") or ensemble.run_id in text
    assert "3 seeds (1, 2, 3)" in text
    assert html.count(f"Run {ensemble.run_id}, 3 seeds") == 10 + 1  # ten figures, one footer
    from sim.report import figures, heatmap

    for figure in page.draw(ensemble.runs, ensemble.run_id, None).values():
        note = figure.get_supxlabel()
        figure.canvas.draw()
        box = figure._supxlabel.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width  # nothing of it is cut off
        assert ensemble.run_id in note and "not a forecast" in note and ("3 seeds" in note or "one seed of 3" in note)
    assert "one seed (seed 1) of any number" in figures.price_figure(ensemble.runs[:1], "x").get_supxlabel()
    assert heatmap.median_run(ensemble.runs).seed in ensemble.seeds


def test_one_seed_is_called_one_seed(run):
    text = "".join(Outline(rendered(run)).words)
    assert "One seed of any number" in text and "median over" not in text


def test_words_are_honest(html):
    text = "".join(Outline(html).words).lower()
    assert "scenario outcome" in text and "probability" not in text
    assert text.count("forecast") == text.count("not a forecast")


def test_the_hours_of_new_york_are_said_of_the_run_itself(html):
    """From 20:20 UTC on Friday 10 October, two hours: CME for 40 minutes of them."""
    text = " ".join("".join(Outline(html).words).split())
    assert "No creation, redemption or corporate trade can occur within this run" in text
    assert "CME (open for 40 min until 21:00 UTC)" in text and "says nothing about ETFs" in text


def test_every_setting_is_listed_with_provenance_and_source(run):
    rows = {p.name: p for p in tables.parameters(run.spec)}
    assert rows["market.price"].value == "$116,720" and rows["market.price"].provenance == "measured"
    assert (
        rows["market.perp_bid_depth"].value
        == "within 1 %, notional $305m; within 2 %, notional $698m; within 5 %, notional $1.197bn"
    )
    assert all(p.provenance and p.source and p.meaning for p in rows.values())
    changed = {p.name: p for p in tables.parameters(made_spec(market={"price": "$100k", "bid_depth_share": 0.55}))}
    assert (changed["market.price"].value, changed["market.price"].default) == ("$100,000", "$116,720")
    assert (
        changed["market.bid_depth_share"].provenance == "scenario"
        and changed["market.bid_depth_share"].default == "100 %"
    )
    assert not changed["market.open_interest"].default
    assert any(p.name == "engine.clearance_fee" for p in tables.parameters(load_profile("cex_a")))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.2345e9, "USD", "$1.234bn"),
        (-639.0, "USD", "-$639"),
        (-0.1234, "fraction", "-12.3 %"),
        (1.4e-7, "fraction", "less than 0.0001 %"),
        (12345.6, "BTC", "12,346 BTC"),
        (float("nan"), "USD", "none"),
        (float("inf"), "s", "never"),
        (1323.0, "accounts", "1,323"),
        (0.00857, "bp", "0.00857 bp"),
    ],
)
def test_amounts_read_well(value, unit, text):
    assert words.amount(value, unit) == text


def test_a_page_survives_a_run_without_events_or_profiles():
    run = made_run(1, made_spec(duration="10min"))
    bare = type(run)(
        run.spec,
        1,
        run.tables._replace(bands=run.bands.iloc[:0], events=run.events.iloc[:0]),
        run.constants,
        run.hashes,
        run.timing,
        run.origin,
    )
    assert "figures/book.svg" not in page.page_files((bare,), "x")


def test_plot_and_report_of_a_run(run, tmp_path):
    assert run.plot().axes
    assert run.report(tmp_path / "deep" / "page.html").read_text().startswith("<!doctype html>")


def made_record(run, scale: float = 1.0) -> Recorded:
    """A record cut out of a run's own path: closes each minute, and its own depth shares times ``scale``."""
    ends_s, closes = price.last_in_each(run.series["elapsed_s"].to_numpy(), run.series["mark_usd"].to_numpy(), 60.0)
    minutes = ends_s[1:] - 60.0
    unknown = np.where((minutes >= 3540) & (minutes < 4260), np.nan, 0.02)  # bids of 21:19 to 21:31 are unknown
    bare = Recorded("made_up", ends_s, closes, minutes, unknown, unknown, np.full(minutes.size, 0.03), unknown)
    bid, ask = simulated_shares(run, bare)
    return bare._replace(bid_share=bid * scale, ask_share=ask * scale)


@pytest.fixture(scope="module")
def replay():
    """Three seeds of a made-up walk that names evidence, and a record to lay beside it."""
    spec = made_spec(evidence="btc_2025_10_10")
    runs = tuple(made_run(seed, spec, every_s=5) for seed in (1, 2, 3))
    return runs, made_record(runs[0])


def test_every_row_of_the_flash_and_the_aftermath_is_shown_with_a_verdict_and_none_is_hidden(replay):
    card = scorecard.Scorecard(*replay)
    shown = card.rows("F", "A")
    assert [(r.id, r.name) for r in shown] == [
        (t.id, t.name) for t in targets() if t.id[0] in "FA" and t.role != "do_not_use"
    ]
    rows = {(r.id, r.name): r for r in shown}
    fall = rows["F1", "drop from 20:49 to the low"]
    assert fall.verdict == "pass" and fall.recorded == "-12.3 (coin-M), -12.8 (USDT-M)"
    assert fall.spread.endswith("n = 3; 3 inside")
    low = rows["F3", "time from the headline to the low"]
    assert low.verdict == "pass" and float(low.simulated) == pytest.approx(30.0, abs=0.2)
    deep = rows["F16", "ask depth, 21:20 to 21:31"]
    assert deep.verdict == "miss" and "withdraw" in deep.note  # the made-up book stays deep
    late = rows["F17", "bid depth, 23:55"]
    assert late.verdict == "not measurable" and late.note.startswith("no value in this run")
    alts = rows["F7", "altcoin drop on Coinbase, median of 17"]
    assert alts.verdict == "not measurable" and alts.note == ALONE
    assert rows["F13", "bid depth, 20:30"].verdict.endswith("(input)")
    assert all(r.note for r in shown if r.verdict == "not measurable")


def test_a_run_with_listings_measures_the_rows_of_several_markets(replay):
    """The book of cex_us falls as the first market does, a perp of cex_a loses of its fund, the rest has no listing."""
    _, record = replay
    at = {"us": {"asset": "thin", "exchange": "cex_us"}, "a": {"asset": "btc", "exchange": "cex_a"}}
    spec = made_spec(evidence="btc_2025_10_10", listings=at)
    parts = {name: made_run(seed, every_s=5) for seed, name in enumerate(at, start=1)}
    card = scorecard.Scorecard([replace(parts["us"], spec=spec, listings=parts)], record)
    rows = {(r.id, r.name): r for r in card.rows("F")}
    low = rows["F7", "altcoin drop on Coinbase, median of 17"]
    alone = rows["F1", "drop from 20:49 to the low"]
    assert float(low.simulated) == pytest.approx(float(alone.simulated), abs=0.15) and low.verdict == "miss"
    assert low.estimator.startswith("alt_drop_us: Median over the altcoins")
    assert rows["F8", "altcoin drop, Binance coin-M, median of 12"].note.startswith("no listing of this run")
    assert float(rows["F44", "insurance funds of Binance, all contracts, change"].simulated) < 0.0
    assert json.loads(json.dumps(card.plain(), allow_nan=False))["rows"]


def test_the_score_is_stated_with_onset_and_joint_fall(replay):
    card = scorecard.Scorecard(*replay)
    score, together, start = card.sentences()
    assert "rows reproduced with no parameter set from them" in score
    assert together.startswith("F1 and F2 jointly") and " of 3 seeds" in together
    assert "never by midnight 0" in start
    plain = card.plain()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["share_of_seeds_in_f1_and_f2"] == card.joint_fall[0] / 3


def test_a_market_with_news_and_no_record_has_no_scorecard_and_a_calm_one_has_the_state_before(replay):
    calm = made_run(1, made_spec(duration="20min"))
    shocked = made_spec(duration="20min", market={"bid_depth_share": "50%"})
    assert {r.id[0] for r in scorecard.Scorecard((calm,), None).rows("P", "F", "A")} == {"P"}
    assert scorecard.Scorecard((made_run(1, shocked),), None).rows("P", "F", "A") == []


def test_a_miss_is_explained_by_its_own_side_alone():
    assert "buy" in words.why("F1", -30.0, -15.0) and "forced flow" in words.why("F1", -2.0, -15.0)
    assert words.why("F14", 0.1, 0.15) != words.why("F14", 0.9, 0.15)
    assert "not explained" in words.why("F0", 2.0, 21.0)
    assert "rebound" in words.why("F28", 99.0, 80.0) and words.why("F28", 20.0, 80.0) == ""


def test_the_record_is_drawn_beside_the_outcome(replay):
    runs, recorded = replay
    drawn = page.draw(runs, "abc", recorded)
    labels = [line.get_label() for axes in drawn["price"].axes for line in axes.get_lines()]
    assert "recorded mark, one-minute closes" in labels and "news value v (input)" in labels
    assert len(drawn["depth"].axes) == 2
    html = page.render(runs, "abc", recorded, {})
    assert "Scorecard" in html and "not measurable" in html
    assert "drop from 20:49" in html


def test_recorded_shares_use_the_bands_of_the_record(replay):
    runs, recorded = replay
    bid, ask = simulated_shares(runs[0], recorded)
    assert np.isnan(bid[(recorded.minute_s >= 3540) & (recorded.minute_s < 4260)]).all()
    assert np.isfinite(ask).all()
    # 200 bp x 20 coins a bp x 5 % noise on top, at about 116,700 USD, of 698m USD within 2 %
    assert bid[0] == pytest.approx(200 * 20 * 1.05 * 116_700 / 698e6, rel=0.03)


def test_the_shipped_record_is_on_the_clock_of_the_scenario():
    recorded = load_recorded(made_spec(evidence="btc_2025_10_10"))
    later = load_recorded(made_spec(evidence="btc_2025_10_10", start_utc="2025-10-10T20:40:00Z"))
    assert recorded is not None and later is not None
    assert np.allclose(recorded.close_s - later.close_s, 1200.0)
    at_headline = price.price_at(recorded.close_s, recorded.close_usd, 1800.0)
    assert at_headline == pytest.approx(116_847.87, abs=5.0)  # close of 20:49, to the nearest 10 USD (EVENT.md 1)
    assert load_recorded(made_spec()) is None


def test_plot_draws_the_record_that_the_scenario_names(replay):
    labels = [line.get_label() for line in replay[0][0].plot().axes[0].get_lines()]
    assert "recorded mark, one-minute closes" in labels


def test_the_end_of_the_fund_is_marked_and_the_price_goes_on(replay):
    runs, recorded = replay
    broken = runs[0].series.copy()
    broken.loc[broken["elapsed_s"] > 3000.0, "fund_usd"] = -1.0
    gone = replace(runs[0], tables=runs[0].tables._replace(series=broken))
    figure = figures.price_figure((gone, *runs[1:]), "abc", recorded)
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    (end_s,) = lines["insurance fund used up"].get_xdata()
    assert end_s == pytest.approx(3000.0, abs=6.0)
    for label in ("each seed", "simulated mark"):
        assert np.isfinite(np.asarray(lines[label].get_ydata(), dtype=float)).all()


def test_a_fund_that_is_used_up_is_said_at_the_head_of_page_and_table(replay, capsys):
    runs = replay[0]
    assert tables.runaway(runs) == ""
    gone = replace(runs[1], tables=runs[1].tables._replace(series=runs[1].series.assign(fund_usd=-1.0)))
    both = Ensemble((runs[0], gone))
    words_said = tables.runaway(both.runs)
    assert words_said.startswith("In 1 of 2 seeds the insurance fund is used up")
    run_command.show_run(both, Path("there"), as_json=False, with_report=False)
    assert words_said in capsys.readouterr().out
    assert words_said[:60] in page.page_files(both.runs, "abc")["report.html"].decode()


def test_a_price_that_lags_the_news_is_said_at_the_head_of_page_and_table(replay, capsys):
    runs = replay[0]
    assert tables.behind_news(runs) == ""
    series = runs[1].series
    late = replace(runs[1], tables=runs[1].tables._replace(series=series.assign(value_usd=series["mark_usd"] * 0.9)))
    late.series.loc[0, "value_usd"] = series["mark_usd"][0]
    both = Ensemble((runs[0], late))
    said = tables.behind_news(both.runs)
    assert said.startswith("In 1 of 2 seeds the price stays more than 2 % behind the news")
    run_command.show_run(both, Path("there"), as_json=False, with_report=False)
    assert said in capsys.readouterr().out
    assert said[:60] in page.page_files(both.runs, "abc")["report.html"].decode()
