# SPDX-License-Identifier: Apache-2.0
"""How much each sample speaks for each class: the derivative of the logits along its activation.

The attribution of a sample toward class k is h . d logit_k / d h, where h is the layer's activation
at the sample's position (Carter et al. 2019, "Activation Atlas", the linear approximation of its
effect). All K of them are one product with the network's Jacobian, so one forward-mode pass gives
them together: its cost hardly depends on K, where one backward pass for each class would.
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
from tensorboard_plugin_atlas.compute.attribution.intervention import (
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
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error

_MOST_BYTES: Final = 512 << 20
_SAMPLES_OF_AN_IMAGE: Final = 4
"""Samples beside an image's share of a pass, for what comes behind the layer is smaller."""
_PUSHED: Final = 16
"""Samples pushed at once: with more their maps no longer fit into the cache."""
_ROUNDING, _FLIPPED = 1e-4, 0.2
POSITIONS_PER_IMAGE: Final = 3
"""Loud places that count of one image."""
DUPLICATE_COSINE: Final = 0.9
"""Two places of an image whose cosine, relative to the layer's mean, is above it say the same."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each sample of a layer speaks for each class.

    Attributes:
        values: (N, K) float32 toward each of the K logits, in logits; None where there is none to
            be had. A row of NaN or infinity follows from such an activation or logit.
        notes: Why not, or what was assumed.
    """

    values: FloatArray | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class StrongestPositions:
    """The place of each image that argues most for the class that the image is taken for.

    Attributes:
        positions: (I, 2) int32: row and column on the layer's map, its edges included.
        map_size: Height and width of that map.
        activations: (I, C) float32 there.
        attribution: (I, K) float32: what the place says for each class.
        predictions: (I,) int32: what each image is taken for.
    """

    positions: IntArray
    map_size: tuple[int, int]
    activations: FloatArray
    attribution: FloatArray
    predictions: IntArray


@dataclass(frozen=True, eq=False)
class ClassPositions:
    """Places that argue for one class, the loudest first.

    Attributes:
        images: (P,) int32: rows of the probe's images.
        positions: (P, 2) int32: row and column on the layer's map, its edges included.
        map_size: Height and width of that map.
        activations: (P, C) float32 there.
        voices: (P,) float32 > 0: what each says for the class, less what it says for the mean of
            all classes, in logits.
    """

    images: IntArray
    positions: IntArray
    map_size: tuple[int, int]
    activations: FloatArray
    voices: FloatArray

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
) -> Attribution:
    """Asks the model how its logits follow the layer at each of the probe's places.

    The model runs in evaluation mode, in its own precision and on its own device, and is left as it
    was (see `preserve_model_state`). The layers after it are traced where that gives the same
    logits (`trace_head`); else forward mode runs on a copy with the same logits, or on the model.
    Where an operation has no forward-mode derivative, two backward passes give the same product.

    Args:
        model: A classifier of (B, C, H, W), possibly wrapped in DataParallel or torch.compile.
        layer: Name of a submodule. Where it runs more than once, its last answer counts.
        probe: Images and places.
        positions: (N, 2) row and column of each sample on the layer's map; the probe's places when
            left out.
        is_relaxed: Whether max pooling has a smoother derivative, see `relaxing`.
        batch_size: Samples per pass.

    Returns:
        The attributions; without values where the model gives no (images, classes) logits, they do
        not depend on the layer, or no derivative can be had.

    Raises:
        LayerError: if the name does not resolve, or the layer did not run.
    """
    module = resolve_layer(model, layer)
    pooling = RelaxedPooling() if is_relaxed else None
    with (
        preserve_model_state(model) as inner,
        _differentiable(),
        pooling or contextlib.nullcontext(),
    ):
        calls = count_calls(inner, layer, module, probe)
        with optimize_for_inference(inner, probe.images, layer) as quick:
            if quick is not inner:
                module = resolve_layer(quick, layer)
            asked = Intervention(quick, layer, module, probe, calls, positions)
            # Samples of one image come together, so that what they have in common is done once.
            order = np.argsort(probe.sample_image, kind="stable")
            values: Tensor | str | None = None
            if calls == 1 and not is_relaxed:
                values = _pushed(asked, order)
            if values is None:
                if len(np.unique(probe.sample_image)) < len(order):
                    asked = asked.behind(cache_prefix(quick, layer, probe.images))
                few = _SAMPLES_OF_AN_IMAGE * limit_batch_size(batch_size, probe.images, quick)
                values = _derived(asked, order, min(batch_size, few))
    if isinstance(values, str):
        return Attribution(None, (f"attribution: left out, {values}",))
    return Attribution(values.numpy()[np.argsort(order, kind="stable")], _pooling_notes(pooling))


def _derived(asked: Intervention, order: NDArray[np.intp], batch_size: int) -> Tensor | str:
    """Returns the (N, K) attribution of samples in this order, by autograd, or why it has none."""
    found: list[Tensor] = []
    derivative = _forward_mode
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        try:
            try:
                tangent = derivative(asked, rows)
            except Exception as error:  # an operation without a forward-mode derivative
                if derivative is _double_backward or isinstance(error, NoAttributionError):
                    raise
                derivative = _double_backward
                tangent = derivative(asked, rows)
        except NoAttributionError as error:
            return str(error)
        except Exception as error:  # whatever the user's code raises under differentiation
            return f"no derivative behind layer {asked.layer} ({summarize_error(error)})"
        if tangent.shape[1] * len(order) * 4 > _MOST_BYTES:
            return f"{tangent.shape[1]:,} classes of {len(order):,} samples take too much memory"
        found.append(tangent.detach().float().cpu())
    return torch.cat(found)


def _pushed(asked: Intervention, order: NDArray[np.intp]) -> Tensor | None:
    """Returns the same by `pushing`, or None where that cannot be had or says something else.

    It is held against forward mode on the first and the last samples.
    """
    task = f"attribution of layer {asked.layer!r}"
    parts = [order[first : first + _PUSHED] for first in range(0, len(order), _PUSHED)]
    found: list[Tensor] = []
    try:
        with torch.no_grad():
            behind = asked.trace_head(parts[0])
            if behind is None:
                return None
            for number, rows in enumerate(parts, start=1):
                outputs, which = asked.outputs(rows)
                directions = asked.direction(outputs[torch.from_numpy(which)], rows)
                found.append(behind.jvp(outputs, which, directions))
                if number in (1, len(parts)) and not _agree(found[-1], _forward_mode(asked, rows)):
                    log_fallback(task, "the JVPs differ from those of forward mode")
                    return None
                if found[0].shape[1] * len(order) * 4 > _MOST_BYTES:
                    return None
    except Exception as error:  # the user's code may raise anything
        log_fallback(task, error)
        return None
    return torch.cat(found)


def _agree(found: Tensor, wanted: Tensor) -> bool:
    """Tells whether two (n, K) attributions are one, but for rounding.

    A unit whose input is next to nothing is open in one and shut in the other: in float32 a few in
    a hundred of EfficientNet-Lite0's samples are .01 to .04 off, whichever way they are reckoned,
    and all others 1e-6.
    """
    off = (found - wanted).norm(dim=1) / wanted.norm(dim=1).clamp(
        min=torch.finfo(torch.float32).tiny
    )
    known = off[wanted.isfinite().all(dim=1)]
    return not len(known) or bool(known.median() <= _ROUNDING and known.max() <= _FLIPPED)


def find_strongest_positions(
    model: nn.Module, layer: str, probe: Probe, *, batch_size: int = 128
) -> StrongestPositions:
    """Finds where each image argues most for the class that it is taken for.

    One backward pass of the predicted logit, less the mean of all, tells where; a forward-mode pass
    tells what that place says for each class.

    Args:
        model: As for `compute_attribution`.
        layer: As for `compute_attribution`.
        probe: Its images; its places are not used.
        batch_size: Images per pass, fewer on the CPU where they are large.

    Raises:
        ArgumentError: if there is no attribution to be had; the message says why.
        LayerError: if the name does not resolve, or the layer did not run.
    """
    module = resolve_layer(model, layer)
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    sizes: set[tuple[int, int]] = set()
    with preserve_model_state(model) as inner, _differentiable():
        asked = Intervention(inner, layer, module, probe, count_calls(inner, layer, module, probe))
        at_once = limit_batch_size(batch_size, probe.images, inner)
        for images in torch.split(probe.images, at_once):
            try:
                size, *voices = _loudest(asked, images)
            except Exception as error:  # whatever the user's code raises under differentiation
                why = (
                    str(error) if isinstance(error, NoAttributionError) else summarize_error(error)
                )
                raise ArgumentError(
                    f"layer={layer!r} has no attribution ({why}); pick another"
                ) from error
            sizes.add(size)
            found.append((voices[0], voices[1], voices[2]))
    positions, activations, predictions = (
        torch.cat(part).cpu().numpy() for part in zip(*found, strict=True)
    )
    each = np.arange(len(probe.images), dtype=np.int32)
    alone = dataclasses.replace(
        probe, sample_image=each, relative_positions=np.zeros((len(each), 2), np.float32)
    )
    positions = positions.astype(np.int32)
    said = compute_attribution(model, layer, alone, positions=positions, batch_size=batch_size)
    if said.values is None:
        raise ArgumentError(f"layer={layer!r}: {said.notes[0]}; pick another")
    return StrongestPositions(
        positions, sizes.pop(), activations, said.values, predictions.astype(np.int32)
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
    """Finds the places of all images that argue most for each of some classes.

    One forward pass, and for each class one backward pass of its logit less the mean of all: it
    gives the attribution of all places of the map at once. Of each image up to three places count,
    no two of them adjacent, and none that says nearly the same as a louder one.

    Args:
        model: As for `compute_attribution`.
        layer: As for `compute_attribution`.
        probe: Its images; its places are not used.
        classes: Indices.
        most: Places wanted for each class.
        batch_size: Images per pass, fewer on the CPU where they are large.

    Raises:
        ArgumentError: if there is no attribution to be had, or no such class; the message says why.
        LayerError: if the name does not resolve, or the layer did not run.
    """
    module = resolve_layer(model, layer)
    found: dict[int, list[ClassPositions]] = {index: [] for index in classes}
    with preserve_model_state(model) as inner, _differentiable():
        asked = Intervention(inner, layer, module, probe, count_calls(inner, layer, module, probe))
        at_once = limit_batch_size(batch_size, probe.images, inner)
        for start in range(0, len(probe.images), at_once):
            try:
                parts = _loud(asked, start, probe.images[start : start + at_once], classes)
            except Exception as error:  # whatever the user's code raises under differentiation
                why = (
                    str(error) if isinstance(error, NoAttributionError) else summarize_error(error)
                )
                raise ArgumentError(
                    f"layer={layer!r} has no attribution ({why}); pick another"
                ) from error
            for index, part in parts.items():
                found[index].append(part)
                if sum(map(len, found[index])) > 2 * most:
                    found[index] = [_loudest_of(found[index], most)]
    return {index: _loudest_of(parts, most) for index, parts in found.items()}


def _loudest_of(parts: Sequence[ClassPositions], most: int) -> ClassPositions:
    voices = np.concatenate([part.voices for part in parts])
    order = np.argsort(-voices, kind="stable")[:most]
    return ClassPositions(
        images=np.concatenate([part.images for part in parts])[order],
        positions=np.concatenate([part.positions for part in parts])[order],
        map_size=parts[0].map_size,
        activations=np.concatenate([part.activations for part in parts])[order],
        voices=voices[order],
    )


def _loud(
    asked: Intervention, start: int, images: Tensor, classes: Sequence[int]
) -> dict[int, ClassPositions]:
    """Returns the loud places of a batch that begins at row `start` of the probe."""
    found = {}
    for index, (output, back) in zip(
        classes, _gradients(asked, images, lambda logits: _centered(logits, classes)), strict=True
    ):
        form = asked.form(output, len(images))
        voices = (form.as_map(back) * form.as_map(output)).sum(dim=1).float()
        rows, positions, activations, loud = _peaks(form, output, voices)
        found[index] = ClassPositions(
            images=(start + rows).numpy().astype(np.int32),
            positions=positions.numpy().astype(np.int32),
            map_size=form.map_size,
            activations=activations.numpy(),
            voices=loud.numpy(),
        )
    return found


def _centered(logits: Tensor, classes: Sequence[int]) -> list[Tensor]:
    if max(classes) >= logits.shape[1]:
        raise NoAttributionError(
            f"the model tells {logits.shape[1]:,} classes apart, and {max(classes)} is none of them"
        )
    return [(logits[:, index] - logits.mean(dim=1)).sum() for index in classes]


def _peaks(
    form: OutputForm, output: Tensor, voices: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns the peaks of n maps of voices: rows, positions, activations and voices, on the CPU.

    Args:
        form: How the output is read.
        output: The layer's output for n images.
        voices: (n, H, W) what each place says.
    """
    count, height, width = voices.shape
    left = torch.nan_to_num(voices, nan=-math.inf, posinf=-math.inf)
    center = form.as_map(output).float().mean(dim=(0, 2, 3))
    every = torch.arange(count, device=voices.device)
    down = torch.arange(height, device=voices.device)
    across = torch.arange(width, device=voices.device)
    kept: list[Tensor] = []
    found: list[tuple[Tensor, ...]] = []
    for _ in range(min(POSITIONS_PER_IMAGE, height * width)):
        loud, place = left.flatten(1).max(dim=1)
        row, column = place // width, place % width
        activations = form.gather(output, every, torch.stack([row, column], dim=1)).float()
        unit = functional.normalize(activations - center, dim=1)
        fresh = loud > 0
        for other in kept:
            fresh &= (unit * other).sum(dim=1) <= DUPLICATE_COSINE
        kept.append(unit * fresh[:, None])
        found.append((every[fresh], row[fresh], column[fresh], activations[fresh], loud[fresh]))
        near = (down - row[:, None]).abs()[:, :, None] <= 1
        left = left.masked_fill(near & ((across - column[:, None]).abs()[:, None] <= 1), -math.inf)
    rows, row, column, activations, loud = (
        torch.cat(part).cpu() for part in zip(*found, strict=True)
    )
    return rows, torch.stack([row, column], dim=1), activations, loud


def _gradients(
    asked: Intervention, images: Tensor, spoken: Callable[[Tensor], Sequence[Tensor]]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields the layer's output, and the gradient of each scalar of `spoken` with respect to it.

    Args:
        asked: The model and the layer.
        images: A batch.
        spoken: Takes the (n, K) logits.

    Raises:
        NoAttributionError: if the logits do not depend on the layer.
    """
    met: list[Tensor] = []

    def enter(output: Tensor) -> Tensor:
        met.append(output.detach().requires_grad_())
        return met[-1] * 1  # what follows may work in place, which a leaf does not allow

    with torch.enable_grad():
        logits = asked.logits(images, enter)
        if not logits.requires_grad:
            raise NoAttributionError(f"the logits do not depend on layer {asked.layer!r}")
        scalars = spoken(logits)
    for number, scalar in enumerate(scalars, start=1):
        is_last = number == len(scalars)
        with torch.enable_grad():
            (back,) = torch.autograd.grad(
                scalar, met[-1], retain_graph=not is_last, allow_unused=True
            )
        if back is None:
            raise NoAttributionError(f"the logits do not depend on layer {asked.layer!r}")
        yield met[-1].detach(), back


def _loudest(asked: Intervention, images: Tensor) -> tuple[tuple[int, int], Tensor, Tensor, Tensor]:
    """Returns the size of the map, and of n images positions, activations and predictions."""
    taken: list[Tensor] = []

    def spoken(logits: Tensor) -> list[Tensor]:
        taken.append(logits.argmax(dim=1))
        return [(logits.gather(1, taken[0][:, None])[:, 0] - logits.mean(dim=1)).sum()]

    ((output, back),) = _gradients(asked, images, spoken)
    predicted = taken[0]
    form = asked.form(output, len(images))
    voices = (form.as_map(back) * form.as_map(output)).sum(dim=1)
    loudest = voices.flatten(1).argmax(dim=1)
    width = form.map_size[1]
    positions = torch.stack([loudest // width, loudest % width], dim=1)
    ones = torch.arange(len(images), device=output.device)
    activations = form.gather(output, ones, positions)
    return form.map_size, positions, activations.float(), predicted


def _pooling_notes(pooling: RelaxedPooling | None) -> tuple[str, ...]:
    if pooling is None:
        return ()
    if not pooling.met:
        return ("attribution: relaxed as asked, but there is no max_pool2d in this network",)
    return ("attribution: max pooling has the derivative of a smoother pool",)


def _forward_mode(asked: Intervention, rows: NDArray[np.intp]) -> Tensor:
    """Returns (n, K): the product of the Jacobian of the logits with each sample's direction."""
    with torch.no_grad(), forward_ad.dual_level():
        logits = asked.tangent_logits(rows, forward_ad.make_dual)
        tangent = forward_ad.unpack_dual(logits)[1]  # type: ignore[no-untyped-call]
        if not isinstance(tangent, Tensor):
            raise NoAttributionError(f"the logits do not depend on layer {asked.layer!r}")
        return tangent.clone()


def _double_backward(asked: Intervention, rows: NDArray[np.intp]) -> Tensor:
    """Returns the same product as `_forward_mode`, as the gradient of a gradient."""
    met: list[tuple[Tensor, Tensor]] = []

    def enter(output: Tensor, direction: Tensor) -> Tensor:
        leaf = output.detach().requires_grad_()
        met.append((leaf, direction))
        return leaf * 1  # what follows may work in place, which a leaf does not allow

    with torch.enable_grad():
        logits = asked.tangent_logits(rows, enter)
        leaf, direction = met[-1]
        weights = torch.zeros_like(logits, requires_grad=True)
        (back,) = torch.autograd.grad(logits, leaf, weights, create_graph=True, allow_unused=True)
        if back is None:
            raise NoAttributionError(f"the logits do not depend on layer {asked.layer!r}")
        (product,) = torch.autograd.grad(back, weights, direction)
    return product


@contextlib.contextmanager
def _differentiable() -> Iterator[None]:
    """Has attention computed by operations that have derivatives of every kind."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with (
            sdpa_kernel(SDPBackend.MATH),
            torch.inference_mode(mode=False),
            warnings.catch_warnings(),
        ):
            # torch warns of itself when it loads its forward-mode derivatives: of one kind up to
            # 2.14, of the other from 2.15 on.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was)
