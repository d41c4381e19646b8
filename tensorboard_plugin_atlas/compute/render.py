# SPDX-License-Identifier: Apache-2.0
"""From the cells of a grid to their icons.

`IconEngine.prepare` readies a model's layer once per checkpoint; `IconEngine.render` is the one
door through which pictures come, whatever their kind, and `IconEngine.score` says how well the
layer recognises a picture as the cell it stands for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.inversion import (
    InversionSettings,
    Inverter,
    settings_for,
    tile_side,
)
from tensorboard_plugin_atlas.compute.observer import Observer
from tensorboard_plugin_atlas.compute.patches import PatchSource, Shape, finished, resized, to_rgb
from tensorboard_plugin_atlas.compute.receptive import ReceptiveField
from tensorboard_plugin_atlas.compute.spectrum import natural_spectrum
from tensorboard_plugin_atlas.compute.targets import Targets
from tensorboard_plugin_atlas.errors import ArgumentError

KINDS = ("examples", "inversion")
_LARGEST_ICON = 128
_SCORED_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Icons:
    """The pictures of M cells.

    Attributes:
        images: (M, S, S, 3) uint8.
        kind: "examples" or "inversion".
        cosine: (M,) float32: cosine between the layer's answer to the picture, before it was
            resized and encoded, and the cell's mean activation, both relative to the layer's mean;
            NaN where the cell's mean is the layer's mean.
        steps: Optimisation steps, 0 for examples.
        notes: What a reader of the atlas must know.
    """

    images: NDArray[np.uint8]
    kind: str
    cosine: FloatArray
    steps: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class IconEngine:
    """A layer made ready for drawing; see `prepare`.

    Attributes:
        observer: The layer, ready to be asked.
        settings: The numbers of the inversion.
        whole: Whether the network runs on full-size inputs only.
        size: Side of an icon in pixels.
        seed: Seeds noise and shifts.
        notes: What a reader of the atlas must know.
    """

    observer: Observer
    settings: InversionSettings
    whole: bool
    size: int
    seed: int
    notes: tuple[str, ...]

    @classmethod
    def prepare(
        cls,
        model: nn.Module,
        layer: str,
        source: PatchSource,
        receptive: ReceptiveField,
        *,
        size: int | None = None,
        steps: int | None = None,
        seed: int = 0,
    ) -> IconEngine:
        """Copies and cuts the model and chooses the settings.

        Args:
            model: The user's model without wrappers; neither its state, mode, gradients, hooks nor
                any random state changes.
            layer: Dotted module name.
            source: The pictures of the probe.
            receptive: Where the layer's positions look.
            size: Side of an icon in pixels, or None for the side of a tile, at most 128.
            steps: Optimisation steps, or None for the measured default.
            seed: Seeds noise and shifts.

        Returns:
            The engine. It draws the model as it is now; later training does not reach it, unless
            the model could not be copied, which `notes` then says.

        Raises:
            LayerError: if the layer does not run, or its output is of no known form.
        """
        observer = Observer.prepare(model, layer, source, receptive)
        side = _side(receptive, source.shape)
        with observer.running(), torch.no_grad():
            why_whole = _why_whole(observer, (side, side))
        settings = settings_for(
            stride=_stride(receptive),
            side=side,
            input_shape=source.shape,
            whole=why_whole is not None,
            steps=steps,
        )
        return cls(
            observer.compiled(settings.stages[0].shape, settings.damping),
            settings,
            whole=why_whole is not None,
            size=size or min(_LARGEST_ICON, max(settings.shape)),
            seed=seed,
            notes=observer.network.notes + ((why_whole,) if why_whole else ()),
        )

    def render(
        self,
        targets: Targets,
        kind: str = "inversion",
        *,
        progress: Callable[[int], object] | None = None,
    ) -> Icons:
        """Draws one icon per cell.

        Args:
            targets: The cells.
            kind: "examples" shows the real patch nearest to the cell's mean, cut at the receptive
                field; "inversion" a picture optimised until the layer answers with that mean.
            progress: Called with the number of cells finished since the last call.

        Returns:
            The icons, in the order of the cells. An icon depends on its own cell only, never on
            the other cells of its batch.

        Raises:
            ArgumentError: if `kind` is none of the two.
        """
        if kind not in KINDS:
            raise ArgumentError(f"kind={kind!r}: pass one of {', '.join(map(repr, KINDS))}")
        images = np.zeros((len(targets), self.size, self.size, 3), np.uint8)
        cosine = np.full(len(targets), np.nan, np.float32)
        with self.observer.running():
            draw = self._examples if kind == "examples" else self._inverter(targets)
            for cells in _batches(len(targets), self.settings.batch):
                pictures = draw(targets, cells)
                cosine[cells] = self._cosine(pictures, targets, cells)
                images[cells] = to_rgb(resized(pictures, (self.size, self.size))).numpy()
                if progress is not None:
                    progress(len(pictures))
        steps = self.settings.steps if kind == "inversion" else 0
        return Icons(images, kind, cosine, steps, self.notes)

    def score(
        self, pictures: NDArray[np.uint8], targets: Targets, kind: str = "inversion"
    ) -> FloatArray:
        """Returns how well the layer recognises pictures as the cells they stand for.

        Args:
            pictures: (M, S, S, 3) uint8, as decoded from the log.
            targets: The cells, in the same order.
            kind: What the pictures are, which tells the size at which the network sees them.

        Returns:
            (M,) float32 centred cosine, as `Icons.cosine`; NaN also where the network takes neither
            one nor three channels, for such a picture cannot be shown to it again.
        """
        cosine = np.full(len(targets), np.nan, np.float32)
        channels = self.observer.source.channels
        if channels not in (1, 3):
            return cosine
        shape = self._cut_shape if kind == "examples" else self.settings.shape
        with self.observer.running():
            for cells in _batches(len(targets), _SCORED_AT_ONCE):
                pixels = torch.from_numpy(pictures[cells]).to(self.observer.device)
                pixels = (
                    pixels.permute(0, 3, 1, 2)[:, : self.observer.source.channels].float() / 255
                )
                cosine[cells] = self._cosine(resized(pixels, shape), targets, cells)
        return cosine

    @property
    def _cut_shape(self) -> Shape:
        if self.whole:
            return self.observer.source.shape
        side = _side(self.observer.receptive, self.observer.source.shape)
        return side, side

    def _examples(self, targets: Targets, cells: slice) -> Tensor:
        rows, centres = targets.rows[cells, 0], targets.centres[cells, 0]
        patches = self.observer.source.cut(rows.clamp(min=0), centres, self._cut_shape)
        return patches.to(self.observer.device)

    def _inverter(self, targets: Targets) -> Callable[[Targets, slice], Tensor]:
        """Returns the function that draws the inversions of some cells."""
        settings, device, source = self.settings, self.observer.device, self.observer.source
        shapes = [stage.shape for stage in settings.stages]
        spectra = {
            shape: natural_spectrum(self.observer.source, shape, isotropy=settings.isotropy).to(
                device
            )
            for shape in shapes
        }
        centre = targets.centre.to(device)

        def answer(pixels: Tensor) -> Tensor:
            return self.observer.watch(pixels, settings.views) - centre

        inverter = Inverter(answer, spectra, settings, self.seed)

        def draw(targets: Targets, cells: slice) -> Tensor:
            starts = targets.mean_patches(source, cells, shapes[0]).to(device)
            noise = targets.noise(cells, tuple(starts.shape[1:]), self.seed).to(device)
            wishes = {
                shape: targets.wish(cells, settings.views, self.observer.form(shape).map_size)
                for shape in shapes
            }
            return finished(inverter.invert(wishes, starts, noise), settings.finish)

        return draw

    @torch.no_grad()
    def _cosine(self, pixels: Tensor, targets: Targets, cells: slice) -> FloatArray:
        answers = self.observer.answers(pixels).cpu() - targets.centre
        wanted = targets.centred()[cells]
        lengths = answers.norm(dim=1) * wanted.norm(dim=1)
        cosine = (answers * wanted).sum(1) / lengths.clamp(min=torch.finfo(torch.float32).tiny)
        cosine[wanted.norm(dim=1) == 0] = torch.nan
        return np.asarray(cosine.numpy(), np.float32)


def _batches(count: int, size: int) -> Iterator[slice]:
    return (slice(first, min(first + size, count)) for first in range(0, count, size))


def _stride(receptive: ReceptiveField) -> int:
    return max(1, round(max(receptive.stride)))


def _side(receptive: ReceptiveField, input_shape: Shape) -> int:
    return tile_side(
        stride=_stride(receptive), receptive_size=max(receptive.size), input_shape=input_shape
    )


def _why_whole(observer: Observer, tile: Shape) -> str | None:
    """Returns why the network must see full-size inputs, or None when it takes tiles."""
    full = observer.form(observer.source.shape)
    if full.map_size == (1, 1):
        return "icons: the layer has no map, so its icons are whole pictures"
    try:
        small = observer.form(tile)
    except Exception as error:  # whatever the user's code raises at a size it was not made for
        return (
            f"icons: the network does not run on {tile[0]} x {tile[1]} px "
            f"({type(error).__name__}), so icons are optimised at full size"
        )
    if dataclasses.replace(small, map_size=full.map_size) != full:
        return "icons: the layer answers small inputs in another form, so it saw full-size ones"
    return None
