# SPDX-License-Identifier: Apache-2.0
"""Functions of atlases of which a log holds the activations of some samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas import compare_atlases, sample_subset
from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker
from tensorboard_plugin_atlas.analysis.layer_links import link_layers
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

STORED = 150


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> tuple[Atlas, Atlas]:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", STORED)
    return make_atlas(0), make_atlas(100)


def test_comparisons_leave_samples_out_with_a_note(pair: tuple[Atlas, Atlas]) -> None:
    diff = compare_atlases(*pair)
    assert len(diff.rows_a) == STORED
    assert diff.notes == ("250 samples have no activations in the logs and were left out",)
    assert np.isfinite(diff.change).all()
    assert diff.cka is not None


def test_invalid_samples_are_counted_apart(pair: tuple[Atlas, Atlas]) -> None:
    a, b = pair
    values = np.random.default_rng(0).normal(size=(400, 16)).astype(np.float32)
    values[:3] = np.nan
    exact = store_activations(values[:STORED])
    whole = {"values": np.concatenate([exact.arrays["values"], values[STORED:].astype(np.float16)])}
    stored = dataclasses.replace(exact, arrays=whole)
    b = b.replace(samples=dataclasses.replace(b.samples, activations=stored))
    notes = compare_atlases(a, b).notes
    held = a.samples.activations.selected
    assert held is not None
    counted = f"{int(held[:3].sum())} samples hold NaN or infinity and were left out"
    assert notes == (
        "250 samples have no activations in the logs and were left out",
        *((counted,) if held[:3].any() else ()),
    )


def test_without_any_shared_activations_there_is_a_reason(pair: tuple[Atlas, Atlas]) -> None:
    a, b = pair
    nothing = store_activations(np.full((400, 16), np.nan, np.float32))
    empty = b.replace(samples=dataclasses.replace(b.samples, activations=nothing))
    with pytest.raises(ArgumentError, match="share no sample with finite activations"):
        compare_atlases(a, empty)


def test_layers_are_linked_by_the_stored_samples(pair: tuple[Atlas, Atlas]) -> None:
    a, b = pair
    links = link_layers(a, b.replace(layer="layer4", step=0))
    assert np.isfinite(links.share_of_a).all()


def test_concepts_continue(pair: tuple[Atlas, Atlas]) -> None:
    first, second = pair
    tracked = ConceptTracker().advance(first)
    assert tracked.samples.concepts is not None
    held = first.samples.activations.selected
    assert held is not None
    assert (tracked.samples.concepts[~held] == -1).all()
    assert ConceptTracker(tracked).advance(second).concepts is not None
