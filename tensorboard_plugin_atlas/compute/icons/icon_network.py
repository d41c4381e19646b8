# SPDX-License-Identifier: Apache-2.0
"""The network that icons are optimized with: from images to activations at their center."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.fastpath import (
    MAX_SECONDS,
    Fallback,
    Program,
    Span,
    compile_program,
    crop_program,
    to_bfloat16,
    try_bfloat16,
)
from tensorboard_plugin_atlas.compute.icons.image_operations import shift_images
from tensorboard_plugin_atlas.compute.icons.redirected_relu import run_with_redirected_relu
from tensorboard_plugin_atlas.compute.icons.token_window import TokenWindow
from tensorboard_plugin_atlas.compute.model.center_weights import (
    get_center_weights,
    get_centering_shift,
    get_surround_weights,
)
from tensorboard_plugin_atlas.compute.model.layers import infer_layer_form, resolve_layer
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    get_device,
    preserve_model_state,
)
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.model.truncate import TruncatedNetwork, truncate
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource, Shape, crop_patches
from tensorboard_plugin_atlas.compute.random_state import preserve_random_state
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.errors import AtlasError, summarize_error

Network = Callable[[Tensor], Tensor]

_CHECK_IMAGES = 2
_CONTEXTS = 7
"""Photographs that can surround a tile: more than a cell has members in `Targets`."""


@dataclass(frozen=True)
class Views:
    """The weighted means of map positions ("views") that are averaged.

    Attributes:
        separately: One view for each of the one to four center positions, instead of their mean.
        surround: Total weight of the eight views around the center, where the map is large enough
            for them; the center has weight 1.
    """

    separately: bool = False
    surround: float = 0.0

    def get_weights(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """Returns the weight of each position in each view.

        Returns:
            (P, H * W) for the center, and (8, H * W) or None for the surround.
        """
        surround = get_surround_weights(map_size) if self.surround else None
        return get_center_weights(map_size, separately=self.separately), surround

    def get_all_weights(self, map_size: tuple[int, int]) -> Tensor:
        """Returns the weights of the center, then of the surround, (P, H * W)."""
        return torch.cat([w for w in self.get_weights(map_size) if w is not None])


@dataclass(frozen=True)
class StochasticDepth:
    """A random choice of residual branches that one pass skips.

    An image that is optimized for many steps overfits to the network. Skipping other branches in
    each step reduces that (Huang et al. 2016, "Deep Networks with Stochastic Depth").

    Attributes:
        share: Share of the branches that are skipped.
        seed: Identifies the pass.
    """

    share: float
    seed: tuple[int, ...]

    def choose(self, count: int) -> tuple[int, ...]:
        """Returns the indices of the skipped branches, out of `count`."""
        chosen = np.random.default_rng(self.seed).permutation(count)[: round(self.share * count)]
        return tuple(map(int, chosen))


@dataclass(frozen=True, eq=False)
class _Reader:
    """How some positions of a network's map are computed.

    Attributes:
        run: Returns (B, C, h, w): a window of the map that holds all positions with a weight.
        network: The network in its original form.
        weights: (P, h * w): weight of each position in each view.
    """

    run: Network
    network: Network
    weights: Tensor

    def crop(self, program: Program, pixels: Tensor, map_size: tuple[int, int]) -> _Reader:
        """Returns a reader that computes only the positions with a weight, if that is faster."""
        weights, whole = self.weights.view(-1, *map_size), self.network
        counted = weights.abs().sum(0).nonzero()
        (top, left), (bottom, right) = counted.amin(0).tolist(), counted.amax(0).tolist()
        run = crop_program(program, pixels, (Span(top, bottom + 1), Span(left, right + 1)))
        if run is None:
            return self
        rows, columns = slice(top, bottom + 1), slice(left, right + 1)
        return _Reader(
            run,
            lambda inputs: whole(inputs)[:, :, rows, columns],
            weights[:, rows, columns].flatten(1),
        )


@dataclass(frozen=True, eq=False)
class IconNetwork:
    """A network up to a layer, read at the center of images; see `prepare`.

    Attributes:
        network: The network, truncated after the layer.
        source: The user's images.
        receptive: Receptive fields of the layer's positions.
        program: The same network on the fast path, or None to use autograd.
        fallback: Why there is no program, where `compile` could not make one.
        bfloat16: The network in bfloat16, if that is faster; only for `compute_views`.
        window: The network on a window of its tokens, or None to compute all of them. With it, the
            whole network gets a tile in the middle of a photograph; only `compute_views` computes
            the window alone.
    """

    network: TruncatedNetwork
    source: PatchSource
    receptive: ReceptiveField
    program: Program | None = None
    fallback: Fallback | None = None
    bfloat16: Network | None = None
    window: TokenWindow | None = None
    _forms: dict[Shape, OutputForm] = field(default_factory=dict, init=False, repr=False)
    _obstacles: dict[Shape, str | None] = field(default_factory=dict, init=False, repr=False)
    _readers: dict[Hashable, _Reader] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def prepare(
        cls, model: nn.Module, layer: str, source: PatchSource, receptive: ReceptiveField
    ) -> IconNetwork:
        """Copies and truncates a model; the model itself does not change.

        Raises:
            LayerError: if the layer does not run, or its output has no known form.
        """
        with preserve_model_state(model):
            network = truncate(model, layer, source.images[:_CHECK_IMAGES])
        return cls(network, source, receptive)

    def find_window(self) -> IconNetwork | None:
        """Returns the function for tiles of a plain vision transformer; None for other networks."""
        images = self.source.images
        rows = torch.arange(_CHECK_IMAGES, device="cpu") % len(images)
        window = TokenWindow.find(
            self.network,
            self.get_form(self.source.shape),
            images[rows].to(self.device),
            images[torch.tensor(self._context_rows, device="cpu")].to(self.device),
        )
        return None if window is None else dataclasses.replace(self, window=window)

    def compile(self, shape: Shape, damping: float) -> IconNetwork:
        """Returns the function on the fast path if the network supports it.

        Args:
            shape: Height and width of the images on which the program is compared with autograd.
            damping: Factor on the gradient of residual branches.
        """
        if self.window is not None:
            return dataclasses.replace(self, fallback=Fallback("a window of tokens is computed"))
        check = self.source.images[:_CHECK_IMAGES][:, :, : shape[0], : shape[1]]
        with self.evaluation_mode():
            found = compile_program(
                self.network,
                check.clone(),
                task=f"icons of layer {self.network.layer!r}",
                damping=damping,
            )
        if isinstance(found, Fallback):
            return dataclasses.replace(self, program=None, fallback=found, bfloat16=None)
        return dataclasses.replace(self, program=found, fallback=None, bfloat16=None)

    def select_precision(
        self,
        shape: Shape,
        batch: int,
        views: Views,
        max_seconds: float = MAX_SECONDS,
        ranks: Ranks = ALONE,
    ) -> IconNetwork:
        """Returns the function with gradients in the faster number format.

        Args:
            shape: Height and width of the images that are optimized.
            batch: How many are optimized at once.
            views: Which map positions are read.
            max_seconds: Time limit of the trial of bfloat16.
            ranks: All use the format that rank 0 chooses.
        """
        parts = self.network.network.named_parameters()
        name = (self.network.layer, views, *((name, tuple(part.shape)) for name, part in parts))
        rows = torch.arange(max(2, batch), device="cpu") % len(self.source.images)
        images = crop_patches(self.source.images, rows, self._get_centers(len(rows)), shape)
        images = images.to(self.device).contiguous(memory_format=torch.channels_last)
        with self.evaluation_mode():
            reader = self._make_reader(images, views, self._differentiated)
            found = try_bfloat16(
                reader.run, images, name=name, max_seconds=max_seconds, ranks=ranks
            )
        bfloat16 = None if found is None else to_bfloat16(self._differentiated, self.device)
        return dataclasses.replace(self, bfloat16=bfloat16)

    def describe_fastpath(self) -> dict[str, Any]:
        """Describes whether the fast path is used, or why not, for the provenance."""
        reason = None if self.fallback is None else self.fallback.reason
        return {"used": self.program is not None, "reason": reason}

    @property
    def device(self) -> torch.device:
        """Device of the network."""
        return get_device(self.network.network)

    @contextmanager
    def evaluation_mode(self) -> Iterator[None]:
        """Preserves modes and random states in a block, and enables gradients.

        All passes must run inside it. A network that draws random numbers draws the same ones each
        time it is entered.
        """
        with (
            preserve_model_state(self.network.network),
            preserve_random_state(0),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            yield

    def get_form(self, shape: Shape) -> OutputForm:
        """Returns how to read the layer's output for images of `shape`.

        Raises:
            Exception: whatever the network raises for a size that it does not accept.
        """
        if shape not in self._forms:
            self._forms[shape] = self._infer_form(shape)
        return self._forms[shape]

    def accepts(self, shape: Shape) -> bool:
        """Returns whether the network runs on images of `shape` with an output of the same form."""
        try:
            form = self.get_form(shape)
        except Exception:  # the user's code may raise anything for a size it does not accept
            return False
        full = self.get_form(self.source.shape)
        return dataclasses.replace(form, map_size=full.map_size) == full

    def explain_missing_gradient(self, shape: Shape) -> str | None:
        """Returns why the layer has no gradient for images of `shape`, or None if it has one.

        A gradient of zero is a gradient here; see `has_gradient`.
        """
        if shape not in self._obstacles:
            self._obstacles[shape] = self._find_obstacle(shape)
        return self._obstacles[shape]

    @torch.no_grad()
    def compute_center(self, pixels: Tensor, members: Tensor | None = None) -> Tensor:
        """Returns the activation at the center of each image, (B, C), in float32.

        Args:
            pixels: (B, channels, h, w) in [0, 1].
            members: (B, K) rows of the source. With a window, none of these surrounds the tile,
                since their surroundings alone can activate the layer as the cell does.
        """
        run = self._exact
        if self.window is not None and members is not None:
            run = partial(self.window.run_in_context, which=self._choose_contexts(members))
        return self._compute(pixels, Views(), run)[:, 0]

    def has_gradient(self, pixels: Tensor) -> Tensor:
        """Returns whether each image has a finite gradient that is not zero, (B,) bool on the CPU.

        It has none where all units are dead or values are not finite. `compute_views` redirects the
        gradient of ReLUs; this method does not.

        Args:
            pixels: As for `compute_center`.
        """
        if not len(pixels):
            return torch.zeros(0, dtype=torch.bool, device="cpu")
        pixels = pixels.detach().requires_grad_()
        map_size = self.get_form((pixels.shape[2], pixels.shape[3])).map_size
        weights = Views().get_weights(map_size)[0]
        values = self._compute_map(pixels, self._differentiated)
        center = torch.matmul(values, weights[0].to(self.device))
        cotangent = torch.linspace(1, 2, center.shape[1]).to(center).expand_as(center)
        (gradient,) = torch.autograd.grad(center, pixels, cotangent, materialize_grads=True)
        largest, finite = gradient.abs().amax((1, 2, 3)), center.isfinite().all(1)
        return (finite & largest.isfinite() & (largest > 0)).cpu()

    def compute_views(
        self,
        pixels: Tensor,
        views: Views,
        depth: StochasticDepth | None = None,
        seed: tuple[int, ...] = (),
    ) -> Tensor:
        """Returns the activations in each view, (B, P, C), differentiable.

        An image without any gradient gets one as if ReLUs leaked, see `redirected_relu`.

        Args:
            pixels: As for `compute_center`.
            views: Which map positions to read; the center comes first.
            depth: Which residual branches to skip, where the network is a program.
            seed: Decides the place of a window in the image.
        """
        if self.window is not None:
            return self._compute(pixels, views, self._place(self.window, pixels, seed))
        return self._compute(pixels, views, self.bfloat16 or self._exact, depth)

    @cached_property
    def _exact(self) -> Network:
        return self._original if self.program is None else self.program

    @cached_property
    def _original(self) -> Network:
        """The network as it was written, for images of any size that it accepts."""
        return self.network if self.window is None else self.window.run_in_context

    @property
    def _context_rows(self) -> tuple[int, ...]:
        """The images that surround a tile, one more than there are members of a cell."""
        count = len(self.source.images)
        return tuple(dict.fromkeys(count * k // _CONTEXTS for k in range(_CONTEXTS)))

    def _choose_contexts(self, members: Tensor) -> Tensor:
        """Returns for each image the first context that is none of its members, (B,)."""
        rows = torch.tensor(self._context_rows, device="cpu")
        is_member = (members.cpu()[:, :, None] == rows).any(1)
        return is_member.int().argmin(1)

    @property
    def _differentiated(self) -> Network:
        """The network whose gradients are computed, at full precision."""
        return self._exact if self.window is None else self.window.run

    def _place(self, window: TokenWindow, pixels: Tensor, seed: tuple[int, ...]) -> Network:
        """Returns the network on a window at a random place, the same for all images."""
        corner = window.choose_corner((pixels.shape[2], pixels.shape[3]), seed)
        run = partial(window.run, corner=corner)
        return run if self.bfloat16 is None else to_bfloat16(run, self.device)

    def _compute(
        self, pixels: Tensor, views: Views, run: Network, depth: StochasticDepth | None = None
    ) -> Tensor:
        if depth is not None and isinstance(run, Program):
            run = partial(run, skip=depth.choose(len(run.branches)))
        reader = self._make_reader(pixels, views, run)
        values = self._compute_map(
            pixels, lambda inputs: run_with_redirected_relu(inputs, reader.run, reader.network)
        )
        means: Tensor = torch.matmul(values, reader.weights.to(values).T).transpose(1, 2)
        return means

    def _make_reader(self, pixels: Tensor, views: Views, run: Network) -> _Reader:
        """Returns how to compute the positions of the views; a program is cropped to them."""
        shape = (pixels.shape[2], pixels.shape[3])
        form = self.get_form(shape)
        if (known := self._readers.get((shape, views, run))) is not None:
            return known
        network = self.network if self.window is None else run
        reader = _Reader(run, network, views.get_all_weights(form.map_size))
        if not isinstance(run, Program) or form != OutputForm("map", form.map_size):
            return reader
        reader = reader.crop(run, pixels, form.map_size)
        self._readers[shape, views, run] = reader
        return reader

    def _compute_map(self, pixels: Tensor, run: Network) -> Tensor:
        """Returns the activation at each position of the map, (B, C, H * W)."""
        shape = (pixels.shape[2], pixels.shape[3])
        form = self.get_form(shape)
        centered = shift_images(pixels, *get_centering_shift(form, shape, self.receptive))
        inputs = self.source.normalize.to_input(centered)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        return form.as_map(run(inputs)).flatten(2)

    def _get_centers(self, count: int) -> Tensor:
        """Returns y and x of the center of an image, (count, 2)."""
        return (
            (torch.tensor(self.source.shape, dtype=torch.float32, device="cpu") - 1)
            .div(2)
            .expand(count, 2)
        )

    def _find_obstacle(self, shape: Shape) -> str | None:
        rows, centers = torch.zeros(1, dtype=torch.int64, device="cpu"), self._get_centers(1)
        pixels = self.source.crop(rows, centers, shape).to(self.device).requires_grad_()
        try:
            values = self._compute_map(pixels, self._exact)
            if not values.requires_grad:
                return (
                    "autograd cannot follow the network to the layer: a forward pass under "
                    "no_grad, a detach, or an operation that has no gradient"
                )
            torch.autograd.grad(values.sum(), pixels, allow_unused=True)
        except AtlasError:
            raise
        except Exception as error:  # differentiation runs the user's code
            return summarize_error(error)
        return None

    @torch.no_grad()
    def _infer_form(self, shape: Shape) -> OutputForm:
        module = resolve_layer(self.network.network, self.network.layer)
        # Real images, since a network may return early for a blank one.
        rows = torch.arange(_CHECK_IMAGES, device="cpu") % len(self.source.images)
        images = crop_patches(self.source.images, rows, self._get_centers(_CHECK_IMAGES), shape)
        output = self._original(images)
        return infer_layer_form(
            output, self.network.layer, module, batch=_CHECK_IMAGES, input_size=shape
        )
