# SPDX-License-Identifier: Apache-2.0
"""From the cells of a grid to their icons.

`IconEngine.prepare` readies a model's layer once per checkpoint; `IconEngine.render` is the one
door through which pictures come, whatever their kind, and `IconEngine.score` says how well the
layer recognizes a picture as the cell it stands for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.icons.fourier_image import natural_spectrum
from tensorboard_plugin_atlas.compute.icons.inversion import (
    FIDELITIES,
    InversionSettings,
    Inverter,
    Stage,
    choose_settings,
    choose_tile_side,
)
from tensorboard_plugin_atlas.compute.icons.layer_objective import LayerObjective, StochasticDepth
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.patches import (
    PatchSource,
    Shape,
    post_process,
    resize_images,
    to_rgb,
)
from tensorboard_plugin_atlas.errors import ArgumentError, AtlasError, summarize_error

KINDS = ("examples", *FIDELITIES)
_LARGEST_ICON = 128
_SCORED_AT_ONCE = 64
_SUSPICIOUS_COSINE, _ASKED = 0.5, 3
_SMALLEST_ZOOMED, _STEPS_OF_EACH_SIZE = 128, 6


@dataclass(frozen=True, eq=False)
class UnfinishedIcons:
    """Pictures as the optimizer left them, from which those of a later checkpoint go on.

    Attributes:
        pictures: (M, channels, h, w) uint8.
        known: (M,) whether there is one.
    """

    pictures: NDArray[np.uint8]
    known: NDArray[np.bool_]

    def select(self, cells: NDArray[Any]) -> UnfinishedIcons:
        """Returns those of some cells, by index; none for -1."""
        if not len(self.known):
            return UnfinishedIcons(
                np.zeros((len(cells), *self.pictures.shape[1:]), np.uint8), cells < -1
            )
        known = (cells >= 0) & self.known[cells]
        return UnfinishedIcons(self.pictures[cells], known)


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
        steps: Optimization steps of `kind`, 0 for examples.
        notes: What a reader of the atlas must know.
        unfinished: The optimized pictures before the last touch, or None for examples.
    """

    images: NDArray[np.uint8]
    kind: str
    kinds: NDArray[np.str_]
    cosine: FloatArray
    steps: int
    notes: tuple[str, ...] = ()
    unfinished: UnfinishedIcons | None = None


@dataclass(frozen=True, eq=False)
class IconEngine:
    """A layer made ready for drawing; see `prepare`.

    Attributes:
        objective: The layer, ready to be asked.
        settings: The numbers of an inversion.
        preview: The same with a quarter of the work.
        poster: The same with all the work that shows.
        whole: Whether the network runs on full-size inputs only.
        size: Side of an icon in pixels, or None for that of the drawn picture, at most 128.
        seed: Seeds noise and shifts.
        notes: What a reader of the atlas must know.
    """

    objective: LayerObjective
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
            steps: Optimization steps, or None for what was measured best for each kind.
            seed: Seeds noise and shifts.

        Returns:
            The engine. It draws the model as it is now; later training does not reach it, unless
            the model could not be copied, which `notes` then says.

        Raises:
            LayerError: if the layer does not run, or its output is of no known form.
        """
        objective = LayerObjective.prepare(model, layer, source, receptive)
        side = _side(receptive, source.shape)
        with objective.evaluation_mode(), torch.no_grad():
            why_whole = _why_whole(objective, (side, side))
        planned = [
            choose_settings(
                stride=_stride(receptive),
                side=side,
                input_shape=source.shape,
                whole=why_whole is not None,
                fidelity=fidelity,
                steps=steps,
            )
            for fidelity in FIDELITIES
        ]
        why_large, refused = why_whole, None if why_whole else _refused(objective, planned)
        if refused is not None:
            why_large = (
                f"icons: the network does not run on {refused[0]} x {refused[1]} px, so they have "
                f"{side} x {side} px from the first step on"
            )
            planned = [
                dataclasses.replace(one, stages=(Stage((side, side), one.steps),))
                for one in planned
            ]
        preview, inversion, poster = planned
        if why_whole is not None and steps is None:
            inversion = _zoomed(objective, inversion)
        first = inversion.stages[0].shape
        objective = objective.compile(first, inversion.damping)
        return cls(
            objective.select_precision(first, inversion.batch, inversion.views),
            inversion,
            preview,
            poster,
            whole=why_whole is not None,
            size=size,
            seed=seed,
            notes=objective.network.notes + ((why_large,) if why_large else ()),
        )

    def render(
        self,
        targets: Targets,
        kind: str = "inversion",
        *,
        progress: Callable[[int], object] | None = None,
        until: Callable[[], bool] | None = None,
        warm_start: UnfinishedIcons | None = None,
    ) -> Icons:
        """Draws one icon per cell.

        Args:
            targets: The cells.
            kind: "examples" shows the real patch nearest to the cell's mean, cut at the receptive
                field; "inversion" a picture optimized until the layer answers with that mean,
                "preview" the same with a quarter of the work and "poster" with several times as
                much.
            progress: Called with the number of cells finished since the last call.
            until: Asked before every batch; once it says True the other cells keep the real patch.
            warm_start: Unfinished icons of the same cells at an earlier checkpoint. A cell that has
                one of the same size starts from it and takes fewer steps, see `touches`.

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
        drawn: UnfinishedIcons | None = None
        real = np.arange(len(targets))
        notes: tuple[str, ...] = ()
        with self.objective.evaluation_mode():
            if kind != "examples":
                drawn = self._blank_drafts(len(targets), kind)
                real, notes = self._optimized(
                    sheet, drawn, targets, kind, progress, until, warm_start
                )
            for cells in _batches(real, _SCORED_AT_ONCE):
                chosen = targets.only(cells)
                self._put(sheet, cells, chosen, self._examples(chosen), "examples")
                if progress is not None:
                    progress(len(cells))
        steps = 0 if kind == "examples" else self.get_settings(kind).steps
        notes = self.notes + notes
        return Icons(sheet.images, kind, sheet.kinds, sheet.cosine, steps, notes, drawn)

    def score(
        self,
        pictures: NDArray[np.uint8],
        targets: Targets,
        kind: str | NDArray[np.str_] = "inversion",
    ) -> FloatArray:
        """Returns how well the layer recognizes pictures as the cells they stand for.

        Args:
            pictures: (M, S, S, 3) uint8, as decoded from the log.
            targets: The cells, in the same order.
            kind: What the pictures are, all or (M,) each, which tells the size at which the network
                sees them.

        Returns:
            (M,) float32 centered cosine, as `Icons.cosine`; NaN also if the network takes neither
            one nor three channels, for such a picture cannot be shown to it again.
        """
        cosine = np.full(len(targets), np.nan, np.float32)
        channels = self.objective.source.channels
        if channels not in (1, 3):
            return cosine
        kinds = np.broadcast_to(kind, len(targets))
        with self.objective.evaluation_mode():
            for one in np.unique(kinds):
                shape = self._cut_shape if one == "examples" else self.get_settings(one).shape
                for cells in _batches(np.flatnonzero(kinds == one), _SCORED_AT_ONCE):
                    pixels = torch.from_numpy(pictures[cells]).to(self.objective.device)
                    pixels = pixels.permute(0, 3, 1, 2)[:, :channels].float() / 255
                    cosine[cells] = self._cosine(resize_images(pixels, shape), targets.only(cells))
        return cosine

    def get_settings(self, kind: str) -> InversionSettings:
        """Returns the numbers of "preview", "inversion" or "poster"."""
        return {"preview": self.preview, "poster": self.poster}.get(kind, self.settings)

    def _size_of(self, kind: str) -> int:
        # Whatever replaces it later, a preview and a patch fill the place of an inversion.
        settings = self.poster if kind == "poster" else self.settings
        return self.size or min(_LARGEST_ICON, max(settings.shape))

    def _blank_drafts(self, count: int, kind: str) -> UnfinishedIcons:
        shape = (count, self.objective.source.channels, *self.get_settings(kind).shape)
        return UnfinishedIcons(np.zeros(shape, np.uint8), np.zeros(count, np.bool_))

    def _optimized(
        self,
        sheet: _Sheet,
        drawn: UnfinishedIcons,
        targets: Targets,
        kind: str,
        progress: Callable[[int], object] | None,
        until: Callable[[], bool] | None,
        earlier: UnfinishedIcons | None,
    ) -> tuple[NDArray[np.intp], tuple[str, ...]]:
        """Fills in what can be optimized before `until`; returns the other cells, and notes."""
        why = self.objective.why_not_differentiable(self.get_settings(kind).shape)
        if why is not None:
            return np.arange(len(targets)), (self._no_gradient(why),)
        aimless = np.flatnonzero(targets.aimless())
        dead: list[NDArray[np.intp]] = []
        draw = self._drawer(targets.center, self.get_settings(kind))
        work, failure = self._work(targets, drawn, kind, earlier), ""
        while work and not (until is not None and until()):
            cells, start = work[0]
            chosen = targets.only(cells)
            try:
                pictures = draw(chosen, start)
                touched = post_process(pictures, self.get_settings(kind).finish)
                self._put(sheet, cells, chosen, touched, kind)
                asleep = self._asleep(touched, sheet.cosine[cells])
            except AtlasError:
                raise
            except Exception as error:  # of the user's backward passes; real patches need none
                failure = self._no_gradient(summarize_error(error))
                break
            work.pop(0)
            drawn.pictures[cells] = (pictures * 255).round().to(torch.uint8).cpu().numpy()
            drawn.known[cells] = ~asleep
            dead.append(cells[asleep])
            if progress is not None:
                progress(int((~asleep).sum()))
        total, lost = len(targets), np.concatenate([np.empty(0, np.intp), *dead])
        notes = [
            _left_real(len(cells), total, why)
            for cells, why in ((aimless, _NO_DIRECTION), (lost, _NO_GRADIENT))
            if len(cells)
        ]
        notes += [failure] if failure else []
        return np.concatenate([aimless, lost, *(cells for cells, _ in work)]), tuple(notes)

    def _no_gradient(self, why: str) -> str:
        return (
            f"icons: no gradient of layer {self.objective.network.layer} can be computed ({why}), "
            "so icons are the nearest real patches"
        )

    def _work(
        self, targets: Targets, drawn: UnfinishedIcons, kind: str, earlier: UnfinishedIcons | None
    ) -> list[tuple[NDArray[np.intp], NDArray[np.uint8] | None]]:
        """Returns batches of cells to optimize, those first that have pictures to go on from."""
        size, left = self.get_settings(kind).batch, np.flatnonzero(~targets.aimless())
        if earlier is None or earlier.pictures.shape != drawn.pictures.shape:
            return [(cells, None) for cells in _batches(left, size)]
        known = earlier.known[left]
        return [
            *((cells, earlier.pictures[cells]) for cells in _batches(left[known], size)),
            *((cells, None) for cells in _batches(left[~known], size)),
        ]

    def _asleep(self, pictures: Tensor, cosine: FloatArray) -> NDArray[np.bool_]:
        """Tells which pictures nothing could be learned from; only poor ones are asked."""
        asleep = ~(cosine > _SUSPICIOUS_COSINE)
        # A network that draws random numbers may be silent once by chance.
        for _ in range(_ASKED):
            asleep[asleep] = ~self.objective.has_gradient(
                pictures[torch.from_numpy(asleep)]
            ).numpy()
        return asleep

    def _put(
        self,
        sheet: _Sheet,
        cells: NDArray[np.intp],
        targets: Targets,
        pictures: Tensor,
        kind: str,
    ) -> None:
        side = sheet.images.shape[1]
        sheet.images[cells] = to_rgb(resize_images(pictures, (side, side))).numpy()
        sheet.cosine[cells] = self._cosine(pictures, targets)
        sheet.kinds[cells] = kind

    @property
    def _cut_shape(self) -> Shape:
        if self.whole:
            return self.objective.source.shape
        side = _side(self.objective.receptive, self.objective.source.shape)
        return side, side

    def _examples(self, targets: Targets) -> Tensor:
        rows, centers = targets.rows[:, 0], targets.centers[:, 0]
        patches = self.objective.source.cut(rows.clamp(min=0), centers, self._cut_shape)
        return patches.to(self.objective.device)

    def _drawer(
        self, center: Tensor, settings: InversionSettings
    ) -> Callable[[Targets, NDArray[np.uint8] | None], Tensor]:
        """Returns the function that draws some cells, anew or from earlier pictures of them."""
        device, source = self.objective.device, self.objective.source
        shapes = [stage.shape for stage in settings.stages]
        spectra = {
            shape: natural_spectrum(source, shape, isotropy=settings.isotropy).to(device)
            for shape in shapes
        }
        center = center.to(device)

        def answer(pixels: Tensor, step: int) -> Tensor:
            leaving = (
                StochasticDepth(settings.left_out, (self.seed, step)) if settings.left_out else None
            )
            return self.objective.compute_views(pixels, settings.views, leaving) - center

        inverter = Inverter(answer, spectra, settings, self.seed)

        def draw(targets: Targets, earlier: NDArray[np.uint8] | None) -> Tensor:
            wishes = {
                shape: targets.wish(settings.views, self.objective.get_form(shape).map_size).to(
                    device
                )
                for shape in shapes
            }
            if earlier is not None:
                return inverter.touch_up(wishes, torch.from_numpy(earlier).to(device).float() / 255)
            starts = targets.mean_patches(source, shapes[0], settings.start_members).to(device)
            noise = targets.noise(tuple(starts.shape[1:]), self.seed).to(device)
            return inverter.invert(wishes, starts, noise)

        return draw

    @torch.no_grad()
    def _cosine(self, pixels: Tensor, targets: Targets) -> FloatArray:
        answers = self.objective.compute_center(pixels).cpu() - targets.center
        wanted = targets.centered()
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


_NO_DIRECTION = "their mean is the layer's own, or no number"
_NO_GRADIENT = "no gradient of the layer reaches a picture (dead units, or no finite values)"


def _left_real(count: int, total: int, why: str) -> str:
    return f"icons: {count} of {total} cells keep the nearest real patch, for {why}"


def _zoomed(objective: LayerObjective, settings: InversionSettings) -> InversionSettings:
    """Begins whole pictures at half their size, where the network takes that.

    On the pooled features of EfficientNet-Lite0 at 224 px, half the cost at the same cosine in two
    sibling networks (.524 and .532 against .524 and .550); a poster loses .03, and a preview more.
    """
    height, width = settings.shape
    if max(height, width) < _SMALLEST_ZOOMED:
        return settings
    stages = [
        Stage((_sixteenths(height * share), _sixteenths(width * share)), _STEPS_OF_EACH_SIZE)
        for share in (0.5, 0.7)
    ]
    with objective.evaluation_mode():
        if not all(objective.accepts(stage.shape) for stage in stages):
            return settings
    last = Stage(settings.shape, _STEPS_OF_EACH_SIZE)
    return dataclasses.replace(settings, stages=(*stages, last))


def _sixteenths(side: float) -> int:
    return max(1, round(side / 16)) * 16


def _refused(objective: LayerObjective, planned: Iterable[InversionSettings]) -> Shape | None:
    """Returns a size that the network does not take, or None."""
    shapes = {stage.shape for settings in planned for stage in settings.stages}
    with objective.evaluation_mode():
        return next((shape for shape in sorted(shapes) if not objective.accepts(shape)), None)


def _batches(cells: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    return (cells[first : first + size] for first in range(0, len(cells), size))


def _stride(receptive: ReceptiveField) -> int:
    return max(1, round(max(receptive.stride)))


def _side(receptive: ReceptiveField, input_shape: Shape) -> int:
    return choose_tile_side(
        stride=_stride(receptive), receptive_size=max(receptive.size), input_shape=input_shape
    )


def _why_whole(objective: LayerObjective, tile: Shape) -> str | None:
    """Returns why the network must see full-size inputs, or None when it takes tiles."""
    full = objective.get_form(objective.source.shape)
    if full.map_size == (1, 1):
        return "icons: the layer has no map, so its icons are whole pictures"
    try:
        small = objective.get_form(tile)
    except Exception as error:  # whatever the user's code raises at a size it was not made for
        return (
            f"icons: the network does not run on {tile[0]} x {tile[1]} px "
            f"({type(error).__name__}), so icons are optimized at full size"
        )
    if dataclasses.replace(small, map_size=full.map_size) != full:
        return "icons: the layer answers small inputs in another form, so it saw full-size ones"
    return None
