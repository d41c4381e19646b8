# SPDX-License-Identifier: Apache-2.0
"""A layer that looks at pictures: what it answers, and how each answer depends on the pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.fastpath.crop import Span, narrowed
from tensorboard_plugin_atlas.compute.fastpath.precision import faster, rounded
from tensorboard_plugin_atlas.compute.fastpath.program import Program, compile_program
from tensorboard_plugin_atlas.compute.icons.redirected_relu import answered
from tensorboard_plugin_atlas.compute.model.center_weights import (
    get_center_weights,
    get_centering_shift,
    get_surround_weights,
)
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.outputs import (
    OutputForm,
    infer_output_form,
    is_sequence_first,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    get_device,
    preserve_model_state,
)
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.model.truncate import TruncatedNetwork, truncate
from tensorboard_plugin_atlas.compute.probe.patches import (
    PatchSource,
    Shape,
    crop_patches,
    shift_images,
)
from tensorboard_plugin_atlas.compute.random_state import preserve_random_state
from tensorboard_plugin_atlas.errors import AtlasError, summarize_error

Network = Callable[[Tensor], Tensor]

_CHECK_IMAGES = 2


@dataclass(frozen=True)
class Views:
    """Which places of a layer's map have a say in a picture.

    Attributes:
        separately: Each of the middle one to four places by itself, instead of their mean.
        surround: What the eight places around the middle count together, where the map is that
            large; the middle counts 1.
    """

    separately: bool = False
    surround: float = 0.0

    def weights(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor | None]:
        """Returns how much each place counts in each view.

        Returns:
            (P, H * W) for the middle, and (8, H * W) or None for what is around it.
        """
        around = get_surround_weights(map_size) if self.surround else None
        return get_center_weights(map_size, separately=self.separately), around

    def all_weights(self, map_size: tuple[int, int]) -> Tensor:
        """Returns those of the middle and then those around it, (P, H * W)."""
        return torch.cat([w for w in self.weights(map_size) if w is not None])


@dataclass(frozen=True)
class StochasticDepth:
    """Residual branches that add nothing in one pass, as in "Deep Networks with Stochastic Depth".

    A picture that is optimized for long fits what one network has by chance; one that never meets
    the same network twice keeps to what another would see in it as well.

    Attributes:
        share: How many of all.
        seed: Names the pass.
    """

    share: float
    seed: tuple[int, ...]

    def of(self, count: int) -> tuple[int, ...]:
        """Returns which of `count` branches are left out."""
        chosen = np.random.default_rng(self.seed).permutation(count)[: round(self.share * count)]
        return tuple(map(int, chosen))


@dataclass(frozen=True, eq=False)
class _Sight:
    """How a network is asked about some places of its map.

    Attributes:
        run: Gives (B, C, h, w): the places among which those are that count.
        network: The same as the user wrote it.
        weights: (P, h * w): how much each of them counts in each view.
    """

    run: Network
    network: Network
    weights: Tensor

    def narrowed(self, program: Program, pixels: Tensor, map_size: tuple[int, int]) -> _Sight:
        """Returns one that reckons the places that count alone, where that is cheaper."""
        weights, whole = self.weights.view(-1, *map_size), self.network
        counted = weights.abs().sum(0).nonzero()
        (top, left), (bottom, right) = counted.amin(0).tolist(), counted.amax(0).tolist()
        run = narrowed(program, pixels, (Span(top, bottom + 1), Span(left, right + 1)))
        if run is None:
            return self
        rows, columns = slice(top, bottom + 1), slice(left, right + 1)
        return _Sight(
            run,
            lambda inputs: whole(inputs)[:, :, rows, columns],
            weights[:, rows, columns].flatten(1),
        )


@dataclass(frozen=True, eq=False)
class LayerObjective:
    """A layer of a frozen network, asked about the middle of pictures; see `prepare`.

    Attributes:
        network: The network, cut behind the layer.
        source: The user's pictures.
        receptive: Where the layer's positions look.
        program: The same network with its own gradients, or None to use autograd.
        quick: The same in another number format, where that is faster: for `compute_views` alone.
    """

    network: TruncatedNetwork
    source: PatchSource
    receptive: ReceptiveField
    program: Program | None = None
    quick: Network | None = None
    _forms: dict[Shape, OutputForm] = field(default_factory=dict, init=False, repr=False)
    _obstacles: dict[Shape, str | None] = field(default_factory=dict, init=False, repr=False)
    _sights: dict[Hashable, _Sight] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def prepare(
        cls, model: nn.Module, layer: str, source: PatchSource, receptive: ReceptiveField
    ) -> LayerObjective:
        """Copies and cuts a model; the model is left as it was.

        Raises:
            LayerError: if the layer does not run, or its output is of no known form.
        """
        with preserve_model_state(model):
            network = truncate(model, layer, source.images[:_CHECK_IMAGES])
        return cls(network, source, receptive)

    def compile(self, shape: Shape, damping: float) -> LayerObjective:
        """Returns the same objective with a program, where the network allows one.

        Args:
            shape: Height and width of pictures on which the program is compared with autograd.
            damping: Factor on the gradient of residual branches.
        """
        check = self.source.images[:_CHECK_IMAGES, :, : shape[0], : shape[1]]
        with self.evaluation_mode():
            program = compile_program(self.network, check.clone(), damping=damping)
        return dataclasses.replace(self, program=program, quick=None)

    def select_precision(self, shape: Shape, batch: int, views: Views) -> LayerObjective:
        """Returns the same objective, which watches in the number format measured fastest.

        Args:
            shape: Height and width of the pictures that are watched.
            batch: How many at once.
            views: Where on the map.
        """
        parts = self.network.network.named_parameters()
        name = (self.network.layer, views, *((name, tuple(part.shape)) for name, part in parts))
        rows = torch.arange(max(2, batch), device="cpu") % len(self.source.images)
        pictures = crop_patches(self.source.images, rows, self._middle(len(rows)), shape)
        pictures = pictures.to(self.device).contiguous(memory_format=torch.channels_last)
        with self.evaluation_mode():
            sight = self._sight(pictures, views, self._exact)
            taken = faster(sight.run, pictures, name=name) is not None
        quick = rounded(self._exact, self.device) if taken else None
        return dataclasses.replace(self, quick=quick)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return get_device(self.network.network)

    @contextmanager
    def evaluation_mode(self) -> Iterator[None]:
        """Enter before any question: keeps modes and random states, and allows gradients.

        Inside, a network that draws random numbers draws the same ones every time.
        """
        with (
            preserve_model_state(self.network.network),
            preserve_random_state(0),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            yield

    def get_form(self, shape: Shape) -> OutputForm:
        """Returns how to read the layer's output for pictures of `shape`.

        Raises:
            Exception: whatever the network raises at a size that it does not take.
        """
        if shape not in self._forms:
            self._forms[shape] = self._form_at(shape)
        return self._forms[shape]

    def accepts(self, shape: Shape) -> bool:
        """Tells whether the network runs on pictures of `shape` and answers in the usual form."""
        try:
            form = self.get_form(shape)
        except Exception:  # whatever the user's code raises at a size it was not made for
            return False
        full = self.get_form(self.source.shape)
        return dataclasses.replace(form, map_size=full.map_size) == full

    def why_not_differentiable(self, shape: Shape) -> str | None:
        """Returns why there is no gradient from the layer to pictures of `shape`, or None.

        A gradient that is zero is one: see `has_gradient`.
        """
        if shape not in self._obstacles:
            self._obstacles[shape] = self._obstacle_at(shape)
        return self._obstacles[shape]

    @torch.no_grad()
    def compute_center(self, pixels: Tensor) -> Tensor:
        """Returns what the layer says of the middle of each picture, (B, C).

        Args:
            pixels: (B, channels, h, w) in [0, 1].
        """
        return self._seen(pixels, Views(), self._exact)[:, 0]

    def has_gradient(self, pixels: Tensor) -> Tensor:
        """Returns whether each image has a finite gradient that is not zero, (B,) bool on the CPU.

        It has none where all units are dead or values are not finite. `compute_views` redirects
        ReLU gradients; this method does not.

        Args:
            pixels: As for `compute_center`.
        """
        if not len(pixels):
            return torch.zeros(0, dtype=torch.bool, device="cpu")
        pixels = pixels.detach().requires_grad_()
        weights = Views().weights(self.get_form((pixels.shape[2], pixels.shape[3])).map_size)[0]
        answers = torch.matmul(self._places(pixels, self._exact), weights[0].to(self.device))
        slopes = torch.linspace(1, 2, answers.shape[1]).to(answers).expand_as(answers)
        (gradient,) = torch.autograd.grad(answers, pixels, slopes, materialize_grads=True)
        largest, finite = gradient.abs().amax((1, 2, 3)), answers.isfinite().all(1)
        return (finite & largest.isfinite() & (largest > 0)).cpu()

    def compute_views(
        self, pixels: Tensor, views: Views, leaving: StochasticDepth | None = None
    ) -> Tensor:
        """Returns what the layer says in each view, (B, P, C), differentiable.

        A picture without any gradient is given one as if rectifiers leaked, see `waking`.

        Args:
            pixels: As for `compute_center`.
            views: Where on the map to look; the middle comes first.
            leaving: Which residual branches to leave out, where the network is a program.
        """
        return self._seen(pixels, views, self.quick or self._exact, leaving)

    @cached_property
    def _exact(self) -> Network:
        return self.network if self.program is None else self.program

    def _seen(
        self, pixels: Tensor, views: Views, run: Network, leaving: StochasticDepth | None = None
    ) -> Tensor:
        if leaving is not None and isinstance(run, Program):
            run = partial(run, left_out=leaving.of(len(run.branches)))
        sight = self._sight(pixels, views, run)
        places = self._places(pixels, lambda inputs: answered(inputs, sight.run, sight.network))
        answers: Tensor = torch.matmul(places, sight.weights.to(places).T).transpose(1, 2)
        return answers

    def _sight(self, pixels: Tensor, views: Views, run: Network) -> _Sight:
        """Returns how to ask a network, of a program no more than counts; see `narrowing`."""
        shape = (pixels.shape[2], pixels.shape[3])
        form = self.get_form(shape)
        if (known := self._sights.get((shape, views, run))) is not None:
            return known
        sight = _Sight(run, self.network, views.all_weights(form.map_size))
        if not isinstance(run, Program) or form != OutputForm("map", form.map_size):
            return sight
        sight = sight.narrowed(run, pixels, form.map_size)
        self._sights[shape, views, run] = sight
        return sight

    def _places(self, pixels: Tensor, run: Network) -> Tensor:
        """Returns what the layer says at each place of its map, (B, C, H * W)."""
        shape = (pixels.shape[2], pixels.shape[3])
        form = self.get_form(shape)
        aimed = shift_images(pixels, *get_centering_shift(form, shape, self.receptive))
        inputs = self.source.normalize.to_input(aimed)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        return form.as_map(run(inputs)).flatten(2)

    def _middle(self, count: int) -> Tensor:
        """Returns y and x of the middle of a picture, (count, 2)."""
        return (
            (torch.tensor(self.source.shape, dtype=torch.float32, device="cpu") - 1)
            .div(2)
            .expand(count, 2)
        )

    def _obstacle_at(self, shape: Shape) -> str | None:
        rows, middle = torch.zeros(1, dtype=torch.int64, device="cpu"), self._middle(1)
        pixels = self.source.cut(rows, middle, shape).to(self.device).requires_grad_()
        try:
            places = self._places(pixels, self._exact)
            if not places.requires_grad:
                return (
                    "autograd cannot follow the network to the layer: a forward pass under "
                    "no_grad, a detach, or an operation that has no gradient"
                )
            torch.autograd.grad(places.sum(), pixels, allow_unused=True)
        except AtlasError:
            raise
        except Exception as error:  # whatever the user's code raises under differentiation
            return summarize_error(error)
        return None

    @torch.no_grad()
    def _form_at(self, shape: Shape) -> OutputForm:
        module = resolve_layer(self.network.network, self.network.layer)
        # Real pictures, for a network may leave early on a blank one.
        rows = torch.arange(_CHECK_IMAGES, device="cpu") % len(self.source.images)
        pictures = crop_patches(self.source.images, rows, self._middle(_CHECK_IMAGES), shape)
        return infer_output_form(
            self.network(pictures),
            batch=_CHECK_IMAGES,
            input_size=shape,
            sequence_first=is_sequence_first(module),
        )
