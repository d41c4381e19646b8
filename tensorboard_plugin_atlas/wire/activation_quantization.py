# SPDX-License-Identifier: Apache-2.0
"""Stored forms of activations: half precision, 8 bits per channel, or principal axes.

The first form that fits the budget is used, in that order. Of more than `MANY_SAMPLES` samples,
some have stored activations, with 8 bits per channel. The loss is measured on the values as they
are read back.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.atlas import SELECTED, StoredActivations
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.wire.tensors import count_bit_bytes

_HALF_MAX: Final = float(np.finfo(np.float16).max)
_LEVELS: Final = 255
_ORDINARY_ROUNDING: Final = 1e-6
"""Share of the variance that half precision loses by rounding; less counts as no loss."""


STORED_BYTES: Final = 1_500_000
"""Default budget of the activations of one atlas."""

SELECTED_BYTES: Final = 12_000_000
"""Default budget of the activations of an atlas of more than `MANY_SAMPLES` samples."""


def count_largest_bytes(samples: int, channels: int) -> int:
    """Returns the largest number of bytes of stored activations, with the default budget."""
    if sample_subset.is_many(samples):
        rows = count_selected(channels)
        return rows * channels + 8 * channels + count_bit_bytes(samples)
    smallest = 2 * (samples + channels) + 4 * channels  # one principal axis
    return max(min(2 * samples * channels, STORED_BYTES), smallest)


def count_selected(channels: int, max_bytes: int = SELECTED_BYTES) -> int:
    """Returns the number of samples with stored activations, of more than `MANY_SAMPLES`."""
    return max(1, min(sample_subset.MANY_SAMPLES, max_bytes // max(channels, 1)))


def store_activations(values: NDArray[Any], *, max_bytes: int | None = None) -> StoredActivations:
    """Returns the most exact stored form of `values` that fits in `max_bytes`.

    Finite values beyond the range of half precision (65,504) are clipped to it in every form, and
    those below it (6e-8) become zero.
    Rows with NaN or infinity keep them as float16; as uint8 or pca they become the mean of the
    other rows, because no scale and no axis can hold them (the caller counts such rows in
    `Quality.invalid`).

    Of more than `MANY_SAMPLES` samples, the first `count_selected` in the order of
    `sample_subset` are stored as uint8, except for rows with NaN or infinity.

    Args:
        values: (N, C) floating point.
        max_bytes: Budget of the stored arrays, `STORED_BYTES` by default, or `SELECTED_BYTES` if
            there are many samples. The pca form keeps at least one axis, so that a very tall or
            very wide array may exceed it.

    Returns:
        The stored form, with `lost_variance` measured over the rows that are finite.

    Raises:
        ArgumentError: if `values` is not a floating-point matrix.
    """
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.floating):
        raise ArgumentError(
            f"store_activations(values={values.dtype} {values.shape}): pass floats of shape (N, C)"
        )
    samples, channels = values.shape
    if sample_subset.is_many(samples):
        return _store_some(values, count_selected(channels, max_bytes or SELECTED_BYTES))
    max_bytes = STORED_BYTES if max_bytes is None else max_bytes
    if 2 * samples * channels <= max_bytes:
        return _as_float16(values)
    usable = np.isfinite(values).all(axis=1)
    filled = _fill_invalid_rows(values, usable)
    if samples * channels + 8 * channels <= max_bytes:
        arrays, kind = _as_uint8(filled), "uint8"
    else:
        arrays, kind = _as_pca(filled, max_bytes), "pca"
    stored = StoredActivations(kind=kind, arrays=arrays)
    lost = _lost_variance(values[usable], stored.values()[usable])
    return StoredActivations(kind=kind, arrays=arrays, lost_variance=lost)


def _store_some(values: NDArray[Any], count: int) -> StoredActivations:
    """Returns the uint8 form of at most `count` finite rows, the same ones at every step."""
    selected = sample_subset.choose_first(len(values), count)
    selected[selected] = np.isfinite(values[selected]).all(axis=1)
    rows = np.clip(values[selected], -_HALF_MAX, _HALF_MAX).astype(np.float32)
    # Without any finite row, the scale is that of a row of zeros.
    arrays = _as_uint8(rows if len(rows) else np.zeros((1, values.shape[1]), np.float32))
    arrays["codes"] = arrays["codes"][: len(rows)]
    stored = StoredActivations(kind="uint8", arrays=arrays)
    lost = _lost_variance(values[selected], stored.values())
    return StoredActivations(kind="uint8", arrays=arrays | {SELECTED: selected}, lost_variance=lost)


def select_samples(
    stored: StoredActivations, rows: NDArray[np.intp], *, max_bytes: int
) -> StoredActivations:
    """Returns the stored activations of some samples, in a form of which each sample has a row.

    Args:
        stored: Activations of all samples.
        rows: (n,) indices of the samples, ascending.
        max_bytes: Budget if the form has to change because samples have no stored activations.

    Returns:
        The same kind where possible. If some of the samples have no stored activations, these are
        rows of NaN, as float16, or pca if that does not fit.
    """
    per_sample = {"float16": "values", "uint8": "codes", "pca": "scores"}[stored.kind]
    arrays = {name: array for name, array in stored.arrays.items() if name != SELECTED}
    selected = stored.selected
    if selected is None:
        arrays[per_sample] = arrays[per_sample][rows]
        return dataclasses.replace(stored, arrays=arrays)
    has_row = selected[rows]
    arrays[per_sample] = arrays[per_sample][(np.cumsum(selected) - 1)[rows[has_row]]]
    known = dataclasses.replace(stored, arrays=arrays)
    return known if has_row.all() else _add_unknown_rows(known, has_row, max_bytes)


def _add_unknown_rows(
    known: StoredActivations, has_row: NDArray[np.bool_], max_bytes: int
) -> StoredActivations:
    """Returns activations with rows of NaN where `has_row` (n,) is false."""
    values, lost = known.values(), known.lost_variance
    name, rows, kind = "values", values, "float16"
    arrays: dict[str, NDArray[Any]] = {}
    if 2 * len(has_row) * values.shape[1] > max_bytes:
        # The axes of no rows are those of a row of zeros.
        some = values if len(values) else np.zeros((1, values.shape[1]), np.float16)
        budget = max_bytes * len(some) // len(has_row)
        arrays, name, kind = _as_pca(some.astype(np.float32), budget), "scores", "pca"
        rows = arrays[name][: len(values)]
        again = _lost_variance(some, StoredActivations(kind=kind, arrays=arrays).values())
        lost = 1 - (1 - lost) * (1 - again)
    filled = np.full((len(has_row), rows.shape[1]), np.nan, np.float16)
    filled[has_row] = rows
    return StoredActivations(kind=kind, arrays=arrays | {name: filled}, lost_variance=lost)


def _as_float16(values: NDArray[Any]) -> StoredActivations:
    clipped = np.where(np.isfinite(values), np.clip(values, -_HALF_MAX, _HALF_MAX), values)
    half = clipped.astype(np.float16)
    usable = np.isfinite(values).all(axis=1)
    lost = _lost_variance(values[usable], half[usable])
    lost = lost if lost > _ORDINARY_ROUNDING else 0.0
    return StoredActivations(kind="float16", arrays={"values": half}, lost_variance=lost)


def _fill_invalid_rows(values: NDArray[Any], usable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Returns float32 values within half range, with unusable rows at the mean of the others."""
    clipped: NDArray[np.float32] = np.clip(values, -_HALF_MAX, _HALF_MAX).astype(np.float32)
    if not usable.all():
        clipped[~usable] = clipped[usable].mean(axis=0) if usable.any() else 0.0
    return clipped


def _as_uint8(values: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    offset = values.min(axis=0)
    scale = ((values.max(axis=0) - offset) / _LEVELS).astype(np.float32)
    divisor = np.where(scale > 0, scale, 1)
    codes = np.clip(np.rint((values - offset) / divisor), 0, _LEVELS).astype(np.uint8)
    return {"codes": codes, "scale": scale, "offset": offset}


def _as_pca(values: NDArray[np.float32], max_bytes: int) -> dict[str, NDArray[Any]]:
    """Projects on the leading principal axes; both factors fit half precision.

    Each axis carries the standard deviation of its scores, so that scores have unit variance and
    no entry of an axis exceeds the deviation of its channel: neither can overflow.
    """
    samples, channels = values.shape
    fits = (max_bytes - 4 * channels) // (2 * (samples + channels))
    rank = int(np.clip(fits, 1, min(samples, channels)))
    mean = values.mean(axis=0, dtype=np.float64)
    centered = values - mean
    axes = _principal_axes(centered, rank)
    scores = centered @ axes.T
    spread = scores.std(axis=0)
    safe = np.where(spread > 0, spread, 1)
    return {
        "scores": (scores / safe).astype(np.float16),
        "axes": (axes * spread[:, None]).astype(np.float16),
        "mean": mean.astype(np.float32),
    }


def _principal_axes(centered: NDArray[np.float64], rank: int) -> NDArray[np.float64]:
    """Returns (rank, C) orthonormal rows, computed from the smaller Gram matrix."""
    samples, channels = centered.shape
    if channels <= samples:
        _, vectors = np.linalg.eigh(centered.T @ centered)
        return np.asarray(vectors[:, ::-1][:, :rank].T)
    _, vectors = np.linalg.eigh(centered @ centered.T)
    axes = vectors[:, ::-1][:, :rank].T @ centered
    norms = np.linalg.norm(axes, axis=1, keepdims=True)
    return np.asarray(axes / np.where(norms > 0, norms, 1))


def _lost_variance(values: NDArray[Any], kept: NDArray[np.float16]) -> float:
    """Returns the squared error over the total variance; 0 where nothing varies."""
    if not len(values):
        return 0.0
    exact = values.astype(np.float64)
    total = float(np.square(exact - exact.mean(axis=0)).sum())
    error = float(np.square(exact - kept.astype(np.float64)).sum())
    return min(error / total, 1.0) if total > 0 else 0.0
