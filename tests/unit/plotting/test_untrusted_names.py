# SPDX-License-Identifier: Apache-2.0
"""Names from a log are text: never formulas, TeX, markup, or broken files."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest
from solid_atlases import make_solid_atlas
from synthetic_atlases import make_atlas, make_probe_pictures
from untrusted_text import TEXTS

from tensorboard_plugin_atlas import plot_atlas, plot_concept, plot_contact_sheet, plot_evolution
from tensorboard_plugin_atlas.atlas import Atlas

FORMULAS = ("$x^2$", r"$\frac{1}{$", "a $ b", r"\input{/etc/passwd}", "_hidden", "100%", "{", "\\")
ALL = (*FORMULAS, *TEXTS)
PER_FIGURE = 8

# The fonts of the machine decide which characters can be drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Glyph", "ignore:Matplotlib currently does not")


def give_names(atlas: Atlas, names: tuple[str, ...]) -> Atlas:
    """Returns an atlas with these names of classes and concepts, and as run and layer."""
    states = tuple(
        dataclasses.replace(state, name=name)
        for state, name in zip(atlas.concepts or (), names, strict=False)
    )
    return atlas.replace(classes=names, concepts=states, run=names[-1], layer=names[0])


def batches() -> Iterator[tuple[str, ...]]:
    for start in range(0, len(ALL), PER_FIGURE):
        yield (ALL[start : start + PER_FIGURE] * PER_FIGURE)[:PER_FIGURE]


def texts_of(figure: Any) -> list[Any]:
    return [text for text in figure.findobj(matplotlib.text.Text) if text.get_text()]


@pytest.mark.parametrize("names", list(batches()), ids=lambda names: "names")
def test_every_name_is_saved_as_text(names: tuple[str, ...]) -> None:
    atlas = give_names(make_atlas(3200, classes=names), names)
    figure = plot_atlas(atlas, class_colors="labels", concepts=True, width=5).figure
    assert len(figure.axes[0].get_legend().get_texts()) == PER_FIGURE
    for text in texts_of(figure):
        assert len(text.get_text()) < 600
        assert all(one.isprintable() or one == "\n" for one in text.get_text())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg")
    root = ElementTree.fromstring(buffer.getvalue())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {one.tag.rpartition("}")[2] for one in root.iter()}.isdisjoint({"script", "a", "text"})
    buffer = io.BytesIO()
    figure.savefig(buffer, format="pdf")
    assert buffer.getvalue().startswith(b"%PDF")


def test_formulas_are_shown_as_they_are_written() -> None:
    names = FORMULAS[:3]
    atlas = give_names(make_solid_atlas(), names)
    figure = plot_atlas(atlas, class_colors="labels", concepts=True).figure
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == [r"$x^2$", r"$\frac{1}{$", "a $ b"]
    with pytest.raises(ValueError, match="frac"):  # Matplotlib would parse it
        matplotlib.figure.Figure().text(0, 0, legend[1]).get_window_extent()


@pytest.mark.parametrize("usetex", [False, True])
def test_no_name_reaches_tex(usetex: bool) -> None:
    """Also with `text.usetex`, where names could read files."""
    atlas = give_names(make_solid_atlas(), (r"\input{/etc/passwd}", "$1$", "_b"))
    probe = make_probe_pictures()
    atlas = atlas.replace(
        provenance=dataclasses.replace(atlas.provenance, probe=probe.digest),
    )
    other = atlas.replace(run=r"\write18{ls}", step=200)
    with matplotlib.rc_context({"text.usetex": usetex}):
        figures = [
            plot_atlas(atlas, class_colors="labels", concepts=True).figure,
            plot_evolution([atlas, other]),
            plot_concept([atlas], 1),
            plot_contact_sheet(atlas, probe, label=1),
        ]
    found = 0
    for figure in figures:
        for text in texts_of(figure):
            if any(sign in text.get_text() for sign in "\\$_"):
                found += 1
                assert not text.get_usetex()
                assert not text.get_parse_math()
    assert found > 8


def test_long_names_are_cut() -> None:
    names = ("x" * 10_000, "y" * 10_000, "z" * 10_000)
    figure = plot_atlas(
        give_names(make_solid_atlas(), names), class_colors="labels", concepts=True
    ).figure
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["x" * 23 + "…", "y" * 23 + "…", "z" * 23 + "…"]
    caption = next(text.get_text() for text in figure.axes[0].texts if "Layer" in text.get_text())
    assert len(caption) < 600
    assert figure.get_figwidth() == 6.5
    assert figure.get_figheight() < 12
