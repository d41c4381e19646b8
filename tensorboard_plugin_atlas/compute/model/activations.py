# SPDX-License-Identifier: Apache-2.0
"""Activations of layers at the sampled positions of the probe, and the model's predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.model.center_weights import NEIGHBOR_OFFSETS
from tensorboard_plugin_atlas.compute.model.equal_weights import check_equal_weights
from tensorboard_plugin_atlas.compute.model.layers import infer_layer_form, resolve_layer
from tensorboard_plugin_atlas.compute.model.model_interface import call_model
from tensorboard_plugin_atlas.compute.model.output_tensors import describe
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm, find_main_tensor
from tensorboard_plugin_atlas.compute.model.predictions import (
    PredictionPart,
    PredictionReader,
    Predictions,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    limit_batch_size,
    preserve_model_state,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

_MAX_SURROUND_BYTES = 256 << 20


@dataclass(frozen=True, eq=False)
class LayerActivations:
    """The activations of one layer for all samples.

    Attributes:
        layer: The requested name of the layer.
        values: (N, C) float32; may hold NaN and infinity.
        positions: (N, 2) int32: row and column of each sample on the layer's map.
        map_size: Height and width of that map; (1, 1) for a vector.
        kind: "map", "tokens" or "vector".
        surround: (N, 8, C) float16: activations at the eight neighbors of each position, in the
            order of `NEIGHBOR_OFFSETS`, clamped to the border of the map; None unless requested.
    """

    layer: str
    values: FloatArray
    positions: IntArray
    map_size: tuple[int, int]
    kind: str
    surround: NDArray[np.float16] | None = None


@dataclass(frozen=True, eq=False)
class ProbeOutputs:
    """The outputs of a model for the whole probe.

    Attributes:
        layers: Activations by name of the layer, in the requested order.
        predictions: Predictions for the images, or None without logits.
        notes: What was assumed about the outputs.
        class_count: K, the number of logits of an image, or 0 without logits.
    """

    layers: Mapping[str, LayerActivations]
    predictions: Predictions | None
    notes: tuple[str, ...] = ()
    class_count: int = 0


def collect_activations(
    model: nn.Module,
    layers: Sequence[str],
    probe: Probe,
    *,
    batch_size: int = 128,
    surround: bool = False,
    ranks: Ranks = ALONE,
) -> ProbeOutputs:
    """Runs the model on the probe and returns the activations at its sampled positions.

    The model runs in evaluation mode without gradients, on its own device and with its own dtype.
    Afterwards its state is restored (see `preserve_model_state`) and all hooks are removed, also
    after an error.

    Args:
        model: A module that takes (B, C, H, W), possibly wrapped in DataParallel or torch.compile.
        layers: Names of submodules.
        probe: Images and sampled positions.
        batch_size: Images per forward pass, fewer on the CPU where they are large.
        surround: Whether to return the activations of neighboring positions too, where the layer
            has a map and they fit into 256 MB.
        ranks: Each runs the model on some of the batches, and returns the activations of all.

    Raises:
        ArgumentError: if `layers` is not a list of names, the images have the wrong number of
            channels, there are fewer class names than logits, or the ranks have different weights.
        LayerError: if a name does not resolve, a layer does not run, or its output has no known
            form.
    """
    if isinstance(layers, str) or not layers:
        raise ArgumentError(f"layers={layers!r}: pass a list of module names, such as ['layer4']")
    check_equal_weights(model, ranks)
    modules = {name: resolve_layer(model, name) for name in layers}
    readers = {name: _Reader(name, module, probe, surround) for name, module in modules.items()}
    predictions = PredictionReader(probe)

    def read_own() -> tuple[list[_LayerPart], PredictionPart]:
        _read_batches(model, readers, predictions, batch_size, ranks)
        return [reader.part() for reader in readers.values()], predictions.part()

    parts = ranks.gather(read_own)
    predicted = PredictionPart.join([part for _, part in parts])
    found = {
        reader: _LayerPart.join(name, own)
        for (name, reader), own in zip(
            readers.items(), zip(*(layers for layers, _ in parts), strict=True), strict=True
        )
    }
    notes = [note for reader, part in found.items() for note in reader.notes(part)]
    return ProbeOutputs(
        layers={reader.layer: reader.result(part) for reader, part in found.items()},
        predictions=predicted.result(),
        notes=(*notes, *predicted.notes(len(probe.images))),
        class_count=predicted.class_count,
    )


def _read_batches(
    model: nn.Module,
    readers: Mapping[str, _Reader],
    predictions: PredictionReader,
    batch_size: int,
    ranks: Ranks,
) -> None:
    """Runs the model on the batches of this rank; the batches are the same for all ranks."""
    images = predictions.probe.images

    def on_output(name: str, output: object) -> None:
        readers[name].read(output)

    with (
        preserve_model_state(model) as inner,
        torch.no_grad(),
        add_forward_hooks({name: one.module for name, one in readers.items()}, on_output),
    ):
        step = limit_batch_size(batch_size, images, inner)
        own = ranks.choose_part(math.ceil(len(images) / step))
        start, end = own.start * step, min(own.stop * step, len(images))
        for reader in readers.values():
            reader.expect(start, end)
        if start >= end:
            return
        chosen = images if end - start == len(images) else images.select(slice(start, end))
        for batch in chosen.iterate(step):
            for reader in readers.values():
                reader.begin(start, len(batch))
            predictions.read(call_model(inner, as_input(batch, inner)), start, len(batch))
            for reader in readers.values():
                reader.finish()
            start += len(batch)


@dataclass(frozen=True, eq=False)
class _LayerPart:
    """What was read of a layer's outputs for some of the batches.

    Attributes:
        form: How the outputs are read; None without a batch.
        values: (n, C) float32, or None without a batch.
        surround: (n, 8, C) float16, or None.
        unpacked: Description of an output from which a tensor was taken, or empty.
        is_repeated: Whether the layer ran more than once in a forward pass.
        large_surround: Bytes of the surround of all samples if these are too many, or 0.
    """

    form: OutputForm | None
    values: FloatArray | None
    surround: NDArray[np.float16] | None
    unpacked: str
    is_repeated: bool
    large_surround: int

    @classmethod
    def join(cls, layer: str, parts: Sequence[_LayerPart]) -> _LayerPart:
        """Returns what was read in successive parts of the batches.

        Raises:
            LayerError: if the outputs of two parts have different forms.
        """
        if len(parts) == 1:
            return parts[0]
        read = [part for part in parts if part.form is not None]
        for part in read:
            _check_form(layer, read[0].form, part.form)
        last = read[-1]
        return cls(
            form=last.form,
            values=np.concatenate([part.values for part in read if part.values is not None]),
            surround=None
            if last.surround is None
            else np.concatenate([part.surround for part in read if part.surround is not None]),
            unpacked=last.unpacked,
            is_repeated=any(part.is_repeated for part in read),
            large_surround=last.large_surround,
        )


def _check_form(layer: str, first: OutputForm | None, later: OutputForm | None) -> None:
    """Checks that a layer's outputs for two batches have the same form.

    Raises:
        LayerError: if not.
    """
    if first is not None and later != first:
        raise LayerError(
            f"layer {layer!r}: its output was {first} in the first batch and {later} later; pick a "
            "layer that keeps its shape"
        )


@dataclass(frozen=True, eq=False)
class _BatchActivations:
    """Activations of one batch: values (n, C) and surround (n, 8, C)."""

    form: OutputForm
    values: Tensor
    surround: Tensor | None


class _Rows:
    """Rows of N samples that arrive in batches; one array from the start, without a copy of all."""

    def __init__(self, count: int, first: Tensor) -> None:
        self._all = torch.empty((count, *first.shape[1:]), dtype=first.dtype, device="cpu")
        self._size = 0

    def add(self, batch: Tensor) -> None:
        self._all[self._size : self._size + len(batch)] = batch
        self._size += len(batch)

    def finish(self) -> NDArray[Any]:
        return self._all[: self._size].numpy()


@dataclass(eq=False)
class _Reader:
    """Collects the sampled activations from the outputs of one layer, batch by batch."""

    layer: str
    module: nn.Module
    probe: Probe
    with_surround: bool = False
    _count: int = 0
    _start: int = 0
    _batch: int = 0
    _last: _BatchActivations | None = None
    _repeated: bool = False
    _unpacked: str = ""
    _form: OutputForm | None = None
    _positions: dict[tuple[int, int], IntArray] = field(default_factory=dict)
    _values: _Rows | None = None
    _surround: _Rows | None = None
    _large_surround: int = 0

    def expect(self, start: int, end: int) -> None:
        """Prepares for the images from row `start` to before row `end` of the probe."""
        first, last = np.searchsorted(self.probe.sample_image, [start, end])
        self._count = int(last - first)

    def begin(self, start: int, batch: int) -> None:
        """Starts a forward pass of `batch` images from row `start` of the probe."""
        self._start, self._batch, self._last = start, batch, None

    def read(self, output: object) -> None:
        """Reads an output; of several outputs in one forward pass the last one counts."""
        tensor = find_main_tensor(output, self._batch)
        if tensor is None:
            raise LayerError(
                f"layer {self.layer!r} returns {describe(output)} without a tensor; pick another"
            )
        if not isinstance(output, Tensor):
            self._unpacked = describe(output)
        self._repeated |= self._last is not None
        form = self._infer_form(tensor)
        images, positions = self._get_sampled_positions(form)
        self._last = _BatchActivations(
            form,
            form.gather(tensor, images, positions),
            self._gather_surround(form, tensor, images, positions),
        )

    def finish(self) -> None:
        """Ends a forward pass and moves its activations to the CPU."""
        last = self._last
        if last is None:
            raise LayerError(
                f"layer {self.layer!r} did not run in the model's forward pass; pick one that does"
            )
        _check_form(self.layer, self._form, last.form)
        self._form = last.form
        values = _to_cpu(last.values)
        self._values = self._values or _Rows(self._count, values)
        self._values.add(values)
        if last.surround is not None:
            surround = last.surround.detach().cpu()
            self._surround = self._surround or _Rows(self._count, surround)
            self._surround.add(surround)

    def part(self) -> _LayerPart:
        """Returns what was read so far."""
        return _LayerPart(
            form=self._form,
            values=None if self._values is None else self._values.finish(),
            surround=None if self._surround is None else self._surround.finish(),
            unpacked=self._unpacked,
            is_repeated=self._repeated,
            large_surround=self._large_surround,
        )

    def notes(self, part: _LayerPart) -> Iterator[str]:
        """Yields assumptions about the layer."""
        if part.unpacked:
            yield f"layer {self.layer}: returns {part.unpacked}; its first tensor is used"
        if part.is_repeated:
            yield f"layer {self.layer}: runs more than once in a forward pass; the last run is used"
        if part.form is not None:
            yield from (f"layer {self.layer}: {note}" for note in part.form.notes())
            yield from self._describe_repetitions(part.form.map_size)
        if part.large_surround:
            yield (
                f"layer {self.layer}: icons do not use the activations around the samples, which "
                f"would take {part.large_surround / 1e6:,.0f} MB of memory, more than "
                f"{_MAX_SURROUND_BYTES / 1e6:,.0f} MB"
            )

    def _describe_repetitions(self, map_size: tuple[int, int]) -> Iterator[str]:
        """Yields a note if samples of an image are at the same position of the layer's map."""
        places = self.probe.map_positions(*map_size) @ (map_size[1], 1)
        keys = places + self.probe.sample_image.astype(np.int64) * math.prod(map_size)
        repeated = len(keys) - len(np.unique(keys))
        if repeated:
            yield (
                f"layer {self.layer}: {repeated:,} of {len(keys):,} samples repeat another one, "
                f"since several positions of an image are one position of its "
                f"{map_size[0]} x {map_size[1]} map"
            )

    def result(self, part: _LayerPart) -> LayerActivations:
        """Returns the activations of all batches."""
        assert part.form is not None  # noqa: S101 - a batch was read
        assert part.values is not None  # noqa: S101
        return LayerActivations(
            layer=self.layer,
            values=part.values,
            positions=self.probe.map_positions(*part.form.map_size),
            map_size=part.form.map_size,
            kind=part.form.kind,
            surround=part.surround,
        )

    def _infer_form(self, tensor: Tensor) -> OutputForm:
        try:
            return infer_layer_form(
                tensor,
                self.layer,
                self.module,
                batch=self._batch,
                input_size=self.probe.input_size,
            )
        except LayerError as error:
            raise LayerError(f"layer {self.layer!r}: {error}") from None

    def _gather_surround(
        self, form: OutputForm, tensor: Tensor, images: Tensor, positions: Tensor
    ) -> Tensor | None:
        if not self.with_surround or min(form.map_size) < 3:
            return None
        channels = form.as_map(tensor).shape[1]
        size = 2 * len(self.probe) * len(NEIGHBOR_OFFSETS) * channels
        if size > _MAX_SURROUND_BYTES:
            self._large_surround = size
            return None
        last = torch.tensor(form.map_size, device="cpu") - 1
        offsets = torch.tensor(NEIGHBOR_OFFSETS, device="cpu")
        neighbors = (positions[:, None] + offsets).clamp(min=torch.zeros_like(last), max=last)
        found = form.gather(
            tensor, images.repeat_interleave(len(NEIGHBOR_OFFSETS)), neighbors.flatten(0, 1)
        )
        return found.reshape(-1, len(NEIGHBOR_OFFSETS), channels).to(torch.float16)

    def _get_sampled_positions(self, form: OutputForm) -> tuple[Tensor, Tensor]:
        """Returns the batch indices (n,) and map positions (n, 2) of the samples of this batch."""
        first, last = np.searchsorted(
            self.probe.sample_image, [self._start, self._start + self._batch]
        )
        rows = self.probe.sample_image[first:last] - self._start
        # For all batches, since a probe may have a million samples.
        if form.map_size not in self._positions:
            self._positions[form.map_size] = self.probe.map_positions(*form.map_size)
        positions = self._positions[form.map_size][first:last]
        return torch.from_numpy(rows).long(), torch.from_numpy(positions).long()


def _to_cpu(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float32)
