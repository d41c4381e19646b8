# SPDX-License-Identifier: Apache-2.0
"""Attribution of samples to classes: directional derivatives of the logits.

The attribution of a sample to class k is h . d logit_k / d h, where h is the layer's activation at
the sample's position: the linear approximation of its effect (Carter et al. 2019, "Activation
Atlas"). All K attributions of a sample are one Jacobian-vector product, so a single forward-mode
pass computes them. Its cost hardly depends on K, unlike one backward pass per class.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.attribution.layer_replacement import (
    Intervention,
    NoAttributionError,
    count_calls,
)
from tensorboard_plugin_atlas.compute.attribution.smooth_maxpool import RelaxedPooling
from tensorboard_plugin_atlas.compute.fastpath import cache_prefix, log_fallback
from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    limit_batch_size,
    preserve_model_state,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error

_MAX_BYTES: Final = 512 << 20
_SAMPLES_PER_IMAGE: Final = 4
"""Samples that take as much memory as one image: feature maps after the layer are smaller."""
_SAMPLES_TO_TRACE: Final = 3
"""Smallest number of samples per image at which tracing the rest of the network saves time: with 1,
it costs up to 1.7 times as much as plain forward mode; with 10, it is up to 2.3 times as fast."""
_JVP_BATCH: Final = 16
"""Samples per traced JVP: feature maps of larger batches exceed the CPU cache."""
_MAX_MEDIAN_ERROR, _MAX_ERROR = 1e-4, 0.2
"""Relative errors between two ways to compute attribution: rounding, and a flipped ReLU."""
POSITIONS_PER_IMAGE: Final = 3
"""Largest number of positions of one image for one class."""
DUPLICATE_COSINE: Final = 0.9
"""Positions of an image with a centered cosine above this are duplicates."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """Attribution of each sample of a layer to each class.

    Attributes:
        values: (n, K) float32, in logits; None if it cannot be computed. NaN and infinity come from
            such activations or logits.
        notes: Why it is missing, or what was assumed.
        samples: (n,) int32, ascending: the samples of `values`, or None for all.
    """

    values: FloatArray | None
    notes: tuple[str, ...] = ()
    samples: IntArray | None = None


@dataclass(frozen=True, eq=False)
class StrongestPositions:
    """The position with the largest attribution to the predicted class, for each image.

    Attributes:
        positions: (I, 2) int32: row and column on the feature map, edges included.
        map_size: Height and width of the feature map.
        activations: (I, C) float32 at these positions.
        attribution: (I, K) float32 at these positions, in logits.
        predictions: (I,) int32: predicted class of each image.
    """

    positions: IntArray
    map_size: tuple[int, int]
    activations: FloatArray
    attribution: FloatArray
    predictions: IntArray


@dataclass(frozen=True, eq=False)
class ClassPositions:
    """Positions with positive attribution to one class, strongest first.

    Attributes:
        images: (P,) int32: rows of the probe's images.
        positions: (P, 2) int32: row and column on the feature map, edges included.
        map_size: Height and width of the feature map.
        activations: (P, C) float32 at these positions.
        strengths: (P,) float32 > 0: attribution to the class minus the mean over all classes, in
            logits.
    """

    images: IntArray
    positions: IntArray
    map_size: tuple[int, int]
    activations: FloatArray
    strengths: FloatArray

    def __len__(self) -> int:
        return len(self.images)


def compute_attribution(
    model: nn.Module,
    layer: str,
    probe: Probe,
    *,
    positions: IntArray | None = None,
    is_relaxed: bool = False,
    batch_size: int = 128,
    ranks: Ranks = ALONE,
) -> Attribution:
    """Computes the attribution of each of the probe's samples to each class.

    The model runs in evaluation mode, in its own precision and on its own device; its state is
    restored (see `preserve_model_state`). The layers after it are traced if that gives the same
    logits (`trace_head`). Otherwise, forward mode runs on a copy with the same logits, or on the
    model. If an operation has no forward-mode derivative, two backward passes compute the same
    product.

    Args:
        model: A classifier of (B, C, H, W), possibly wrapped in DataParallel or torch.compile.
        layer: Name of a submodule. If it runs more than once, its last output is used.
        probe: Images and sample positions.
        positions: (N, 2) row and column of each sample on the feature map; the probe's positions
            if omitted.
        is_relaxed: Whether to use a smoother derivative of max pooling, see `RelaxedPooling`.
        batch_size: Samples per pass.
        ranks: Each computes some of the batches, and returns the attribution of all samples.

    Returns:
        The attribution. Its values are None if the model has no (images, classes) logits, if they
        do not depend on the layer, or if they cannot be differentiated.

    Raises:
        LayerError: if the name does not resolve, or the layer did not run.
    """
    module = resolve_layer(model, layer)
    pooling = RelaxedPooling() if is_relaxed else None
    with (
        preserve_model_state(model) as inner,
        _enable_all_derivatives(),
        pooling or contextlib.nullcontext(),
    ):
        calls = count_calls(inner, layer, module, probe)
        with optimize_for_inference(inner, probe.images, layer) as quick:
            if quick is not inner:
                module = resolve_layer(quick, layer)
            intervention = Intervention(quick, layer, module, probe, calls, positions)
            # Samples of one image are adjacent, so that the image is only processed once.
            order = np.argsort(probe.sample_image, kind="stable")
            values: FloatArray | str | None = None
            images = len(np.unique(probe.sample_image))
            if calls == 1 and not is_relaxed and len(order) >= _SAMPLES_TO_TRACE * images:
                values = _compute_by_traced_jvp(intervention, order, ranks)
            if values is None:
                if images < len(order):
                    intervention = intervention.with_prefix_cache(
                        cache_prefix(quick, layer, probe.images)
                    )
                few = _SAMPLES_PER_IMAGE * limit_batch_size(batch_size, probe.images, quick)
                values = _compute_by_autograd(intervention, order, min(batch_size, few), ranks)
    if isinstance(values, str):
        return Attribution(None, (f"attribution: left out, {values}",))
    return Attribution(values[np.argsort(order, kind="stable")], _describe_pooling(pooling))


def _compute_by_autograd(
    intervention: Intervention, order: NDArray[np.intp], batch_size: int, ranks: Ranks
) -> FloatArray | str:
    """Returns the (N, K) attribution in `order`, by autograd, or the reason why there is none."""
    found = ranks.gather(
        lambda: _run_autograd(
            intervention, order, batch_size, ranks.choose_part(math.ceil(len(order) / batch_size))
        )
    )
    reasons = [part for part in found if isinstance(part, str)]
    return reasons[0] if reasons else _join([part for part in found if not isinstance(part, str)])


def _join(parts: Sequence[FloatArray]) -> FloatArray:
    """Returns the rows of all ranks; a rank without a batch does not know the classes."""
    return np.concatenate([part for part in parts if len(part)])


def _run_autograd(
    intervention: Intervention, order: NDArray[np.intp], batch_size: int, own: range
) -> FloatArray | str:
    """Returns the attribution of some successive batches, or the reason why there is none."""
    found: list[Tensor] = []
    derivative = _forward_mode
    for number in own:
        rows = order[number * batch_size : (number + 1) * batch_size]
        try:
            try:
                tangent = derivative(intervention, rows)
            except Exception as error:  # an operation without a forward-mode derivative
                if derivative is _double_backward or isinstance(error, NoAttributionError):
                    raise
                derivative = _double_backward
                tangent = derivative(intervention, rows)
        except NoAttributionError as error:
            return str(error)
        except Exception as error:  # any error in the user's code
            return f"no derivative after layer {intervention.layer} ({summarize_error(error)})"
        if tangent.shape[1] * len(order) * 4 > _MAX_BYTES:
            return f"{tangent.shape[1]:,} classes of {len(order):,} samples need too much memory"
        found.append(tangent.detach().float().cpu())
    return torch.cat(found).numpy() if found else np.empty((0, 0), np.float32)


def _compute_by_traced_jvp(
    intervention: Intervention, order: NDArray[np.intp], ranks: Ranks
) -> FloatArray | None:
    """Returns the (N, K) attribution, from JVPs of the traced network; None if tracing fails."""
    found = ranks.gather(
        lambda: _run_traced_jvp(
            intervention, order, ranks.choose_part(math.ceil(len(order) / _JVP_BATCH))
        )
    )
    known = [part for part in found if part is not None]
    return _join(known) if len(known) == len(found) else None


def _run_traced_jvp(
    intervention: Intervention, order: NDArray[np.intp], own: range
) -> FloatArray | None:
    """Returns the attribution of some successive batches; None if tracing fails.

    The first and the last batch of all are compared with forward-mode autograd; None if they
    differ.
    """
    if not own:
        return np.empty((0, 0), np.float32)
    task = f"attribution of layer {intervention.layer!r}"
    parts = [order[first : first + _JVP_BATCH] for first in range(0, len(order), _JVP_BATCH)]
    found: list[Tensor] = []
    try:
        with torch.no_grad():
            head = intervention.trace_head(parts[0])
            if head is None:
                return None
            for number in own:
                rows = parts[number]
                outputs, which = intervention.compute_outputs(rows)
                directions = intervention.make_direction(outputs[torch.from_numpy(which)], rows)
                found.append(head.jvp(outputs, which, directions))
                if number in (0, len(parts) - 1) and not _are_close(
                    found[-1], _forward_mode(intervention, rows)
                ):
                    log_fallback(task, "the JVPs differ from those of forward mode")
                    return None
                if found[0].shape[1] * len(order) * 4 > _MAX_BYTES:
                    return None
    except Exception as error:  # any error in the user's code
        log_fallback(task, error)
        return None
    return torch.cat(found).numpy()


def _are_close(found: Tensor, wanted: Tensor) -> bool:
    """Returns whether two (n, K) attributions are equal up to rounding.

    ReLUs with inputs close to zero may be active in one and inactive in the other: in float32, a
    few percent of EfficientNet-Lite0's samples differ by .01 to .04, and all others by 1e-6.
    """
    off = (found - wanted).norm(dim=1) / wanted.norm(dim=1).clamp(
        min=torch.finfo(torch.float32).tiny
    )
    known = off[wanted.isfinite().all(dim=1)]
    return not len(known) or bool(known.median() <= _MAX_MEDIAN_ERROR and known.max() <= _MAX_ERROR)


def find_strongest_positions(
    model: nn.Module, layer: str, probe: Probe, *, batch_size: int = 128
) -> StrongestPositions:
    """Finds the position with the largest attribution to the predicted class in each image.

    A backward pass of the predicted logit, minus the mean of all logits, finds the position. A
    forward-mode pass then computes its attribution to all classes.

    Args:
        model: As for `compute_attribution`.
        layer: As for `compute_attribution`.
        probe: The images; its sample positions are not used.
        batch_size: Images per pass, fewer on the CPU if they are large.

    Raises:
        ArgumentError: if there is no attribution; the message says why.
        LayerError: if the name does not resolve, or the layer did not run.
    """
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    sizes: set[tuple[int, int]] = set()
    with _open_intervention(model, layer, probe) as intervention:
        at_once = limit_batch_size(batch_size, probe.images, intervention.model)
        for images in probe.images.iterate(at_once):
            with _explain_errors(layer):
                size, *strengths = _find_predicted_class_peaks(intervention, images)
            sizes.add(size)
            found.append((strengths[0], strengths[1], strengths[2]))
    positions, activations, predictions = (
        torch.cat(part).cpu().numpy() for part in zip(*found, strict=True)
    )
    each = np.arange(len(probe.images), dtype=np.int32)
    alone = dataclasses.replace(
        probe, sample_image=each, relative_positions=np.zeros((len(each), 2), np.float32)
    )
    positions = positions.astype(np.int32)
    attribution = compute_attribution(
        model, layer, alone, positions=positions, batch_size=batch_size
    )
    if attribution.values is None:
        raise ArgumentError(f"layer={layer!r}: {attribution.notes[0]}; pick another")
    return StrongestPositions(
        positions, sizes.pop(), activations, attribution.values, predictions.astype(np.int32)
    )


def find_class_positions(
    model: nn.Module,
    layer: str,
    probe: Probe,
    classes: Sequence[int],
    *,
    most: int,
    batch_size: int = 128,
) -> Mapping[int, ClassPositions]:
    """Finds the positions of all images with the largest attribution to each class.

    One forward pass, and one backward pass per class of its logit minus the mean of all logits,
    compute the attribution of all positions. Up to three positions of an image are kept; they are
    not adjacent, and no two of them are duplicates (`DUPLICATE_COSINE`).

    Args:
        model: As for `compute_attribution`.
        layer: As for `compute_attribution`.
        probe: The images; its sample positions are not used.
        classes: Indices.
        most: Largest number of positions per class.
        batch_size: Images per pass, fewer on the CPU if they are large.

    Raises:
        ArgumentError: if there is no attribution, or no such class; the message says why.
        LayerError: if the name does not resolve, or the layer did not run.
    """
    found: dict[int, list[ClassPositions]] = {index: [] for index in classes}
    with _open_intervention(model, layer, probe) as intervention:
        at_once = limit_batch_size(batch_size, probe.images, intervention.model)
        for start in range(0, len(probe.images), at_once):
            with _explain_errors(layer):
                parts = _find_batch_peaks(
                    intervention, start, probe.images[start : start + at_once], classes
                )
            for index, part in parts.items():
                found[index].append(part)
                if sum(map(len, found[index])) > 2 * most:
                    found[index] = [_keep_strongest(found[index], most)]
    return {index: _keep_strongest(parts, most) for index, parts in found.items()}


@contextlib.contextmanager
def _open_intervention(model: nn.Module, layer: str, probe: Probe) -> Iterator[Intervention]:
    """Yields an intervention at the positions of a layer; then, restores the state of the model."""
    module = resolve_layer(model, layer)
    with preserve_model_state(model) as inner, _enable_all_derivatives():
        calls = count_calls(inner, layer, module, probe)
        yield Intervention(inner, layer, module, probe, calls)


@contextlib.contextmanager
def _explain_errors(layer: str) -> Iterator[None]:
    """Turns any error in the user's code into an error that names the layer.

    Raises:
        ArgumentError: in place of any exception.
    """
    try:
        yield
    except Exception as error:
        why = str(error) if isinstance(error, NoAttributionError) else summarize_error(error)
        raise ArgumentError(f"layer={layer!r} has no attribution ({why}); pick another") from error


def _keep_strongest(parts: Sequence[ClassPositions], most: int) -> ClassPositions:
    strengths = np.concatenate([part.strengths for part in parts])
    order = np.argsort(-strengths, kind="stable")[:most]
    return ClassPositions(
        images=np.concatenate([part.images for part in parts])[order],
        positions=np.concatenate([part.positions for part in parts])[order],
        map_size=parts[0].map_size,
        activations=np.concatenate([part.activations for part in parts])[order],
        strengths=strengths[order],
    )


def _find_batch_peaks(
    intervention: Intervention, start: int, images: Tensor, classes: Sequence[int]
) -> dict[int, ClassPositions]:
    """Returns the strongest positions of a batch that begins at row `start` of the probe."""
    found = {}
    for index, (output, gradient) in zip(
        classes,
        _iterate_gradients(intervention, images, lambda logits: _centered_logits(logits, classes)),
        strict=True,
    ):
        form = intervention.form(output, len(images))
        strengths = (form.as_map(gradient) * form.as_map(output)).sum(dim=1).float()
        rows, positions, activations, strength = _select_peaks(form, output, strengths)
        found[index] = ClassPositions(
            images=(start + rows).numpy().astype(np.int32),
            positions=positions.numpy().astype(np.int32),
            map_size=form.map_size,
            activations=activations.numpy(),
            strengths=strength.numpy(),
        )
    return found


def _centered_logits(logits: Tensor, classes: Sequence[int]) -> list[Tensor]:
    if max(classes) >= logits.shape[1]:
        raise NoAttributionError(
            f"the model has {logits.shape[1]:,} classes, and {max(classes)} is not one of them"
        )
    return [(logits[:, index] - logits.mean(dim=1)).sum() for index in classes]


def _select_peaks(
    form: OutputForm, output: Tensor, strengths: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns images, positions, activations and strengths of the strongest positions.

    Args:
        form: How the output is read.
        output: The layer's output for n images.
        strengths: (n, H, W) attribution to the class at each position.
    """
    count, height, width = strengths.shape
    left = torch.nan_to_num(strengths, nan=-math.inf, posinf=-math.inf)
    center = form.as_map(output).float().mean(dim=(0, 2, 3))
    every = torch.arange(count, device=strengths.device)
    down = torch.arange(height, device=strengths.device)
    across = torch.arange(width, device=strengths.device)
    kept: list[Tensor] = []
    found: list[tuple[Tensor, ...]] = []
    for _ in range(min(POSITIONS_PER_IMAGE, height * width)):
        strength, place = left.flatten(1).max(dim=1)
        row, column = place // width, place % width
        activations = form.gather(output, every, torch.stack([row, column], dim=1)).float()
        unit = functional.normalize(activations - center, dim=1)
        is_new = strength > 0
        for other in kept:
            is_new &= (unit * other).sum(dim=1) <= DUPLICATE_COSINE
        kept.append(unit * is_new[:, None])
        found.append(
            (every[is_new], row[is_new], column[is_new], activations[is_new], strength[is_new])
        )
        near = (down - row[:, None]).abs()[:, :, None] <= 1
        left = left.masked_fill(near & ((across - column[:, None]).abs()[:, None] <= 1), -math.inf)
    rows, row, column, activations, strength = (
        torch.cat(part).cpu() for part in zip(*found, strict=True)
    )
    return rows, torch.stack([row, column], dim=1), activations, strength


def _iterate_gradients(
    intervention: Intervention, images: Tensor, objectives: Callable[[Tensor], Sequence[Tensor]]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields the layer's output and the gradient of each of the `objectives` with respect to it.

    Args:
        intervention: The model and the layer.
        images: A batch.
        objectives: Function of the (n, K) logits that returns scalars.

    Raises:
        NoAttributionError: if the logits do not depend on the layer.
    """
    leaves: list[Tensor] = []

    def enter(output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_())
        return leaves[-1] * 1  # later in-place operations are not allowed on a leaf

    with torch.enable_grad():
        logits = intervention.logits(images, enter)
        if not logits.requires_grad:
            raise NoAttributionError(f"the logits do not depend on layer {intervention.layer!r}")
        scalars = objectives(logits)
    for number, scalar in enumerate(scalars, start=1):
        is_last = number == len(scalars)
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(
                scalar, leaves[-1], retain_graph=not is_last, allow_unused=True
            )
        if gradient is None:
            raise NoAttributionError(f"the logits do not depend on layer {intervention.layer!r}")
        yield leaves[-1].detach(), gradient


def _find_predicted_class_peaks(
    intervention: Intervention, images: Tensor
) -> tuple[tuple[int, int], Tensor, Tensor, Tensor]:
    """Returns the map size, and the positions, activations and predictions of n images."""
    taken: list[Tensor] = []

    def objectives(logits: Tensor) -> list[Tensor]:
        taken.append(logits.argmax(dim=1))
        return [(logits.gather(1, taken[0][:, None])[:, 0] - logits.mean(dim=1)).sum()]

    ((output, gradient),) = _iterate_gradients(intervention, images, objectives)
    predicted = taken[0]
    form = intervention.form(output, len(images))
    strengths = (form.as_map(gradient) * form.as_map(output)).sum(dim=1)
    loudest = strengths.flatten(1).argmax(dim=1)
    width = form.map_size[1]
    positions = torch.stack([loudest // width, loudest % width], dim=1)
    ones = torch.arange(len(images), device=output.device)
    activations = form.gather(output, ones, positions)
    return form.map_size, positions, activations.float(), predicted


def _describe_pooling(pooling: RelaxedPooling | None) -> tuple[str, ...]:
    if pooling is None:
        return ()
    if not pooling.count:
        return ("attribution: 'relaxed' has no effect, this network has no max_pool2d",)
    return ("attribution: uses a smoother derivative of max pooling",)


def _forward_mode(intervention: Intervention, rows: NDArray[np.intp]) -> Tensor:
    """Returns (n, K): the JVP of the logits with each sample's direction."""
    with torch.no_grad(), forward_ad.dual_level():
        logits = intervention.tangent_logits(rows, forward_ad.make_dual)
        tangent = forward_ad.unpack_dual(logits)[1]  # type: ignore[no-untyped-call]
        if not isinstance(tangent, Tensor):
            raise NoAttributionError(f"the logits do not depend on layer {intervention.layer!r}")
        return tangent.clone()


def _double_backward(intervention: Intervention, rows: NDArray[np.intp]) -> Tensor:
    """Returns (n, K): the JVP as in `_forward_mode`, as the gradient of a gradient."""
    leaves: list[tuple[Tensor, Tensor]] = []

    def enter(output: Tensor, direction: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_()
        leaves.append((leaf, direction))
        return leaf * 1  # later in-place operations are not allowed on a leaf

    with torch.enable_grad():
        logits = intervention.tangent_logits(rows, enter)
        leaf, direction = leaves[-1]
        weights = torch.zeros_like(logits, requires_grad=True)
        (gradient,) = torch.autograd.grad(
            logits, leaf, weights, create_graph=True, allow_unused=True
        )
        if gradient is None:
            raise NoAttributionError(f"the logits do not depend on layer {intervention.layer!r}")
        (product,) = torch.autograd.grad(gradient, weights, direction)
    return product


@contextlib.contextmanager
def _enable_all_derivatives() -> Iterator[None]:
    """Disables fused attention kernels, which lack some derivatives."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            sdpa_kernel(SDPBackend.MATH),
            torch.inference_mode(mode=False),
            warnings.catch_warnings(),
        ):
            # torch warns when it loads its forward-mode derivatives: DeprecationWarning up to 2.14,
            # FutureWarning from 2.15 on.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)
