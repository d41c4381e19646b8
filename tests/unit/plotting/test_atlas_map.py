# SPDX-License-Identifier: Apache-2.0
"""`plot_atlas` and `plot_evolution`: pixels at map coordinates, colors, and layout."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from commands import ROOT
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from solid_atlases import BLUE, GREEN, RED, color_at, make_solid_atlas, render
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas import plot_atlas, plot_evolution
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.plotting.cell_icons import MAX_SIDE, compose_icons
from tensorboard_plugin_atlas.plotting.class_colors import OKABE_ITO
from tensorboard_plugin_atlas.plotting.concept_names import add_concept_names

WHITE = (255, 255, 255)


def rgb(color: str) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in to_rgb(color))


def without(atlas: Atlas, *names: str) -> Atlas:
    return atlas.replace(samples=dataclasses.replace(atlas.samples, **dict.fromkeys(names)))


class TestIcons:
    def test_each_icon_is_in_its_cell_and_y_points_down(self) -> None:
        ax = plot_atlas(make_solid_atlas())
        image = render(ax.figure)
        for row, col, color in ((0, 3, RED), (2, 1, GREEN), (3, 3, BLUE)):
            for dx, dy in ((0.5, 0.5), (0.1, 0.1), (0.9, 0.9)):
                found = color_at(image, ax, (col + dx) / 4, (row + dy) / 4)
                assert found == pytest.approx(color, abs=3), (row, col, dx, dy)
        assert color_at(image, ax, 2.5 / 4, 1.5 / 4) == WHITE
        upper, lower = (ax.transData.transform((3.5 / 4, y / 4))[1] for y in (0.5, 3.5))
        assert upper > lower  # display coordinates point up

    def test_the_limits_are_those_of_the_cells(self) -> None:
        ax = plot_atlas(make_solid_atlas())
        assert ax.get_xlim() == (0.25, 1.0)
        assert ax.get_ylim() == (1.0, 0.0)
        box = ax.get_window_extent()
        assert box.height / box.width == pytest.approx(1 / 0.75, rel=1e-3)

    def test_icons_of_a_large_grid_are_reduced(self) -> None:
        atlas = make_solid_atlas(
            ((0, 319, RED), (319, 0, BLUE)),
            size=320,
            labels=((0,), (1,)),
            predictions=((0,), (1,)),
            side=256,
        )
        image = compose_icons(atlas.grids[0])
        side = MAX_SIDE // 320
        assert image.shape == (320 * side, 320 * side, 4)
        assert tuple(image[0, -1]) == pytest.approx((*RED, 255), abs=3)
        assert tuple(image[-1, 0]) == pytest.approx((*BLUE, 255), abs=3)
        assert image[..., 3].sum() == 2 * side * side * 255

    def test_cells_without_icons_are_gray_and_the_caption_says_so(self) -> None:
        atlas = make_solid_atlas()
        grid = dataclasses.replace(atlas.grids[0], sheets=None, kind_codes=np.zeros(3, np.uint8))
        ax = plot_atlas(atlas.replace(grids=(grid,)))
        assert color_at(render(ax.figure), ax, 3.5 / 4, 0.5 / 4) == (236, 236, 236)
        assert "No icons." in caption_of(ax)

    def test_a_grid_without_cells_is_an_empty_map(self) -> None:
        atlas = make_solid_atlas()
        empty = np.zeros(0, np.int32)
        grid = dataclasses.replace(
            atlas.grids[0],
            rows=empty,
            cols=empty,
            counts=empty,
            sheets=None,
            kind_codes=np.zeros(0, np.uint8),
            icon_cosine=np.zeros(0, np.float32),
            cell_of=np.full(len(atlas.samples), -1, np.int32),
        )
        ax = plot_atlas(atlas.replace(grids=(grid,)), class_colors="labels", concepts=True)
        assert (ax.get_xlim(), ax.get_ylim()) == ((0.0, 1.0), (1.0, 0.0))
        assert (render(ax.figure) == 255).mean() > 0.9

    def test_the_middle_grid_is_the_default(self) -> None:
        atlas = make_atlas(100)
        for size, expected in ((None, 8), (16, 16)):
            ax = plot_atlas(atlas, grid=size)
            assert f"{expected} × {expected} grid" in caption_of(ax)  # noqa: RUF001


def caption_of(ax) -> str:
    """Returns the caption of an Axes on one line."""
    (caption,) = (text.get_text() for text in ax.texts if text.get_text().startswith("Layer"))
    return " ".join(caption.split())


class TestClassColors:
    def test_a_frame_has_the_color_of_the_most_common_class(self) -> None:
        atlas = make_solid_atlas()
        for source, expected in (("labels", (1, 0, 2)), ("predictions", (0, 2, 1))):
            ax = plot_atlas(atlas, class_colors=source)
            image = render(ax.figure)
            for (row, col, icon), index in zip(
                ((0, 3, RED), (2, 1, GREEN), (3, 3, BLUE)), expected, strict=True
            ):
                for dx, dy in ((0.03, 0.5), (0.97, 0.5), (0.5, 0.03), (0.5, 0.97)):
                    found = color_at(image, ax, (col + dx) / 4, (row + dy) / 4)
                    assert found == rgb(OKABE_ITO[index]), (source, row, col)
                center = color_at(image, ax, (col + 0.5) / 4, (row + 0.5) / 4)
                assert center == pytest.approx(icon, abs=3)

    def test_the_legend_lists_the_classes_of_cells_outside_of_the_map(self) -> None:
        ax = plot_atlas(make_solid_atlas(), class_colors="labels")
        legend = ax.get_legend()
        assert [text.get_text() for text in legend.get_texts()] == ["airplane", "bird", "cat"]
        assert [one.get_facecolor()[:3] for one in legend.get_patches()] == [
            to_rgb(color) for color in OKABE_ITO[:3]
        ]
        assert legend.get_title().get_text() == "Most common label"
        assert legend.get_window_extent().x0 > ax.get_window_extent().x1

    @pytest.mark.parametrize(
        ("atlas", "source", "message"),
        [
            (without(make_solid_atlas(), "labels"), "labels", r"no labels; pass predictions, or"),
            (without(make_solid_atlas(), "labels", "predictions"), "labels", r"labels; leave it"),
            (make_solid_atlas(), "label", r"class_colors='label': pass 'labels', 'predictions'"),
        ],
    )
    def test_missing_classes_are_reported(self, atlas: Atlas, source, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            plot_atlas(atlas, class_colors=source)
        assert pyplot.get_fignums() == []


class TestConcepts:
    def test_a_name_is_on_the_cell_with_most_samples(self) -> None:
        ax = plot_atlas(make_solid_atlas(), concepts=True)
        names = {text.get_text(): text for text in ax.texts}
        for name, (row, col) in {"bird": (0, 3), "airplane": (2, 1), "cat": (3, 3)}.items():
            box = names[name].get_window_extent()
            x, y = ax.transData.inverted().transform(((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))
            assert (int(y * 4), int(x * 4)) == (row, col)

    @pytest.mark.parametrize("width", [2.0, 6.5])
    def test_names_do_not_overlap_and_stay_inside(self, width: float) -> None:
        concepts = np.arange(400, dtype=np.int32) % 40
        atlas = make_atlas(0, min_count=1)
        (first, *_) = atlas.concepts or ()
        states = tuple(
            dataclasses.replace(first, id=i, name=f"long name of concept/{i}", size=10 + i)
            for i in range(40)
        )
        samples = dataclasses.replace(atlas.samples, concepts=concepts)
        atlas = atlas.replace(samples=samples, concepts=states)
        ax = plot_atlas(atlas, width=width)
        placed = add_concept_names(ax, atlas, atlas.grids[1])
        boxes = [text.get_window_extent() for text in placed]
        assert 2 <= len(boxes) < 40
        assert placed[0].get_text() == "long name of concept/\n39"  # the largest
        axes = ax.get_window_extent()
        for number, box in enumerate(boxes):
            assert axes.x0 <= box.x0 < box.x1 <= axes.x1
            assert axes.y0 <= box.y0 < box.y1 <= axes.y1
            assert not any(box.overlaps(other) for other in boxes[:number])

    def test_an_atlas_without_concepts_is_reported(self) -> None:
        with pytest.raises(ArgumentError, match=r"concepts=True: .* no concepts; pass an atlas"):
            plot_atlas(make_solid_atlas().replace(concepts=None), concepts=True)


class TestFigure:
    @pytest.mark.parametrize("width", [1.5, 3.25, 6.5, 12.0])
    def test_a_new_figure_has_this_width_and_nothing_leaves_it(self, width: float) -> None:
        atlas = make_atlas(100)
        ax = plot_atlas(atlas, class_colors="labels", width=width)
        figure = ax.figure
        assert figure.get_figwidth() == pytest.approx(width)
        bounds = figure.get_tightbbox()
        assert bounds.x0 >= -0.01
        assert bounds.y0 >= -0.01
        assert bounds.x1 <= width + 0.01 or width < 3  # a legend needs some space
        assert bounds.y1 <= figure.get_figheight() + 0.01
        caption = next(text for text in ax.texts if text.get_text().startswith("Layer"))
        assert caption.get_window_extent().y1 < ax.get_window_extent().y0

    def test_legend_and_caption_do_not_overlap(self) -> None:
        atlas = make_atlas(100)
        for width, columns in ((6.5, 1), (3.25, 1), (6.5, 4), (12.0, 4)):
            figure = plot_evolution(
                [atlas] * columns, class_colors="labels", width=width, columns=columns, grid=4
            )
            caption = next(
                text
                for ax in figure.axes
                for text in ax.texts
                if text.get_text().startswith("Layer")
            )
            legend = figure.axes[-1].get_legend().get_window_extent()
            box = caption.get_window_extent()
            assert not box.overlaps(legend), (width, columns)
            assert legend.y0 >= 0
            assert box.y0 >= 0

    def test_the_caption_states_the_source(self) -> None:
        text = caption_of(plot_atlas(make_solid_atlas()))
        assert text == (
            "Layer layer3 at step 100 of run exp1. 6 samples in a 4 × 4 grid; the 3 cells shown "  # noqa: RUF001
            "hold 6. Icons: feature inversion; their mean cosine with the mean activation of the "
            "cell is 0.60. Nearby cells have similar activations; the axes have no scale."
        )
        assert len(plot_atlas(make_solid_atlas(), caption=False).texts) == 0

    def test_the_caption_of_two_classes_states_the_axis(self) -> None:
        atlas = make_solid_atlas()
        info = {"class_atlas": {"layer": "layer3", "classes": [1, 2], "axis": {"left": 1}}}
        provenance = dataclasses.replace(atlas.provenance, layer_info=info)
        text = caption_of(plot_atlas(atlas.replace(provenance=provenance)))
        assert "difference of the attributions to the two classes" in text
        assert "axes have no scale" not in text

    def test_given_axes_are_used_and_no_global_state_changes(self) -> None:
        figure = Figure(figsize=(7, 3))
        left, right = figure.subplots(1, 2)
        before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
        current = pyplot.figure()
        atlas = make_solid_atlas()
        assert plot_atlas(atlas, ax=right, class_colors="labels", concepts=True) is right
        assert pyplot.get_fignums() == [current.number]
        assert pyplot.gcf() is current
        assert (dict(matplotlib.rcParams), matplotlib.get_backend()) == (before, backend)
        assert tuple(figure.get_size_inches()) == (7, 3)
        assert not left.images
        assert color_at(render(figure), right, 3.5 / 4, 0.5 / 4) == pytest.approx(RED, abs=3)

    @pytest.mark.parametrize(
        "settings",
        [
            {"image.origin": "lower", "image.interpolation": "nearest"},
            {"figure.autolayout": True, "axes.titlelocation": "left"},
            {"figure.constrained_layout.use": True, "axes.grid": True},
        ],
    )
    def test_settings_of_the_user_do_not_break_the_layout(self, settings) -> None:
        with matplotlib.rc_context(settings):
            figure = plot_evolution([make_solid_atlas(), make_solid_atlas(step=200)])
            image = render(figure)
            for ax in figure.axes:
                assert color_at(image, ax, 3.5 / 4, 0.5 / 4) == pytest.approx(RED, abs=3)
                assert color_at(image, ax, 1.5 / 4, 2.5 / 4) == pytest.approx(GREEN, abs=3)
                assert ax.get_title().startswith("Step")
                assert ax.title.get_window_extent().y1 <= len(image)

    def test_given_axes_need_no_pyplot(self) -> None:
        code = (
            "import sys; sys.path.insert(0, 'tests/helpers')\n"
            "from matplotlib.figure import Figure\n"
            "from synthetic_atlases import make_atlas\n"
            "from tensorboard_plugin_atlas import plot_atlas\n"
            "plot_atlas(make_atlas(0), ax=Figure().subplots(), class_colors='labels')\n"
            "print({'matplotlib.pyplot', 'torch'} & set(sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout == "set()\n"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"grid": 5}, r"grid=5: the atlas has no such grid; pass one of 4$"),
            ({"width": 0.2}, r"width=0.2: pass a number of inches from 1 to 100"),
            ({"width": float("nan")}, r"width=nan: pass"),
            ({"width": True}, r"width=True: pass"),
            ({"ax": "axes"}, r"ax='axes': pass Matplotlib Axes, or None"),
        ],
    )
    def test_wrong_arguments_are_reported_with_advice(self, arguments, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            plot_atlas(make_solid_atlas(), **arguments)
        assert pyplot.get_fignums() == []

    def test_a_value_that_is_no_atlas_is_reported(self) -> None:
        with pytest.raises(ArgumentError, match=r"atlas='runs': pass an Atlas"):
            plot_atlas("runs")  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match=r"has no grids; pass an atlas"):
            plot_atlas(make_solid_atlas().replace(grids=()))


class TestEvolution:
    def test_all_panels_show_the_same_part_of_the_plane(self) -> None:
        first = make_solid_atlas(((0, 1, RED),), labels=((0,),), predictions=((0,),), step=0)
        last = make_solid_atlas(((2, 3, BLUE),), labels=((1,),), predictions=((1,),), step=1000)
        figure = plot_evolution([first, last], class_colors="labels")
        left, right = figure.axes
        assert left.get_xlim() == right.get_xlim() == (0.25, 1.0)
        assert left.get_ylim() == right.get_ylim() == (0.75, 0.0)
        assert [ax.get_title() for ax in figure.axes] == ["Step 0", "Step 1,000"]
        image = render(figure)
        assert color_at(image, left, 1.5 / 4, 0.5 / 4) == pytest.approx(RED, abs=3)
        assert color_at(image, right, 3.5 / 4, 2.5 / 4) == pytest.approx(BLUE, abs=3)
        assert color_at(image, left, 3.5 / 4, 2.5 / 4) == WHITE
        # One legend, with the classes of both panels.
        assert left.get_legend() is None
        assert [text.get_text() for text in right.get_legend().get_texts()] == ["airplane", "bird"]

    def test_panels_have_one_size_and_do_not_overlap(self) -> None:
        figure = plot_evolution(
            [make_atlas(step) for step in (0, 100, 200, 400, 800)], columns=2, grid=4, width=5
        )
        boxes = [ax.get_window_extent() for ax in figure.axes]
        assert figure.get_figwidth() == 5
        assert len({(round(box.width, 6), round(box.height, 6)) for box in boxes}) == 1
        assert [round(box.x0) for box in boxes[::2]] == [round(boxes[0].x0)] * 3
        tight = [ax.get_tightbbox() for ax in figure.axes]
        for number, box in enumerate(tight):
            assert not any(box.overlaps(other) for other in tight[:number])

    def test_a_given_figure_keeps_its_size(self) -> None:
        figure = Figure(figsize=(8, 2))
        assert plot_evolution([make_solid_atlas(), make_atlas(5)], grid=4, figure=figure) is figure
        assert tuple(figure.get_size_inches()) == (8, 2)
        assert figure.get_tightbbox().y0 >= -0.01
        part = Figure(figsize=(8, 4)).subfigures(1, 2)[1]
        assert plot_evolution([make_solid_atlas()], figure=part) is part
        assert part.axes[0].get_window_extent().x0 > 4 * part.dpi

    def test_titles_name_runs_if_they_differ(self) -> None:
        atlases = [make_solid_atlas().replace(run=run) for run in ("a", "b" * 99)]
        titles = [ax.get_title() for ax in plot_evolution(atlases).axes]
        assert titles == ["a, step 100", "b" * 23 + "…, step 100"]

    @pytest.mark.parametrize(
        ("atlases", "more", "message"),
        [
            ([], {}, r"atlases is empty; pass at least one"),
            (make_solid_atlas(), {}, r"atlases is a single Atlas: pass a list"),
            ([make_solid_atlas()] * 31, {}, r"more than 30 atlases; pass fewer"),
            (
                [make_solid_atlas(), make_solid_atlas().replace(layer="fc")],
                {},
                r"layers 'layer3' and 'fc', whose maps are not aligned",
            ),
            (
                [make_solid_atlas(), make_solid_atlas().replace(classes=("a", "b", "c"))],
                {"class_colors": "labels"},
                r"class_colors='labels': the atlases have different classes; pass",
            ),
            ([make_solid_atlas()], {"columns": 0}, r"columns=0: pass an integer above 0"),
            ([make_solid_atlas()], {"figure": "f"}, r"figure='f': pass a Matplotlib figure"),
        ],
    )
    def test_wrong_arguments_are_reported_with_advice(self, atlases, more, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            plot_evolution(atlases, **more)
        assert pyplot.get_fignums() == []
