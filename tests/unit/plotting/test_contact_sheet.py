# SPDX-License-Identifier: Apache-2.0
"""`plot_contact_sheet`: which cells and which patches, and where they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from solid_atlases import BLUE, GREEN, RED, make_solid_atlas
from synthetic_atlases import make_probe_pictures

from tensorboard_plugin_atlas import plot_contact_sheet
from tensorboard_plugin_atlas.atlas import Atlas, ProbeThumbnails
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.sprite_sheets import pack
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

LABELS = ((1, 1, 1, 0), (0, 0, 1), (1, 1, 1, 1, 1))


def make_inputs() -> tuple[Atlas, ProbeThumbnails]:
    """Sample i is of image 10 + i, whose pixels are (20 i, column, row) in a 24 x 16 thumbnail."""
    atlas = make_solid_atlas(labels=LABELS, predictions=LABELS)
    count = len(atlas.samples)
    # In the last cell, the samples 7 to 11 are at 0, 1, 2, 3 and 9: their mean is 3.
    values = np.zeros((count, 2), np.float32)
    values[7:, 0] = [0, 1, 2, 3, 9]
    samples = dataclasses.replace(
        atlas.samples,
        image_ids=np.arange(10, 10 + count, dtype=np.int32),
        boxes=np.tile(np.array([8, 16, 24, 40], np.int32), (count, 1)),
        activations=store_activations(values),
    )
    tiles = np.zeros((count, 24, 24, 3), np.uint8)
    tiles[..., 0] = 20 * np.arange(count)[:, None, None]
    tiles[:, :, :, 1] = 10 * np.arange(24)
    tiles[:, :, :, 2] = 10 * np.arange(24)[:, None]
    probe = ProbeThumbnails(
        digest=atlas.provenance.probe,
        image_ids=np.arange(10, 10 + count, dtype=np.int32),
        input_size=(48, 32),
        thumb_size=(24, 16),
        sheets=pack(tiles, lossless=True),
    )
    return atlas.replace(samples=samples), probe


def images_of(figure) -> list[tuple[np.ndarray, tuple[float, ...]]]:
    (ax,) = figure.axes
    return [(np.asarray(image.get_array()), tuple(image.get_extent())) for image in ax.images]


def test_cells_are_sorted_by_their_samples_and_counted() -> None:
    atlas, probe = make_inputs()
    figure = plot_contact_sheet(atlas, probe, label="bird")
    icons = [(image, extent) for image, extent in images_of(figure) if extent[1] - extent[0] > 0.9]
    for (image, _), color in zip(icons, (BLUE, RED, GREEN), strict=True):
        assert tuple(image[0, 0].tolist()) == pytest.approx(color, abs=3)
    assert [round(extent[0], 2) for _, extent in icons] == [0.0, 1.16, 2.32]
    counts = [text.get_text() for text in figure.axes[0].texts]
    assert counts[:3] == ["5 of 5", "3 of 4", "1 of 3"]


def test_patches_are_cropped_from_the_images_of_the_samples() -> None:
    atlas, probe = make_inputs()
    figure = plot_contact_sheet(atlas, probe, label=1)
    small = [(image, extent) for image, extent in images_of(figure) if extent[1] - extent[0] < 0.9]
    # Nearest to the mean first: 3 (sample 10), 2, 1, 0; 9 is the farthest and left out.
    assert [int(image[0, 0, 0]) // 20 for image, _ in small[:4]] == [10, 9, 8, 7]
    assert len(small) == 4 + 3 + 1
    for image, (left, right, bottom, top) in small:
        # The box in input pixels, 8 to 24 by 16 to 40, is half of that in the thumbnail, and the
        # image ends at column 16.
        assert image.shape[:2] == (8, 8)
        assert image[0, 0].tolist()[1:] == [80, 40]
        assert image[-1, -1].tolist()[1:] == [150, 110]
        assert bottom > top  # y points down
        assert right - left == pytest.approx(bottom - top)
        assert top > 1  # below the icon


def test_samples_without_activations_are_the_last() -> None:
    atlas, probe = make_inputs()
    values = atlas.activations.astype(np.float32)
    values[[7, 8]] = np.nan
    samples = dataclasses.replace(atlas.samples, activations=store_activations(values))
    figure = plot_contact_sheet(atlas.replace(samples=samples), probe, label=1)
    small = [image for image, extent in images_of(figure) if extent[1] - extent[0] < 0.9]
    # The mean of the samples 9, 10 and 11 at 2, 3 and 9 is 4.67.
    assert [int(image[0, 0, 0]) // 20 for image in small[:4]] == [10, 9, 11, 7]


def test_each_image_is_shown_once_per_cell() -> None:
    atlas, probe = make_inputs()
    samples = dataclasses.replace(
        atlas.samples, image_ids=np.array([10, 10, 11, *range(13, 22)], np.int32)
    )
    figure = plot_contact_sheet(atlas.replace(samples=samples), probe, concept=1)
    small = [image for image, extent in images_of(figure) if extent[1] - extent[0] < 0.9]
    assert [int(image[0, 0, 0]) // 20 for image in small[4:6]] == [0, 1]
    assert len(small) == 4 + 2 + 1


def test_images_without_a_thumbnail_are_left_out() -> None:
    atlas, probe = make_inputs()
    few = dataclasses.replace(
        probe, image_ids=probe.image_ids[:3], sheets=pack(np.zeros((3, 24, 24, 3), np.uint8))
    )
    figure = plot_contact_sheet(atlas, few, label="bird")
    assert len([1 for _, extent in images_of(figure) if extent[1] - extent[0] < 0.9]) == 3


def test_the_caption_states_what_is_shown() -> None:
    atlas, probe = make_inputs()
    figure = plot_contact_sheet(atlas, probe, label="bird", width=6)
    text = " ".join(figure.axes[0].texts[-1].get_text().split())
    assert text == (
        "Icons over patches of samples with label bird. Layer layer3 at step 100 of run exp1. The "
        "3 cells of a 4 × 4 grid with most of these samples, 9 of 9. Numbers: these samples of "  # noqa: RUF001
        "all samples in the cell. Icons: feature inversion; their mean cosine with the mean "
        "activation of the cell is 0.60."
    )
    assert figure.get_figwidth() == 6
    bounds = figure.get_tightbbox()
    assert bounds.y0 >= -0.01
    assert bounds.x1 <= 6.01
    plain = plot_contact_sheet(atlas, probe, concept=0, caption=False, figure=Figure())
    assert [text.get_text() for text in plain.axes[0].texts] == ["2 of 3", "1 of 4"]


@pytest.mark.parametrize(
    ("change", "choice", "message"),
    [
        ({}, {}, r"label=None, concept=None: pass either a label or a concept"),
        ({}, {"label": 1, "concept": 1}, r"label=1, concept=1: pass either"),
        ({}, {"label": "brid"}, r"label: no class is named 'brid'; did you mean 'bird'"),
        ({}, {"label": 6}, r"label: 6 is not a class; .*pass 0 to 5"),
        ({}, {"label": "ship"}, r"no cell of the 4 x 4 grid has samples with label ship"),
        ({}, {"concept": 77}, r"concept=77: .*no such concept; the largest are 1, 0"),
        ({}, {"label": 1, "grid": 9}, r"grid=9: .*pass one of 4"),
        ({"labels": None}, {"label": 1}, r"label=1: the atlas has no labels; pass a concept"),
        ({"concepts": None}, {"concept": 1}, r"concept=1: .* has no concepts; pass"),
    ],
)
def test_wrong_arguments_are_reported_with_advice(change, choice, message: str) -> None:
    atlas, probe = make_inputs()
    atlas = atlas.replace(samples=dataclasses.replace(atlas.samples, **change))
    with pytest.raises(ArgumentError, match=message):
        plot_contact_sheet(atlas, probe, **choice)
    assert pyplot.get_fignums() == []


def test_another_probe_is_reported() -> None:
    atlas, _ = make_inputs()
    other = dataclasses.replace(make_probe_pictures(12), digest="0" * 32)
    with pytest.raises(ArgumentError, match=r"probe '0{12}' is not that of the atlas, '5a5a"):
        plot_contact_sheet(atlas, other, label=1)
    with pytest.raises(ArgumentError, match=r"probe=None: pass read_probe\(log_dir, atlas.run\)"):
        plot_contact_sheet(atlas, None, label=1)  # type: ignore[arg-type]
