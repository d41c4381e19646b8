# SPDX-License-Identifier: Apache-2.0
"""`plot_concept`: sizes, icons, and steps of one concept."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from solid_atlases import BLUE, GREEN, RED, make_solid_atlas

from tensorboard_plugin_atlas import plot_concept
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError


def make_run(steps: int) -> list[Atlas]:
    """Concept 1 has two cells and grows by one sample per step; at the second step it is absent."""
    atlases = []
    for number in range(steps):
        own = 2 if number == 1 else 1
        labels = ([own] * (number + 1), [0, 0], [own] * (number + 3))
        atlases.append(make_solid_atlas(labels=labels, predictions=labels, step=100 * number))
    return atlases


def test_the_line_shows_the_sizes_and_zero_where_the_concept_is_absent() -> None:
    _, sizes = plot_concept(iter(make_run(4)), 1).axes
    line, marks = sizes.lines
    assert line.get_xdata().tolist() == [0, 100, 200, 300]
    assert line.get_ydata().tolist() == [4, 0, 8, 10]
    assert list(marks.get_xdata()) == [0, 200, 300]
    assert list(marks.get_ydata()) == [4, 8, 10]
    assert sizes.get_ylim()[0] == 0
    assert (sizes.get_xlabel(), sizes.get_ylabel()) == ("Step", "Samples")


def test_icons_are_those_of_the_cells_with_most_samples_first() -> None:
    strip, _ = plot_concept(make_run(3), 1).axes
    colors = [tuple(int(x) for x in image.get_array()[0, 0]) for image in strip.images]
    # Two steps with two cells each; the blue cell has more samples, and the green one has none.
    for found, expected in zip(colors, (BLUE, RED, BLUE, RED), strict=True):
        assert found == pytest.approx(expected, abs=3)
    assert not any(color == pytest.approx(GREEN, abs=3) for color in colors)
    tops = [min(image.get_extent()[2:]) for image in strip.images]
    assert tops[0] == tops[2] < tops[1] == tops[3]
    lefts = [image.get_extent()[0] for image in strip.images]
    assert lefts[0] == lefts[1] < lefts[2] == lefts[3]
    assert strip.get_ylim()[0] > strip.get_ylim()[1]  # y points down
    assert [text.get_text() for text in strip.texts] == ["Step 0", "Step 200"]


def test_a_long_run_shows_eight_steps_with_the_first_and_the_last() -> None:
    strip, sizes = plot_concept(make_run(21), 1).axes
    steps = [int(text.get_text().removeprefix("Step ").replace(",", "")) for text in strip.texts]
    assert len(steps) == 8
    assert (steps[0], steps[-1]) == (0, 2000)
    assert steps == sorted(set(steps))
    assert len(sizes.lines[0].get_xdata()) == 21


def test_the_caption_states_concept_and_source() -> None:
    _, sizes = plot_concept(make_run(3), 1, width=5).axes
    caption = " ".join(sizes.texts[0].get_text().split())
    assert caption == (
        "Concept 1, bird. Layer layer3 at steps 0 to 200 of run exp1. Icons of the 3 cells with "
        "most of its samples, at 2 steps."
    )
    assert sizes.figure.get_figwidth() == 5
    assert sizes.figure.get_tightbbox().y0 >= -0.01
    without = [
        one.replace(
            grids=(
                dataclasses.replace(one.grids[0], sheets=None, kind_codes=np.zeros(3, np.uint8)),
            )
        )
        for one in make_run(2)
    ]
    strip, sizes = plot_concept(without, 1).axes
    assert len(strip.images) == 0
    assert "No icons." in sizes.texts[0].get_text()


def test_atlases_are_read_one_at_a_time() -> None:
    """Memory does not grow with the samples of all steps."""
    alive = []

    def read() -> Iterator[Atlas]:
        for atlas in make_run(6):
            gc.collect()
            assert sum(one() is not None for one in alive) <= 1
            own = atlas.replace(step=atlas.step)
            samples = dataclasses.replace(own.samples)
            alive.append(weakref.ref(samples))
            yield own.replace(samples=samples)
            del own, samples

    plot_concept(read(), 1)
    assert len(alive) == 6


def test_a_given_figure_is_used() -> None:
    figure = Figure(figsize=(4, 5))
    assert plot_concept(make_run(2), 1, figure=figure, caption=False) is figure
    assert tuple(figure.get_size_inches()) == (4, 5)
    assert len(figure.axes) == 2
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("atlases", "identity", "message"),
    [
        (make_run(2), 99, r"concept_id=99: no atlas has this concept; .* such as one of 0, 1"),
        ([], 1, r"atlases is empty"),
        (make_run(2)[::-1], 1, r"at step 100 .* is followed by .* at step 0 .*rising steps"),
        ([make_solid_atlas().replace(concepts=None)], 1, r"has no concepts; pass an atlas"),
    ],
)
def test_wrong_arguments_are_reported_with_advice(atlases, identity, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        plot_concept(atlases, identity)
    assert pyplot.get_fignums() == []
