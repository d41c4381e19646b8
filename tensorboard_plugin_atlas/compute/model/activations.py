# SPDX-License-Identifier: Apache-2.0
"""Activations of layers at the sampled positions of the probe, and the model's predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.model.center_weights import NEIGHBOR_OFFSETS
from tensorboard_plugin_atlas.compute.model.layers import infer_layer_form, resolve_layer
from tensorboard_plugin_atlas.compute.model.model_interface import (
    call_model,
    explain_missing_logits,
    find_logits,
)
from tensorboard_plugin_atlas.compute.model.output_tensors import describe
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm, find_first_tensor
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    limit_batch_size,
    preserve_model_state,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

HalfArray = NDArray[np.float16]

_MAX_LOSS: Final = float(np.finfo(np.float16).max)

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
class Predictions:
    """Predictions for I images, or for N samples if the logits are dense.

    Attributes:
        classes: (I,) int32: class of the largest logit.
        confidences: (I,) float16 in [0, 1]: its softmax probability.
        losses: (I,) float16: cross-entropy in nats, NaN without a label; None if no image has one.
        is_dense: Whether there is one for each sample, at its position.
    """

    classes: IntArray
    confidences: HalfArray
    losses: HalfArray | None
    is_dense: bool = False

    def at_samples(self, sample_image: IntArray) -> Predictions:
        """Returns the predictions for N samples.

        Args:
            sample_image: (N,) index of each sample's image.
        """
        return self if self.is_dense else replace(self.select(sample_image), is_dense=True)

    def select(self, rows: NDArray[Any]) -> Predictions:
        """Returns the predictions in some rows."""
        return replace(
            self,
            classes=self.classes[rows],
            confidences=self.confidences[rows],
            losses=None if self.losses is None else self.losses[rows],
        )


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

    Raises:
        ArgumentError: if `layers` is not a list of names, the images have the wrong number of
            channels, or there are fewer class names than logits.
        LayerError: if a name does not resolve, a layer does not run, or its output has no known
            form.
    """
    if isinstance(layers, str) or not layers:
        raise ArgumentError(f"layers={layers!r}: pass a list of module names, such as ['layer4']")
    modules = {name: resolve_layer(model, name) for name in layers}
    readers = {name: _Reader(name, module, probe, surround) for name, module in modules.items()}
    predictions = _PredictionReader(probe)

    def on_output(name: str, output: object) -> None:
        readers[name].read(output)

    with (
        preserve_model_state(model) as inner,
        torch.no_grad(),
        add_forward_hooks(modules, on_output),
    ):
        step = limit_batch_size(batch_size, probe.images, inner)
        start = 0
        for images in probe.images.iterate(step):
            for reader in readers.values():
                reader.begin(start, len(images))
            predictions.read(call_model(inner, as_input(images, inner)), start, len(images))
            for reader in readers.values():
                reader.finish()
            start += len(images)
    notes = [note for reader in readers.values() for note in reader.notes()]
    return ProbeOutputs(
        layers={name: reader.result() for name, reader in readers.items()},
        predictions=predictions.result(),
        notes=(*notes, *predictions.notes()),
        class_count=predictions.class_count,
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


@dataclass
class _Reader:
    """Collects the sampled activations from the outputs of one layer, batch by batch."""

    layer: str
    module: nn.Module
    probe: Probe
    with_surround: bool = False
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

    def begin(self, start: int, batch: int) -> None:
        """Starts a forward pass of `batch` images from row `start` of the probe."""
        self._start, self._batch, self._last = start, batch, None

    def read(self, output: object) -> None:
        """Reads an output; of several outputs in one forward pass the last one counts."""
        tensor = find_first_tensor(output)
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
        if self._form is not None and last.form != self._form:
            raise LayerError(
                f"layer {self.layer!r}: its output was {self._form} in the first batch "
                f"and {last.form} later; pick a layer that keeps its shape"
            )
        self._form = last.form
        values = _to_cpu(last.values)
        self._values = self._values or _Rows(len(self.probe), values)
        self._values.add(values)
        if last.surround is not None:
            surround = last.surround.detach().cpu()
            self._surround = self._surround or _Rows(len(self.probe), surround)
            self._surround.add(surround)

    def notes(self) -> Iterator[str]:
        """Yields assumptions about the layer."""
        if self._unpacked:
            yield f"layer {self.layer}: returns {self._unpacked}; its first tensor is used"
        if self._repeated:
            yield f"layer {self.layer}: runs more than once in a forward pass; the last run is used"
        if self._form is not None:
            yield from (f"layer {self.layer}: {note}" for note in self._form.notes())
            yield from self._describe_repetitions(self._form.map_size)
        if self._large_surround:
            yield (
                f"layer {self.layer}: icons do not use the activations around the samples, which "
                f"would take {self._large_surround / 1e6:,.0f} MB of memory, more than "
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

    def result(self) -> LayerActivations:
        """Returns the activations of all batches."""
        assert self._form is not None  # noqa: S101 - a batch was read
        assert self._values is not None  # noqa: S101
        return LayerActivations(
            layer=self.layer,
            values=self._values.finish(),
            positions=self.probe.map_positions(*self._form.map_size),
            map_size=self._form.map_size,
            kind=self._form.kind,
            surround=None if self._surround is None else self._surround.finish(),
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


@dataclass
class _PredictionReader:
    """Collects predictions from the outputs of the model, if they are logits."""

    probe: Probe
    class_count: int = 0
    _reason: str = ""
    _broken: int = 0
    _origin: str = ""
    _is_dense: bool = False
    _found: list[Predictions] = field(default_factory=list)

    def read(self, output: object, start: int, images: int) -> None:
        """Reads the output for the next `images` images, beginning at index `start`."""
        found = find_logits(output, images)
        names = self.probe.classes
        if found is None:
            self._reason = explain_missing_logits(output)
            return
        logits = found.values
        self._origin, self.class_count = found.note, logits.shape[1]
        if names is not None and len(names) < logits.shape[1]:
            raise ArgumentError(
                f"classes has {len(names)} names, the model returns {logits.shape[1]} logits; pass "
                "one name for each, or output=False if it returns an embedding"
            )
        self._broken += int(logits.isnan().any(dim=1).sum())
        self._is_dense = found.dense is not None
        labels = self.probe.labels
        own = None if labels is None else labels[start : start + images]
        if found.dense is not None:
            logits, own = self._read_at_samples(found.dense, start)
        self._found.append(_read_predictions(_to_cpu(logits), own))

    def _read_at_samples(self, dense: Tensor, start: int) -> tuple[Tensor, IntArray | None]:
        """Returns the logits at the positions of samples, (n, K), and their labels.

        Args:
            dense: (B, K, H, W) logits of the images from row `start` of the probe.
            start: That row.
        """
        first, last = np.searchsorted(self.probe.sample_image, [start, start + len(dense)])
        images = torch.from_numpy(self.probe.sample_image[first:last] - start).long()
        pixels = torch.from_numpy(self.probe.find_pixels(*dense.shape[2:])[first:last]).long()
        labels = self.probe.sample_labels()
        logits = dense[images, :, pixels[:, 0], pixels[:, 1]]
        return logits, None if labels is None else labels[first:last]

    def notes(self) -> Iterator[str]:
        """Yields why there are no predictions, or which tensor the logits are."""
        reason, images = self._reason, len(self.probe.images)
        if not reason and self._broken:
            reason = f"the model's logits hold NaN for {self._broken:,} of {images:,} images"
        if reason:
            yield f"predictions: left out, {reason}"
        elif self._origin:
            yield f"predictions: {self._origin}"

    def result(self) -> Predictions | None:
        """Returns the predictions, or None where an output has no logits."""
        if self._reason or self._broken:
            return None
        losses = [part.losses for part in self._found if part.losses is not None]
        return Predictions(
            classes=np.concatenate([part.classes for part in self._found]),
            confidences=np.concatenate([part.confidences for part in self._found]),
            losses=np.concatenate(losses) if losses else None,
            is_dense=self._is_dense,
        )


def _read_predictions(logits: Tensor, labels: IntArray | None) -> Predictions:
    """Returns the predictions of (B, K) logits.

    Args:
        logits: (B, K) float32.
        labels: (B,) classes, -1 for none, or None.
    """
    probabilities = logits.log_softmax(dim=1)
    classes = logits.argmax(dim=1)
    confidences = probabilities.gather(1, classes[:, None])[:, 0].exp()
    losses = None
    if labels is not None:
        known = (labels >= 0) & (labels < logits.shape[1])
        target = torch.from_numpy(np.where(known, labels, 0)).long()
        losses = -probabilities.gather(1, target[:, None])[:, 0]
        losses[~torch.from_numpy(known)] = torch.nan
    return Predictions(
        classes=classes.numpy().astype(np.int32),
        confidences=confidences.numpy().astype(np.float16),
        losses=None if losses is None else losses.clamp(0, _MAX_LOSS).numpy().astype(np.float16),
    )


def _to_cpu(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float32)
