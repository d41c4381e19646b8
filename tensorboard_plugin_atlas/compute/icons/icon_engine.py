# SPDX-License-Identifier: Apache-2.0
"""Renders the icons of cells, and computes their cosine.

`IconEngine.prepare` copies and compiles a model once per logged step. `IconEngine.render` renders
icons of any kind, and `IconEngine.score` computes the cosine of images with the means of cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.icons.cell_batches import Batch, CellBatches, split
from tensorboard_plugin_atlas.compute.icons.fourier_image import measure_spectrum
from tensorboard_plugin_atlas.compute.icons.grid_icons import (
    GridIcons,
    GridPart,
    UnfinishedIcons,
)
from tensorboard_plugin_atlas.compute.icons.icon_cosine import compute_cosines
from tensorboard_plugin_atlas.compute.icons.icon_frame import choose_frame, get_tile_side
from tensorboard_plugin_atlas.compute.icons.icon_network import (
    IconNetwork,
    StochasticDepth,
)
from tensorboard_plugin_atlas.compute.icons.image_operations import resize_images, to_rgb
from tensorboard_plugin_atlas.compute.icons.inversion import (
    FIDELITIES,
    InversionSettings,
    Inverter,
)
from tensorboard_plugin_atlas.compute.icons.post_processing import post_process
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource, Shape
from tensorboard_plugin_atlas.compute.random_state import seed_random_state
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.errors import ArgumentError, AtlasError, summarize_error

KINDS = ("examples", *FIDELITIES)
_LARGEST_ICON = 128
_SCORED_AT_ONCE = 64
_TRIAL_SHARE = 0.1
_SUSPICIOUS_COSINE, _GRADIENT_CHECKS = 0.5, 3


@dataclass(frozen=True, eq=False)
class Icons:
    """The icons of M cells.

    Attributes:
        images: (M, S, S, 3) uint8.
        kind: The requested kind, one of `KINDS`.
        kinds: (M,): the kind of each icon: `kind`, or "examples" where no image was optimized.
        cosine: (M,) float32: cosine between the layer's activation for the image, before it is
            resized and encoded, and the cell's mean activation, both relative to the layer's mean;
            NaN where the cell's mean equals the layer's mean, and for patches that were not
            measured in time. `render_levels` measures the cosine of the stored image, which the
            log has instead.
        steps: Optimization steps of `kind`, 0 for examples.
        notes: What a reader of the atlas must know.
        unfinished: The optimized images before post-processing, or None for examples.
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
    """Renders icons of one layer at one logged step; see `prepare`.

    Attributes:
        activation: The activations of the layer as a function of pixels.
        settings: Of kind "inversion".
        preview: Of kind "preview", a quarter of the work.
        poster: Of kind "poster", several times the work.
        is_full_size: Whether the network runs on full-size inputs only.
        size: Side of an icon in pixels, or None for that of the optimized image, at most 128.
        seed: Seed of noise and shifts.
        notes: What a reader of the atlas must know.
    """

    activation: IconNetwork
    settings: InversionSettings
    preview: InversionSettings
    poster: InversionSettings
    is_full_size: bool
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
        full_size_reason: str = "",
        limit: TimeLimit | None = None,
        ranks: Ranks = ALONE,
    ) -> IconEngine:
        """Copies, truncates and compiles the model, and chooses the settings.

        Args:
            model: The user's model without wrappers. Its state, mode, gradients, hooks and the
                random states do not change.
            layer: Dotted module name.
            source: The images of the probe.
            receptive: Receptive fields of the layer's positions.
            size: Side of an icon in pixels, or None for that of the optimized image, at most 128.
            steps: Optimization steps, or None for the measured default of each kind.
            seed: Seed of noise and shifts.
            full_size_reason: Note that says why icons must be whole images, or empty to optimize
                smaller ones where the network runs on them.
            limit: Time limit of the icons; a trial of bfloat16 takes at most a tenth of it.
            ranks: All use the number format that rank 0 chooses.

        Returns:
            The engine. It holds a copy of the model, which later training does not change. Where
            the model cannot be copied it holds the model itself, and `notes` says so.

        Raises:
            LayerError: if the layer does not run, or its output has no known form.
        """
        activation = IconNetwork.prepare(model, layer, source, receptive)
        with activation.evaluation_mode():
            frame = choose_frame(activation, steps, full_size_reason)
        preview, inversion, poster = frame.settings
        first = inversion.stages[0].shape
        activation = frame.activation.compile(first, inversion.damping)
        seconds = math.inf if limit is None or limit.seconds is None else limit.seconds
        return cls(
            activation.select_precision(
                first,
                inversion.batch,
                inversion.views,
                max_seconds=_TRIAL_SHARE * seconds,
                ranks=ranks,
            ),
            inversion,
            preview,
            poster,
            is_full_size=frame.is_full_size,
            size=size,
            seed=seed,
            notes=(*activation.network.notes, *frame.notes),
        )

    def render(
        self,
        targets: Targets,
        kind: str = "inversion",
        *,
        progress: Callable[[int], object] | None = None,
        limit: TimeLimit | None = None,
        warm_start: UnfinishedIcons | None = None,
    ) -> Icons:
        """Renders one icon per cell.

        Args:
            targets: The cells.
            kind: "examples" shows the real patch whose activation is nearest to the cell's mean,
                cropped to the receptive field. "inversion" optimizes an image until its activation
                points along that mean, "preview" does so with a quarter of the work and "poster"
                with several times the work.
            progress: Called with the number of cells finished since the last call.
            limit: When the time is over, the other cells keep the real patch, and patches have no
                cosine.
            warm_start: Unfinished icons of the same cells in an earlier atlas. A cell that has
                one of the same size starts from it and takes `warm_steps` steps.

        Returns:
            The icons, in the order of the cells. An icon depends on its own cell only, never on
            the other cells of its batch. A cell whose mean equals the layer's mean has no
            direction, and shows the real patch for every kind.

        Raises:
            ArgumentError: if `kind` is none of these.
        """
        return self.render_grids(
            [targets], kind, progress=progress, limit=limit, warm_start=[warm_start]
        )[0]

    def render_grids(
        self,
        targets: Sequence[Targets],
        kind: str,
        *,
        progress: Callable[[int], object] | None = None,
        limit: TimeLimit | None = None,
        warm_start: Sequence[UnfinishedIcons | None] | None = None,
        ranks: Ranks = ALONE,
    ) -> list[Icons]:
        """Renders the icons of several grids: those to optimize first, then all real patches.

        Args:
            targets: The cells of each grid.
            kind: As for `render`.
            progress: As for `render`.
            limit: As for `render`; only for a process alone.
            warm_start: Unfinished icons for each grid.
            ranks: Each renders some of the batches, and returns the icons of all.

        Raises:
            ArgumentError: as `render`.
        """
        if kind not in KINDS:
            raise ArgumentError(f"kind={kind!r}: pass one of {', '.join(map(repr, KINDS))}")
        limit = TimeLimit() if limit is None else limit
        progress = progress or _ignore
        grids = [self._start_grid(one, kind) for one in targets]
        with self.activation.evaluation_mode():
            if kind != "examples":
                starts = warm_start or [None] * len(grids)
                for grid, start in zip(grids, starts, strict=True):
                    self._plan(grid, kind, limit, start)
                self._optimize_grids(grids, kind, progress, limit, ranks)
            self._add_examples(grids, progress, limit, ranks)
        steps = 0 if kind == "examples" else self.get_settings(kind).steps
        return [
            Icons(
                grid.images,
                kind,
                grid.kinds,
                grid.cosine,
                steps,
                (*self.notes, *grid.describe()),
                grid.unfinished,
            )
            for grid in grids
        ]

    def score(
        self,
        images: NDArray[np.uint8],
        targets: Targets,
        kind: str | NDArray[np.str_] = "inversion",
        ranks: Ranks = ALONE,
    ) -> FloatArray:
        """Returns the cosine of images with the means of cells.

        Args:
            images: (M, S, S, 3) uint8, as decoded from the log.
            targets: The cells, in the same order.
            kind: Kind of all images, or (M,) of each; it decides the size at which the network gets
                them.
            ranks: Each runs the network on some of the images.

        Returns:
            (M,) float32 centered cosine, as `Icons.cosine`; NaN also if the network takes neither
            one nor three channels, since such an input cannot be recovered from an image.
        """
        cosine = np.full(len(targets), np.nan, np.float32)
        channels = self.activation.source.channels
        if channels not in (1, 3):
            return cosine
        kinds = np.broadcast_to(kind, len(targets))
        batches = [
            (self._crop_shape if one == "examples" else self.get_settings(one).shape, cells)
            for one in np.unique(kinds)
            for cells in split(np.flatnonzero(kinds == one), _SCORED_AT_ONCE)
        ]

        def score_batch(batch: tuple[Shape, NDArray[np.intp]]) -> FloatArray:
            shape, cells = batch
            pixels = torch.from_numpy(images[cells]).to(self.activation.device)
            pixels = pixels.permute(0, 3, 1, 2)[:, :channels].float() / 255
            resized = resize_images(pixels, shape)
            return compute_cosines(self.activation, resized, targets.select(cells))

        with self.activation.evaluation_mode():
            found = ranks.compute_all(score_batch, batches)
        for (_, cells), values in zip(batches, found, strict=True):
            cosine[cells] = values
        return cosine

    def get_settings(self, kind: str) -> InversionSettings:
        """Returns the settings of "preview", "inversion" or "poster"."""
        return {"preview": self.preview, "poster": self.poster}.get(kind, self.settings)

    def _get_icon_side(self, kind: str) -> int:
        # Previews and patches have the size of an inversion, which may replace them later.
        settings = self.poster if kind == "poster" else self.settings
        return self.size or min(_LARGEST_ICON, max(settings.shape))

    def _start_grid(self, targets: Targets, kind: str) -> GridIcons:
        """Returns the icons of a grid, all of which are still missing."""
        unfinished = None
        if kind != "examples":
            shape = self.activation.source.channels, *self.get_settings(kind).shape
            unfinished = UnfinishedIcons(
                np.zeros((len(targets), *shape), np.uint8), np.zeros(len(targets), np.bool_)
            )
        return GridIcons(targets, self._get_icon_side(kind), unfinished)

    def _plan(
        self,
        grid: GridIcons,
        kind: str,
        limit: TimeLimit,
        warm_start: UnfinishedIcons | None,
    ) -> None:
        """Chooses the batches of cells to optimize; none if the layer has no gradient."""
        if limit.is_over():
            return
        reason = self.activation.explain_missing_gradient(self.get_settings(kind).shape)
        if reason is not None:
            grid.failure = self._describe_missing_gradient(reason)
            return
        grid.set_batches(self._plan_batches(grid, kind, warm_start))

    def _optimize_grids(
        self,
        grids: Sequence[GridIcons],
        kind: str,
        progress: Callable[[int], object],
        limit: TimeLimit,
        ranks: Ranks,
    ) -> None:
        """Optimizes the icons of all grids; each rank some of the batches."""

        def optimize_own() -> list[GridPart]:
            first = 0
            for grid in grids:
                own = [
                    batch
                    for number, batch in enumerate(grid.batches, first)
                    if ranks.is_own(number)
                ]
                self._optimize(grid, own, kind, progress, limit)
                first += len(grid.batches)
            return [] if ranks.size == 1 else [grid.get_part(grid.is_done) for grid in grids]

        parts = ranks.gather(optimize_own)
        if ranks.size > 1:
            for grid, of_grid in zip(grids, zip(*parts, strict=True), strict=True):
                known = int(grid.is_done.sum())
                for part in of_grid:
                    grid.insert(part, kind)
                grid.discard_after_failure()
                progress(int(grid.is_done.sum()) - known)

    def _optimize(
        self,
        grid: GridIcons,
        own: list[Batch],
        kind: str,
        progress: Callable[[int], object],
        limit: TimeLimit,
    ) -> None:
        """Stores the icons of some batches of a grid, until the limit or a failure."""
        if not own or grid.unfinished is None:
            return
        optimize = self._make_optimizer(grid.targets.center, self.get_settings(kind), limit)
        for cells, start in CellBatches(own, limit):
            chosen = grid.targets.select(cells)
            # So that a network that draws random numbers draws the same ones on any rank.
            seed_random_state(0)
            try:
                images = optimize(chosen, start)
                processed = post_process(images, self.get_settings(kind).finish)
                self._store(grid, cells, processed, kind)
                grid.cosine[cells] = compute_cosines(self.activation, processed, chosen)
                is_dead = self._find_dead(processed, grid.cosine[cells])
            except _TimeIsOverError:
                break
            except AtlasError:
                raise
            except Exception as error:  # the backward pass runs the user's code; patches need none
                grid.failure = self._describe_missing_gradient(summarize_error(error))
                grid.failed_batch = int(grid.batch_of[cells[0]])
                break
            grid.unfinished.images[cells] = (images * 255).round().to(torch.uint8).cpu().numpy()
            grid.unfinished.is_known[cells] = ~is_dead
            grid.is_done[cells] = True
            progress(int((~is_dead).sum()))

    def _add_examples(
        self,
        grids: Sequence[GridIcons],
        progress: Callable[[int], object],
        limit: TimeLimit,
        ranks: Ranks,
    ) -> None:
        """Stores real patches in all cells without an optimized icon; each rank in some of them."""
        batches = [
            (index, cells)
            for index, grid in enumerate(grids)
            for cells in split(grid.find_real(), _SCORED_AT_ONCE)
        ]

        def add(batch: tuple[int, NDArray[np.intp]]) -> GridPart | None:
            index, cells = batch
            grid = grids[index]
            chosen = grid.targets.select(cells)
            patches = self._cut_examples(chosen)
            self._store(grid, cells, patches, "examples")
            if not limit.is_over():
                grid.cosine[cells] = compute_cosines(self.activation, patches, chosen)
            progress(len(cells))
            return None if ranks.size == 1 else grid.get_part(cells, with_unfinished=False)

        parts = ranks.compute_all(add, batches)
        for number, ((index, _), part) in enumerate(zip(batches, parts, strict=True)):
            if part is not None and not ranks.is_own(number):
                grids[index].insert(part, "examples")
                progress(len(part.cells))

    def _describe_missing_gradient(self, reason: str) -> str:
        return (
            f"icons: no gradient of layer {self.activation.network.layer} can be computed "
            f"({reason}), so icons are the nearest real patches"
        )

    def _plan_batches(
        self, grid: GridIcons, kind: str, warm_start: UnfinishedIcons | None
    ) -> list[Batch]:
        """Returns batches of cells to optimize; those with images to start from come first."""
        size, left = self.get_settings(kind).batch, np.flatnonzero(~grid.has_no_direction)
        shape = None if grid.unfinished is None else grid.unfinished.images.shape
        if warm_start is None or warm_start.images.shape != shape:
            return [(cells, None) for cells in split(left, size)]
        is_known = warm_start.is_known[left]
        return [
            *((cells, warm_start.images[cells]) for cells in split(left[is_known], size)),
            *((cells, None) for cells in split(left[~is_known], size)),
        ]

    def _find_dead(self, images: Tensor, cosine: FloatArray) -> NDArray[np.bool_]:
        """Returns which images have no gradient; only those with a low cosine are checked."""
        is_dead = ~(cosine > _SUSPICIOUS_COSINE)
        # A network that draws random numbers may have a zero gradient by chance.
        for _ in range(_GRADIENT_CHECKS):
            suspects = images[torch.from_numpy(is_dead)]
            is_dead[is_dead] = ~self.activation.has_gradient(suspects).numpy()
        return is_dead

    def _store(self, grid: GridIcons, cells: NDArray[np.intp], images: Tensor, kind: str) -> None:
        grid.images[cells] = to_rgb(resize_images(images, (grid.side, grid.side))).numpy()
        grid.kinds[cells] = kind

    @property
    def _crop_shape(self) -> Shape:
        if self.is_full_size:
            return self.activation.source.shape
        side = get_tile_side(self.activation.receptive, self.activation.source.shape)
        return side, side

    def _cut_examples(self, targets: Targets) -> Tensor:
        rows, centers = targets.rows[:, 0], targets.centers[:, 0]
        patches = self.activation.source.crop(rows.clamp(min=0), centers, self._crop_shape)
        return patches.to(self.activation.device)

    def _make_optimizer(
        self, center: Tensor, settings: InversionSettings, limit: TimeLimit
    ) -> Callable[[Targets, NDArray[np.uint8] | None], Tensor]:
        """Returns the function that optimizes the images of cells, with or without a warm start.

        It raises _TimeIsOverError when the time is over.
        """
        device, source = self.activation.device, self.activation.source
        shapes = [stage.shape for stage in settings.stages]
        spectra = {
            shape: measure_spectrum(source, shape, isotropy=settings.isotropy).to(device)
            for shape in shapes
        }
        center = center.to(device)

        def compute_activations(pixels: Tensor, step: int) -> Tensor:
            if limit.is_over():
                raise _TimeIsOverError
            share = settings.skipped_share
            depth = StochasticDepth(share, (self.seed, step)) if share else None
            seed = (self.seed, step)
            return self.activation.compute_views(pixels, settings.views, depth, seed) - center

        inverter = Inverter(compute_activations, spectra, settings, self.seed)

        def optimize(targets: Targets, start: NDArray[np.uint8] | None) -> Tensor:
            view_targets = {
                shape: targets.get_view_targets(
                    settings.views, self.activation.get_form(shape).map_size
                ).to(device)
                for shape in shapes
            }
            if start is not None:
                images = torch.from_numpy(start).to(device).float() / 255
                return inverter.continue_from(images, view_targets)
            starts = targets.average_patches(source, shapes[0], settings.start_members).to(device)
            noise = targets.make_noise(tuple(starts.shape[1:]), self.seed).to(device)
            return inverter.invert(view_targets, starts, noise)

        return optimize


def _ignore(_count: int) -> None:
    """Reports no progress."""


class _TimeIsOverError(Exception):
    """The time limit was reached while a batch was optimized."""
