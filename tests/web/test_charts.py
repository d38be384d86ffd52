"""Charts: what is drawn, what is left out, and that no text gets in unescaped."""

from __future__ import annotations

from datetime import date

from lxml import etree

from kangshu.base.clock import quarter_ends
from kangshu.web import charts, figures, way_chart
from kangshu.web.charts import Point, Tile


def _svg(markup: str) -> etree._Element:
    return etree.fromstring(markup)


def test_an_unknown_value_breaks_the_line() -> None:
    points = [Point("1", 1.0), Point("2", 2.0), Point("3", None), Point("4", 3.0), Point("5", 4.0)]
    drawn = _svg(charts.trend(points, title="走势"))
    assert len(drawn.findall("polyline")) == 2
    assert len(drawn.findall("circle")) == 4


def test_without_a_known_value_nothing_is_drawn() -> None:
    assert charts.trend([Point("1", None)], title="x") == ""
    assert charts.spark([None, 1.0]) == ""
    assert charts.columns([("a", None)], title="x") == ""
    assert charts.tile_map([], title="x") == ""


def test_the_target_stands_within_the_axis() -> None:
    drawn = charts.trend([Point("1", 40.0), Point("2", 48.0)], title="x", target=55.0, target_text="≥ 55%")
    line = next(one for one in _svg(drawn).iter("line") if one.get("class") == "chart-target")
    assert 0 < float(line.get("y1")) < 260


def test_axis_values_are_round_and_cover_the_data() -> None:
    found = charts.steps(3.0, 97.0)
    assert found[0] <= 3.0
    assert found[-1] >= 97.0
    assert all(value % 25 == 0 for value in found)
    assert charts.steps(5.0, 5.0)[-1] >= 5.0


def test_texts_are_escaped() -> None:
    bad = '<script>alert("x")</script>'
    drawn = [
        charts.trend([Point(bad, 1.0), Point(bad, 2.0)], title=bad, unit=bad, target=1.0, target_text=bad),
        charts.tile_map([Tile(bad, bad, 1.0, bad)], title=bad, links="/x?d={code}"),
        charts.bar(1.0, 2.0, title=bad),
        charts.columns([(bad, 1.0)], title=bad),
        charts.donut(0.5, bad, bad),
    ]
    for one in drawn:
        assert "<script" not in one
        _svg(one)


def test_a_bar_never_leaves_its_track() -> None:
    widths = [
        float(one.get("width").rstrip("%"))
        for value in (-5.0, 0.0, 50.0, 500.0, None)
        for one in _svg(charts.bar(value, 100.0)).findall("rect")
    ]
    assert all(0 <= width <= 100 for width in widths)


def test_days_to_compare_with() -> None:
    assert [day.isoformat() for day in quarter_ends(date(2026, 11, 22), 4)] == [
        "2026-03-31", "2026-06-30", "2026-09-30", "2026-11-22",
    ]  # fmt: skip
    assert quarter_ends(date(2026, 2, 1), 2)[0] == date(2025, 12, 31)
    assert figures.same_days(date(2028, 2, 29)) == [date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]


def test_the_way_of_a_target_shows_its_points_its_values_and_its_forecast_and_escapes_texts() -> None:
    first, last, now = date(2024, 12, 31), date(2027, 12, 31), date(2026, 6, 1)
    marks = [
        way_chart.Mark(first, 40.0, "baseline", "基期 <b>"),
        way_chart.Mark(last, 90.0, "final", "目标 90%"),
    ]
    seen = [(first, 40.0), (now, 60.0)]
    ahead = way_chart.Ahead(last, 85.0, 80.0, 99.0, "预测")
    drawn = str(way_chart.way(marks, seen, ahead, now, title="占比", today_text="今日", unit="%"))
    tree = _svg(drawn)
    assert "<b>" not in drawn
    kinds = {one.get("class") for one in tree.iter()}
    assert {"chart-target", "chart-line", "chart-ahead", "chart-range", "chart-today", "chart-mark"} <= kinds
    assert "110" not in {one.text for one in tree.iter()}  # no share passes 100 %
    assert way_chart.way(marks[:1], seen[:1], None, now, title="占比", today_text="今日") == ""


def test_a_small_line_breaks_where_a_count_begins_anew() -> None:
    points = [Point("1", 1.0), Point("2", 3.0), Point("3", None), Point("4", 1.0), Point("5", 2.0)]
    drawn = _svg(charts.sparkline(points, title="<走势>", target=9.0))
    assert len(drawn.findall("polyline")) == 2
    assert "5 2" in str(drawn.get("aria-label"))
    anew = _svg(charts.sparkline(points[:2] + points[3:], title="x", anew={2}))
    assert len(anew.findall("polyline")) == 2
    assert charts.sparkline([Point("1", 1.0), Point("2", None)], title="x") == ""
