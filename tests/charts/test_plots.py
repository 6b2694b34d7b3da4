"""Plots: every figure stands at its mark, what is not known is a gap with a sign, and no word breaks out."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.charts.plots import Mark, Scale, columns, curve, hours, rows, scale_of


def words(svg: str) -> list[str]:
    return ["".join(one.itertext()) for one in ET.fromstring(svg).iter("text")]  # noqa: S314 - our own


def rects(svg: str) -> list[dict[str, str]]:
    return [one.attrib for one in ET.fromstring(svg).iter("rect")]  # noqa: S314


def test_a_column_carries_its_figure_and_an_unknown_one_is_no_column() -> None:
    days = [Mark("18", Decimal(2), "2.0"), Mark("19", None, "0"), Mark("20", Decimal(1), "1.0", part=True)]
    svg = columns(days, "told")
    assert words(svg) == ["2.0", "18", "?", "19", "1.0", "20"]
    assert [(one["class"], one["height"]) for one in rects(svg)] == [("col", "200.0"), ("col soft", "100.0")]
    assert ET.fromstring(svg).attrib["aria-label"] == "told"  # noqa: S314


def test_of_many_columns_so_many_are_named_as_can_be_read_and_the_last_is_among_them() -> None:
    named = words(columns([Mark(str(day), Decimal(day), f"{day} kWh") for day in range(31)], "told"))
    assert named[-2:] == ["30 kWh", "30"]
    assert len(named) == 2 * 16


@pytest.mark.parametrize("draw", [columns, rows])
def test_nothing_but_zeros_and_nothing_at_all_are_drawn_too(draw: object) -> None:
    assert callable(draw)
    assert words(draw([Mark("a", Decimal(0), "0")], "told")) in (["0", "a"], ["a", "0"])
    assert words(draw([], "told")) == []


def test_an_hour_that_has_not_been_is_a_question_and_the_others_say_their_share() -> None:
    svg = hours([("4", [None, Decimal(0), Decimal("0.3"), Decimal(1)])], "told")
    assert words(svg)[24:] == ["4", "?", "0", "30", "100"]
    assert [one["fill-opacity"] for one in rects(svg)] == ["0.05", "0.26", "0.85"]


def test_a_row_without_a_figure_is_a_question() -> None:
    svg = rows([Mark("long", Decimal(4), "4"), Mark("short", None, "")], "told")
    assert words(svg) == ["long", "4", "short", "?"]


def test_a_curve_stands_between_its_scales() -> None:
    up = [Scale(Decimal(0), "0 kWh"), Scale(Decimal(1), "10 kWh")]
    along = [Scale(Decimal(0), "13:00"), Scale(Decimal("0.5"), "13:30"), Scale(Decimal(1), "14:00")]
    svg = curve([(Decimal(0), Decimal(0)), (Decimal(1), Decimal(1))], up, along, "told")
    assert words(svg) == ["0 kWh", "10 kWh", "13:00", "13:30", "14:00"]
    assert 'd="M70.0 204.0L948.0 14.0"' in svg
    assert "circle" not in curve([], up, along, "told")


@given(st.decimals(Decimal("0.001"), Decimal(100_000), places=3))
def test_a_scale_is_of_round_figures_and_holds_all(most: Decimal) -> None:
    found = scale_of(most)
    assert found[0] == 0
    assert found[-1] >= most
    assert 2 <= len(found) <= 6
    assert all(one < other for one, other in pairwise(found))


def test_the_scale_of_nothing_has_two_ends() -> None:
    assert scale_of(Decimal(0)) == (Decimal(0), Decimal(1))


def test_hostile_names_stay_words() -> None:
    name = '"><script>alert(1)</script>'
    marks = [Mark(name, Decimal(1), name)]
    for svg in (columns(marks, name), rows(marks, name), hours([(name, [])], name)):
        assert "<script>" not in svg
        assert name in words(svg)
