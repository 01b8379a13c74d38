"""Figures of the experiments from made-up files: what is drawn is what the file says; the foot says what made it."""

import json
import math

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from calibration.experiments import figures
from sim.report.published import read_published

HEAD = {"command": "python -m calibration.experiments NAME --seeds 12", "seeds": "1-12", "scenario": "calm_btc",
        "scenario_sha256": "a" * 12, "kernel_sha256": "b" * 12}  # fmt: skip


def write(folder, name, columns, rows):
    lines = [f"# {json.dumps(HEAD)}; not a forecast", ",".join(columns), *(",".join(map(str, row)) for row in rows)]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    cost = [
        (leverage, answer, scale, sale, 12, sale / 5 / scale, sale / 10 / scale,
         math.nan if sale == 50 else sale / scale)
        for leverage, answer in ((True, "kept"), (False, "kept"), (True, "scaled"))
        for scale in (1.5, 1.0, 0.4)
        for sale in (50, 450)
    ]  # fmt: skip
    write(
        tmp_path,
        "flow_shock",
        ("leverage", "answer", "visible", "sale_musd", "seeds", "fall_bp", "fall_bp_low", "fall_bp_high"),
        cost,
    )
    grid = [
        (depth, news, 12, share, max(0, share - 0.2), min(1, share + 0.2) - 1e-9 * (share == 1))
        for depth in ("x1", "visible x0.4", "latent x0.4", "both x0.4")
        for news, share in ((-3.0, 1.0), (-1.0, 0.0), (-2.0, 0.5))
    ]
    write(tmp_path, "depth_grid", ("depth", "news_pct", "seeds", "cascade_share", "cascade_low", "cascade_high"), grid)
    impact = [
        (hours, size, 12, impact, 1.0, 0.5, 0.4, 10 * math.sqrt(size / 60))
        for hours, level in ((1.0, 8.0), (4.0, 6.0))
        for size, impact in ((60, -1.0 if hours == 4 else level), (240, 2 * level), (960, 4 * level), (3840, 8 * level))
    ]
    columns = (
        "hours",
        "musd",
        "seeds",
        "impact_bp",
        "standard_error_bp",
        "left_at_1.5_T",
        "left_at_2_T",
        "square_root_bp",
    )
    write(tmp_path, "impact", columns, impact)
    return tmp_path


def drawn(folder, name):
    return figures.FIGURES[name](read_published(folder / f"{name}.csv"))


def series(axes):
    """Marks of each line with bars: x, y."""
    return [tuple(np.asarray(c.lines[0].get_data())) for c in axes.containers if isinstance(c, ErrorbarContainer)]


def foot(figure):
    return figure.get_supxlabel()


def test_every_file_becomes_a_figure_with_the_same_bytes_each_time(folder, capsys):
    first = {path.name: path.read_bytes() for path in figures.draw(folder)}
    assert set(first) == {"flow_shock.svg", "depth_grid.svg", "impact.svg"}
    assert {path.name: path.read_bytes() for path in figures.draw(folder)} == first
    (folder / "impact.csv").unlink()
    assert len(figures.draw(folder)) == 2
    assert "impact.csv is not there: no figure" in capsys.readouterr().out


def test_cost_of_a_sale_is_drawn_by_size_and_leverage(folder):
    figure = drawn(folder, "flow_shock")
    axes, scaled = figure.axes
    lines = series(axes)
    assert len(lines) == 4 and len(series(scaled)) == 2  # two sizes, with and without leverage
    assert lines[0][1] == pytest.approx([25.0, 10.0, 50 / 7.5]) and lines[2][1] == pytest.approx([225.0, 90.0, 60.0])
    assert lines[0][0] == pytest.approx([0.4, 1.0, 1.5], rel=0.03)
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["$50m", "$450m"]
    assert [t.get_text() for t in scaled.get_legend().get_texts()] == ["with leverage", "without"]
    assert "bp" not in axes.get_xlabel() and ", bp" in axes.get_ylabel()
    for word in (HEAD["command"], "12 seeds a mark", "b" * 12, "not a forecast", "95 % interval"):
        assert word in foot(figure)


def test_share_that_cascades_is_drawn_in_three_panels(folder):
    figure = drawn(folder, "depth_grid")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "visible depth scaled", "latent depth scaled", "visible and latent depth scaled",
    ]  # fmt: skip
    for axes in figure.axes:
        lines = series(axes)
        assert [t.get_text() for t in axes.get_legend().get_texts()] == ["x1", "x0.4"]
        for x, y in lines:  # rising news: -3, -2, -1
            assert x == pytest.approx([3.0, 2.0, 1.0], abs=0.05) and y == pytest.approx([100.0, 50.0, 0.0])


def test_impact_is_drawn_beside_the_law_and_what_is_below_zero_is_counted(folder):
    figure = drawn(folder, "impact")
    (axes,) = figure.axes
    (one, four) = series(axes)
    assert one[1] == pytest.approx([8.0, 16.0, 32.0, 64.0]) and four[1] == pytest.approx([12.0, 24.0, 48.0])
    law = next(line for line in axes.get_lines() if "law" in str(line.get_label()))
    assert law.get_ydata() == pytest.approx([10.0, 20.0, 40.0, 80.0])
    assert "1 means below 0 not drawn" in foot(figure)


def test_a_file_that_varies_more_than_the_figure_shows_is_refused(folder):
    found = read_published(folder / "flow_shock.csv")
    with pytest.raises(ValueError, match="two rows with the same visible"):
        figures.flow_figure(found._replace(rows=[*found.rows, found.rows[0]]))
