# SPDX-License-Identifier: Apache-2.0
"""Views of atlases in notebooks, from a log and from memory."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from exported_pages import ParsedPage, make_tiny_atlas, parse_text, write_small_log

from tensorboard_plugin_atlas import (
    Atlas,
    NotebookView,
    compare_atlases,
    export_html,
    read_atlases,
    show,
    show_comparison,
)
from tensorboard_plugin_atlas.errors import ArgumentError

STEPS = (0, 100)


def make_atlases() -> list[Atlas]:
    return [make_tiny_atlas(step, layer) for layer in ("layer3", "layer4") for step in STEPS]


def parse_view(view: NotebookView) -> ParsedPage:
    return parse_text(view.page)


def find_steps(page: ParsedPage) -> dict[str, list[int]]:
    (run,) = page.index
    return {one["layer"]: one["steps"] for one in run["series"]}


class TestShow:
    def test_atlases_in_memory(self) -> None:
        page = parse_view(show(make_atlases()))
        assert find_steps(page) == {"layer3": [0, 100], "layer4": [0, 100]}
        assert page.title == "layer3"
        assert page.info["link"] == ""

    def test_the_selection_is_that_of_an_export(self) -> None:
        page = parse_view(show(make_atlases(), layers=["layer4"], steps=[100]))
        assert find_steps(page) == {"layer4": [100]}
        assert page.info["omitted"] == ["1 of 4 atlases of the log are in this page."]

    def test_a_log(self, tmp_path: Path) -> None:
        write_small_log(tmp_path, steps=STEPS)
        assert find_steps(parse_view(show(tmp_path)))["layer3"] == [0, 100]

    def test_a_size_limit_leaves_out_the_activations(self) -> None:
        whole = show(make_atlases(), max_megabytes=None)
        limit = (len(whole.page) - 1) / 1e6
        smaller = show(make_atlases(), max_megabytes=limit)
        assert len(smaller.page) <= limit * 1e6
        assert "Activations are left out" in parse_view(smaller).info["omitted"][0]

    @pytest.mark.parametrize("height", [199, 10_001, 0, -5, 700.5, "700", True, None])
    def test_a_height_that_no_frame_has(self, height: object) -> None:
        with pytest.raises(ArgumentError, match=r"height=.*pass pixels from 200 to 10,000"):
            show(make_atlases(), height=height)  # type: ignore[arg-type]

    @pytest.mark.parametrize("source", [[], 3, None, ["a"], [make_tiny_atlas(0), None]])
    def test_a_source_that_is_no_log_and_no_atlas(self, source: object) -> None:
        with pytest.raises(ArgumentError, match=r"source.*pass"):
            show(source)  # type: ignore[arg-type]


class TestTheView:
    def test_the_page_is_in_a_frame_without_access_to_the_notebook(self) -> None:
        view = show(make_atlases()[0], height=321)
        shown = view._repr_html_()
        (escaped,) = re.findall(r'<iframe srcdoc="([^"]*)"', shown)
        assert html.unescape(escaped) == view.page
        assert "allow-same-origin" not in shown
        assert re.findall(r'sandbox="([^"]*)"', shown) == ["allow-scripts allow-downloads"]
        assert "height: 321px" in shown

    def test_its_repr_is_one_short_line(self) -> None:
        assert re.fullmatch(
            r"NotebookView\(<0\.\d MB of HTML>, height=700\)", repr(show(make_atlases()[0]))
        )


class TestAtlases:
    def test_an_atlas_shows_itself(self) -> None:
        atlas = make_atlases()[1]
        page = parse_view(atlas.show(height=400))
        assert find_steps(page) == {"layer3": [100]}
        assert '<iframe srcdoc="' in atlas._repr_html_()

    def test_two_atlases_of_one_layer_and_step_are_in_two_runs(self) -> None:
        atlas = make_atlases()[0]
        page = parse_view(show([atlas, atlas, atlas.replace(run="exp/atlas")]))
        assert [run["run"] for run in page.index] == [
            "exp/atlas",
            "run (2)/atlas",
            "run/atlas",
        ]

    def test_an_exported_atlas_can_be_shown_again(self, tmp_path: Path) -> None:
        path = tmp_path / "atlas.html"
        result = export_html(make_atlases(), path)
        assert (result.atlases, result.damaged, result.omitted) == (4, 0, ())
        assert find_steps(parse_text(path.read_text(encoding="utf-8")))["layer3"] == [0, 100]


class TestComparisons:
    def link(self, view: NotebookView) -> dict[str, str]:
        tokens = parse_view(view).info["link"].removeprefix("#").split("&")
        pairs = (token.split("=", 1) for token in tokens)
        return {key.removeprefix("p.atlas."): unquote(value) for key, value in pairs}

    def test_steps_of_one_layer(self) -> None:
        first, last, *_ = make_atlases()
        view = show_comparison(first, last)
        assert self.link(view) == {
            "run": "run/atlas",
            "layer": "layer3",
            "step": "100",
            "compare": "0",
        }
        diff = compare_atlases(first, last)
        assert self.link(diff.show()) == self.link(view)
        assert '<iframe srcdoc="' in str(diff._repr_html_())

    def test_layers(self) -> None:
        _, third, fourth, _ = make_atlases()
        link = self.link(show_comparison(third, fourth))
        assert link == {
            "run": "run/atlas",
            "layer": "layer4",
            "step": "0",
            "compare": "layer3,100,run/atlas",
        }

    def test_the_same_step_of_two_networks(self) -> None:
        first = make_atlases()[0]
        link = self.link(show_comparison(first, first.replace(wall_time=5.0)))
        assert (link["run"], link["compare"]) == ("run (2)/atlas", "layer3,0,run/atlas")

    def test_a_difference_without_its_atlases(self) -> None:
        first, last, *_ = make_atlases()
        diff = compare_atlases(first, last)
        bare = type(diff)(**{**vars(diff), "atlases": None})
        assert bare._repr_html_() is None
        with pytest.raises(ArgumentError, match="compare_atlases"):
            bare.show()


def test_atlases_of_a_log_keep_their_run(tmp_path: Path) -> None:
    write_small_log(tmp_path, steps=STEPS)
    first, last = read_atlases(tmp_path, layer="layer3")
    page = parse_view(show_comparison(first, last))
    assert [run["run"] for run in page.index] == [first.run]
