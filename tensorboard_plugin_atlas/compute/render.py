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
    FIDELITIES,
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

KINDS = ("examples", *FIDELITIES)
_LARGEST_ICON = 128
_SCORED_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Icons:
    """The pictures of M cells.

    Attributes:
        images: (M, S, S, 3) uint8.
        kind: What was asked for, one of `KINDS`.
        kinds: (M,) what each picture is: `kind`, or "examples" where nothing else was drawn.
        cosine: (M,) float32: cosine between the layer's answer to the picture, before it was
            resized and encoded, and the cell's mean activation, both relative to the layer's mean;
            NaN where the cell's mean is the layer's mean.
        steps: Optimisation steps of `kind`, 0 for examples.
        notes: What a reader of the atlas must know.
    """

    images: NDArray[np.uint8]
    kind: str
    kinds: NDArray[np.str_]
    cosine: FloatArray
    steps: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class IconEngine:
    """A layer made ready for drawing; see `prepare`.

    Attributes:
        observer: The layer, ready to be asked.
        settings: The numbers of an inversion.
        preview: The same with a quarter of the work.
        poster: The same with all the work that shows.
        whole: Whether the network runs on full-size inputs only.
        size: Side of an icon in pixels, or None for that of the drawn picture, at most 128.
        seed: Seeds noise and shifts.
        notes: What a reader of the atlas must know.
    """

    observer: Observer
    settings: InversionSettings
    preview: InversionSettings
    poster: InversionSettings
    whole: bool
    size: int | None
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
            size: Side of an icon in pixels, or None for that of the drawn picture, at most 128.
            steps: Optimisation steps, or None for what was measured best for each kind.
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
        preview, inversion, poster = (
            settings_for(
                stride=_stride(receptive),
                side=side,
                input_shape=source.shape,
                whole=why_whole is not None,
                fidelity=fidelity,
                steps=steps,
            )
            for fidelity in FIDELITIES
        )
        return cls(
            observer.compiled(inversion.stages[0].shape, inversion.damping),
            inversion,
            preview,
            poster,
            whole=why_whole is not None,
            size=size,
            seed=seed,
            notes=observer.network.notes + ((why_whole,) if why_whole else ()),
        )

    def render(
        self,
        targets: Targets,
        kind: str = "inversion",
        *,
        progress: Callable[[int], object] | None = None,
        until: Callable[[], bool] | None = None,
    ) -> Icons:
        """Draws one icon per cell.

        Args:
            targets: The cells.
            kind: "examples" shows the real patch nearest to the cell's mean, cut at the receptive
                field; "inversion" a picture optimised until the layer answers with that mean,
                "preview" the same with a quarter of the work and "poster" with several times as
                much.
            progress: Called with the number of cells finished since the last call.
            until: Asked before every batch; once it says True the other cells keep the real patch.

        Returns:
            The icons, in the order of the cells. An icon depends on its own cell only, never on
            the other cells of its batch. A cell whose mean is the layer's own has no direction, and
            shows the real patch whatever was asked for.

        Raises:
            ArgumentError: if `kind` is none of these.
        """
        if kind not in KINDS:
            raise ArgumentError(f"kind={kind!r}: pass one of {', '.join(map(repr, KINDS))}")
        sheet = _Sheet.blank(len(targets), self._size_of(kind))
        real = np.arange(len(targets))
        with self.observer.running():
            if kind != "examples":
                real = self._optimised(sheet, targets, kind, progress, until)
            for cells in _batches(real, _SCORED_AT_ONCE):
                self._put(sheet, cells, targets.only(cells), self._examples, "examples")
                if progress is not None:
                    progress(len(cells))
        steps = 0 if kind == "examples" else self.settings_of(kind).steps
        return Icons(sheet.images, kind, sheet.kinds, sheet.cosine, steps, self.notes)

    def score(
        self,
        pictures: NDArray[np.uint8],
        targets: Targets,
        kind: str | NDArray[np.str_] = "inversion",
    ) -> FloatArray:
        """Returns how well the layer recognises pictures as the cells they stand for.

        Args:
            pictures: (M, S, S, 3) uint8, as decoded from the log.
            targets: The cells, in the same order.
            kind: What the pictures are, all or (M,) each, which tells the size at which the network
                sees them.

        Returns:
            (M,) float32 centred cosine, as `Icons.cosine`; NaN also where the network takes neither
            one nor three channels, for such a picture cannot be shown to it again.
        """
        cosine = np.full(len(targets), np.nan, np.float32)
        channels = self.observer.source.channels
        if channels not in (1, 3):
            return cosine
        kinds = np.broadcast_to(kind, len(targets))
        with self.observer.running():
            for one in np.unique(kinds):
                shape = self._cut_shape if one == "examples" else self.settings_of(one).shape
                for cells in _batches(np.flatnonzero(kinds == one), _SCORED_AT_ONCE):
                    pixels = torch.from_numpy(pictures[cells]).to(self.observer.device)
                    pixels = pixels.permute(0, 3, 1, 2)[:, :channels].float() / 255
                    cosine[cells] = self._cosine(resized(pixels, shape), targets.only(cells))
        return cosine

    def settings_of(self, kind: str) -> InversionSettings:
        """Returns the numbers of "preview", "inversion" or "poster"."""
        return {"preview": self.preview, "poster": self.poster}.get(kind, self.settings)

    def _size_of(self, kind: str) -> int:
        # Whatever replaces it later, a preview and a patch fill the place of an inversion.
        settings = self.poster if kind == "poster" else self.settings
        return self.size or min(_LARGEST_ICON, max(settings.shape))

    def _optimised(
        self,
        sheet: _Sheet,
        targets: Targets,
        kind: str,
        progress: Callable[[int], object] | None,
        until: Callable[[], bool] | None,
    ) -> NDArray[np.intp]:
        """Fills in what can be optimised before `until`, and returns the other cells."""
        aimless = targets.aimless()
        left = np.flatnonzero(~aimless)
        settings = self.settings_of(kind)
        draw = self._inverter(targets.centre, settings)
        while len(left) and not (until is not None and until()):
            cells, left = left[: settings.batch], left[settings.batch :]
            self._put(sheet, cells, targets.only(cells), draw, kind)
            if progress is not None:
                progress(len(cells))
        return np.concatenate([np.flatnonzero(aimless), left])

    def _put(
        self,
        sheet: _Sheet,
        cells: NDArray[np.intp],
        targets: Targets,
        draw: Callable[[Targets], Tensor],
        kind: str,
    ) -> None:
        pictures = draw(targets)
        side = sheet.images.shape[1]
        sheet.images[cells] = to_rgb(resized(pictures, (side, side))).numpy()
        sheet.cosine[cells] = self._cosine(pictures, targets)
        sheet.kinds[cells] = kind

    @property
    def _cut_shape(self) -> Shape:
        if self.whole:
            return self.observer.source.shape
        side = _side(self.observer.receptive, self.observer.source.shape)
        return side, side

    def _examples(self, targets: Targets) -> Tensor:
        rows, centres = targets.rows[:, 0], targets.centres[:, 0]
        patches = self.observer.source.cut(rows.clamp(min=0), centres, self._cut_shape)
        return patches.to(self.observer.device)

    def _inverter(self, centre: Tensor, settings: InversionSettings) -> Callable[[Targets], Tensor]:
        """Returns the function that draws some cells."""
        device, source = self.observer.device, self.observer.source
        shapes = [stage.shape for stage in settings.stages]
        spectra = {
            shape: natural_spectrum(source, shape, isotropy=settings.isotropy).to(device)
            for shape in shapes
        }
        centre = centre.to(device)

        def answer(pixels: Tensor) -> Tensor:
            return self.observer.watch(pixels, settings.views) - centre

        inverter = Inverter(answer, spectra, settings, self.seed)

        def draw(targets: Targets) -> Tensor:
            starts = targets.mean_patches(source, shapes[0]).to(device)
            noise = targets.noise(tuple(starts.shape[1:]), self.seed).to(device)
            wishes = {
                shape: targets.wish(settings.views, self.observer.form(shape).map_size).to(device)
                for shape in shapes
            }
            return finished(inverter.invert(wishes, starts, noise), settings.finish)

        return draw

    @torch.no_grad()
    def _cosine(self, pixels: Tensor, targets: Targets) -> FloatArray:
        answers = self.observer.answers(pixels).cpu() - targets.centre
        wanted = targets.centred()
        lengths = answers.norm(dim=1) * wanted.norm(dim=1)
        cosine = (answers * wanted).sum(1) / lengths.clamp(min=torch.finfo(torch.float32).tiny)
        cosine[wanted.norm(dim=1) == 0] = torch.nan
        return np.asarray(cosine.numpy(), np.float32)


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Icons on their way: as `Icons`, filled in batch by batch."""

    images: NDArray[np.uint8]
    kinds: NDArray[np.str_]
    cosine: FloatArray

    @classmethod
    def blank(cls, count: int, side: int) -> _Sheet:
        longest = max(map(len, KINDS))
        return cls(
            np.zeros((count, side, side, 3), np.uint8),
            np.full(count, "examples", f"<U{longest}"),
            np.full(count, np.nan, np.float32),
        )


def _batches(cells: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    return (cells[first : first + size] for first in range(0, len(cells), size))


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
