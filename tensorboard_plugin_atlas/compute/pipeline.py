# SPDX-License-Identifier: Apache-2.0
"""Checkpoint to atlas: collect, lay out, bin, draw, in the order in which data flows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from torch import nn

from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker
from tensorboard_plugin_atlas.analysis.layer_scalars import ICON_CHANGE
from tensorboard_plugin_atlas.atlas import (
    Atlas,
    FloatArray,
    Grid,
    Provenance,
    Quality,
    Samples,
)
from tensorboard_plugin_atlas.compute.attribution.attribute import Attribution, compute_attribution
from tensorboard_plugin_atlas.compute.icons.engine import IconEngine, UnfinishedIcons
from tensorboard_plugin_atlas.compute.icons.icon_change import IconChange, measure_icon_changes
from tensorboard_plugin_atlas.compute.icons.render_levels import (
    FASTPATH,
    RenderedLevels,
    TimeLimit,
    render_levels,
)
from tensorboard_plugin_atlas.compute.icons.targets import Targets, build_targets
from tensorboard_plugin_atlas.compute.layout.align_to_run import (
    ProbeSamples,
    compute_aligned_layout,
)
from tensorboard_plugin_atlas.compute.layout.cell_matching import find_predecessors
from tensorboard_plugin_atlas.compute.layout.grid import (
    GridCells,
    bin_grids,
    cell_deviations,
    cell_means,
)
from tensorboard_plugin_atlas.compute.layout.layout import Layout, compute_layout, restore_layout
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.compute.model.activations import (
    LayerActivations,
    ProbeOutputs,
    collect_activations,
)
from tensorboard_plugin_atlas.compute.model.arguments import check_model_and_config
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.model.logits import ReadLogits, check_output, select_logits
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.model.receptive_field import (
    ReceptiveField,
    measure_receptive_field,
)
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.probe.probe_diff import list_probe_changes
from tensorboard_plugin_atlas.config import RELAXED, AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

PRELIMINARY_QUALITIES: Final = (30,)
PRELIMINARY_ACTIVATION_BYTES: Final = 130_000
"""What a draft keeps of the activations: it is there for minutes, and the log should not double."""

_STEP_COST: Final = 1.5
"""A step of an icon takes about this many times what drawing and scoring a real patch does."""

_DRAFT_NOTE: Final = "icons: a draft, with real patches until the icons are drawn"

OnPreliminary: TypeAlias = Callable[[Atlas], None]

_LIBRARIES: Final = ("tensorboard_plugin_atlas", "torch", "umap-learn", "numpy", "pillow")


@dataclass
class LayerState:
    """What the next checkpoint of a layer needs of the ones before."""

    layout: Layout | None = None
    tracer: ConceptTracker = field(default_factory=ConceptTracker)
    receptive: ReceptiveField | None = None
    drawn: tuple[tuple[GridCells, UnfinishedIcons], ...] = ()
    drawing_seconds: float | None = None
    logged: int = 0
    notes: tuple[str, ...] = ()


@dataclass
class AtlasPipeline:
    """Computes the atlases of one model's layers, checkpoint after checkpoint.

    Attributes:
        probe: What every checkpoint is asked about.
        layers: Dotted module names.
        config: The recipe.
        progress: Whether to show a progress bar on a terminal.
        baselines: Layer to the atlas of another run on whose map it is laid out first; see
            `aligning`. Maps that continue their own log stay where they are.
    """

    probe: Probe
    layers: tuple[str, ...]
    config: AtlasConfig
    progress: bool = True
    baselines: Mapping[str, Atlas] = field(default_factory=dict)
    _memory: dict[str, LayerState] = field(default_factory=dict)

    @cached_property
    def _source(self) -> PatchSource:
        """One for all checkpoints: it remembers the spectrum of the pictures once measured."""
        return PatchSource(self.probe.images, self.probe.normalize)

    def atlases(
        self,
        model: nn.Module,
        step: int,
        wall_time: float | None,
        without: Container[str] = (),
        on_preliminary: OnPreliminary | None = None,
    ) -> Iterator[Atlas]:
        """Yields the atlas of each layer at this checkpoint, one at a time as they are finished.

        Args:
            model: The model; it is left as it was.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            without: Layers to leave out this time.
            on_preliminary: Called with a preliminary atlas, which shows real patches for icons, if
                rendering is expected to take longer than `AtlasConfig.draft_seconds`.

        Raises:
            AtlasError: if a layer cannot be collected or laid out; the message says why.
        """
        now = time.time() if wall_time is None else wall_time
        found = collect_activations(
            model,
            self.layers,
            self.probe,
            batch_size=self.config.batch_size,
            surround=self.config.icons not in ("none", "examples"),
        )
        for layer in self.layers:
            if layer not in without:
                memory = self._memory.setdefault(layer, LayerState())
                yield self._atlas(
                    model, found, found.layers[layer], memory, step, now, on_preliminary
                )

    def start_from(self, previous: Atlas) -> None:
        """Continues the map of an atlas that was read back from a log.

        Raises:
            ArgumentError: if that atlas is of another layer or was made with another probe.
        """
        if previous.layer not in self.layers:
            raise ArgumentError(
                f"previous: the atlas at step {previous.step} is of layer {previous.layer!r}, not "
                f"{', '.join(map(repr, self.layers))}; pass atlases of the same layer"
            )
        if previous.provenance.probe != self.probe.digest:
            raise ArgumentError(
                f"previous: the atlas of layer {previous.layer!r} at step {previous.step} was made "
                "with another probe; pass the same images, labels, samples and seed"
            )
        memory = self._memory.setdefault(previous.layer, LayerState())
        memory.layout = restore_layout(
            previous.xy, previous.activations, viewport=previous.viewport, config=self.config
        )
        memory.tracer = ConceptTracker(previous)
        memory.logged = previous.sequence

    def continue_from(self, previous: Atlas) -> None:
        """Counts on from an atlas of a log, and continues its map where the probe is the same.

        Where it cannot be continued the map starts afresh, and the next atlas says so in its notes.
        """
        memory = self._memory.setdefault(previous.layer, LayerState())
        changes = list_probe_changes(previous, self.probe)
        try:
            if not changes:
                self.start_from(previous)
                return
            reason = "the probe is another: " + ", ".join(changes)
        except ArgumentError as error:
            reason = str(error)
        memory.logged = previous.sequence
        memory.notes = (f"layout: started afresh after step {previous.step:,}, {reason}",)

    def _atlas(
        self,
        model: nn.Module,
        found: ProbeOutputs,
        layer: LayerActivations,
        memory: LayerState,
        step: int,
        wall_time: float,
        on_preliminary: OnPreliminary | None,
    ) -> Atlas:
        if memory.receptive is None:
            # Measured once, so that a sample keeps its patch from the first checkpoint to the last.
            memory.receptive = measure_receptive_field(
                model, layer.layer, self.probe, map_size=layer.map_size
            )
        layout, quality = self._map(layer, memory, memory.receptive)
        levels, grid_notes = bin_grids(layout, layer.values, config=self._binning())
        said = self._attribution(model, layer.layer)
        notes = (
            *memory.notes,
            *self.probe.notes,
            *_field_notes(memory.receptive),
            *found.notes,
            *said.notes,
            *layout.notes,
            *grid_notes,
        )
        plain = Atlas(
            layer=layer.layer,
            step=step,
            wall_time=wall_time,
            classes=self.probe.classes,
            samples=self._samples(found, layer, layout, memory.receptive),
            grids=tuple(_grid(cells, said) for cells in levels),
            quality=quality,
            provenance=self._provenance(model, layer, memory.receptive, notes),
            sequence=memory.logged + 1,
            viewport=layout.viewport_corners,
        )
        plain = self._followed(plain, memory)
        with torch.inference_mode(mode=False):  # icons are drawn by gradient
            atlas = self._with_icons(plain, model, layer, memory, levels, on_preliminary)
        memory.layout, memory.notes = layout, ()
        memory.logged += 1
        return atlas

    def _map(
        self, layer: LayerActivations, memory: LayerState, receptive: ReceptiveField
    ) -> tuple[Layout, Quality]:
        """Lays the samples out, and says how far the map can be trusted."""
        layout = self._layout(layer, memory, receptive)
        return layout, measure_quality(layer.values, layout, memory.layout)

    def _binning(self) -> AtlasConfig:
        """Returns the recipe that cells are made by."""
        return self.config

    def _followed(self, plain: Atlas, memory: LayerState) -> Atlas:
        """Returns the atlas with its concepts, where its samples are those of the step before."""
        return memory.tracer.advance(plain)

    def _layout(
        self, layer: LayerActivations, memory: LayerState, receptive: ReceptiveField
    ) -> Layout:
        """Continues the layer's map, or begins one: on that of another run where it is asked."""
        other = self.baselines.get(layer.layer)
        if memory.layout is not None or other is None:
            return compute_layout(layer.values, memory.layout, config=self.config)
        images, labels = self.probe.sample_image, self.probe.labels
        asked = ProbeSamples(
            digest=self.probe.digest,
            image_ids=self.probe.image_ids[images],
            boxes=receptive.boxes(layer.positions, self.probe.input_size),
            labels=None if labels is None else labels[images],
        )
        try:
            layout, note = compute_aligned_layout(other, asked, layer.values, config=self.config)
        except ArgumentError as error:
            layout = compute_layout(layer.values, config=self.config)
            note = f"layout: not on the map of {other.run!r} as asked: {error}"
        return dataclasses.replace(layout, notes=(note, *layout.notes))

    def _attribution(self, model: nn.Module, layer: str) -> Attribution:
        if not self.config.attribution:
            return Attribution(None)
        return compute_attribution(
            model,
            layer,
            self.probe,
            is_relaxed=self.config.attribution == RELAXED,
            batch_size=self.config.batch_size,
        )

    def _samples(
        self,
        found: ProbeOutputs,
        layer: LayerActivations,
        layout: Layout,
        receptive: ReceptiveField,
    ) -> Samples:
        images = self.probe.sample_image
        labels, predictions = self.probe.labels, found.predictions
        return Samples(
            xy=layout.xy,
            image_ids=self.probe.image_ids[images],
            positions=layer.positions,
            boxes=receptive.boxes(layer.positions, self.probe.input_size),
            clamped=layout.clamped,
            activations=store_activations(layer.values),
            predictions=None if predictions is None else predictions[images],
            labels=None if labels is None else labels[images],
            noise_floor=layout.noise_floor,
        )

    def _with_icons(
        self,
        plain: Atlas,
        model: nn.Module,
        layer: LayerActivations,
        memory: LayerState,
        levels: Sequence[GridCells],
        on_preliminary: OnPreliminary | None,
    ) -> Atlas:
        """Draws the cells of every level, coarsest first, after a draft where that takes long."""
        if self.config.icons == "none" or memory.receptive is None:
            return plain
        engine = IconEngine.prepare(
            unwrap(model),
            layer.layer,
            self._source,
            memory.receptive,
            size=self.config.icon_size,
            steps=self.config.icon_steps,
            seed=self.config.seed,
        )
        centers = memory.receptive.centers(layer.positions)
        targets = [
            build_targets(cells, layer.values, self.probe.sample_image, centers, layer.surround)
            for cells in levels
        ]
        if on_preliminary is not None and self.config.icons != "examples":
            self._draft(plain, layer, engine, targets, memory, on_preliminary)
        start, clock = time.perf_counter(), TimeLimit(self.config.icon_seconds)
        earlier = _drafts(memory, levels, layer.values)
        total = sum(len(cells) for cells in levels)
        with progress_bar(f"icons of {layer.layer}", total, shown=self.progress) as bar:
            drawing = render_levels(
                engine,
                targets,
                self.config.icons,
                warm_start=earlier,
                limit=clock,
                advance=None if bar is None else bar.update,
            )
        sizes = [cells.size for cells in levels]
        changes = (
            ()
            if clock.was_reached
            else measure_icon_changes(engine, sizes, targets, earlier, drawing.icons)
        )
        memory.drawing_seconds = time.perf_counter() - start
        memory.drawn = tuple(
            (cells, drawn.unfinished)
            for cells, drawn in zip(levels, drawing.icons, strict=True)
            if drawn.unfinished is not None
        )
        return _drawn_on(plain, drawing, changes)

    def _draft(
        self,
        plain: Atlas,
        layer: LayerActivations,
        engine: IconEngine,
        targets: Sequence[Targets],
        memory: LayerState,
        on_preliminary: OnPreliminary,
    ) -> None:
        """Hands out the atlas with real patches for icons, where drawing them will take long."""
        limit, expected = self.config.draft_seconds, memory.drawing_seconds
        if limit is None or (expected is not None and expected <= limit):
            return
        start = time.perf_counter()
        drawing = render_levels(engine, targets, "examples", qualities=PRELIMINARY_QUALITIES)
        if expected is None:
            steps = engine.get_settings(self.config.icons).steps
            if (time.perf_counter() - start) * _STEP_COST * steps <= limit:
                return
        kept = store_activations(layer.values, max_bytes=PRELIMINARY_ACTIVATION_BYTES)
        samples = dataclasses.replace(plain.samples, activations=kept)
        drawing = dataclasses.replace(drawing, notes=(*drawing.notes, _DRAFT_NOTE))
        on_preliminary(_drawn_on(plain.replace(samples=samples), drawing))

    def _provenance(
        self,
        model: nn.Module,
        layer: LayerActivations,
        receptive: ReceptiveField,
        notes: Sequence[str],
    ) -> Provenance:
        info: dict[str, Any] = {
            "kind": layer.kind,
            "channels": int(layer.values.shape[1]),
            "map_size": list(layer.map_size),
            "receptive_field": list(receptive.size),
            "stride": list(receptive.stride),
            "input_size": list(self.probe.input_size),
            "normalize": [list(self.probe.normalize.mean), list(self.probe.normalize.std)],
        }
        return Provenance(
            settings=self.config.as_dict(),
            probe=self.probe.digest,
            model=type(unwrap(model)).__name__,
            versions=_versions(),
            layer_info=info,
            notes=tuple(dict.fromkeys(notes)),
        )


def compute_atlas(
    model: nn.Module,
    layer: str,
    probe: object,
    *,
    step: int = 0,
    classes: Sequence[str] | None = None,
    normalize: Any = None,
    previous: Sequence[Atlas] = (),
    config: AtlasConfig | None = None,
    output: ReadLogits | None = None,
) -> Atlas:
    """Computes the atlas of one layer, without a log.

    Args:
        model: An image classifier on any device and in any mode; it is left as it was.
        layer: Dotted module name.
        probe: Dataset, DataLoader, (images, labels) or images, as the model takes them.
        step: Global step to write into the atlas.
        classes: Class names, found in the data set when left out.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; found in the data
            set's transforms when left out.
        previous: Earlier atlases of the same layer and probe; the map continues the last of them.
        config: The recipe, `AtlasConfig()` when left out.
        output: Takes what the model returns for N images and gives (N, K) logits. When left out
            they are the model's output, its `logits`, or the first (N, K) tensor in it; of the
            last a note says where it is.

    Returns:
        The atlas.

    Raises:
        ArgumentError: if an argument cannot be used.
        LayerError: if the layer does not exist or does not run.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(),
        ...                       nn.Linear(8 * 16 * 16, 4))
        >>> images, labels = torch.rand(40, 3, 16, 16), torch.arange(40) % 4
        >>> config = AtlasConfig(samples=40, grids=(4,), icons="examples")
        >>> compute_atlas(model, "1", (images, labels), config=config).xy.shape
        (40, 2)
    """
    recipe = check_model_and_config(model, config)
    if isinstance(previous, Atlas):
        raise ArgumentError("previous is a single Atlas: pass a list, such as previous=[atlas]")
    asked = (
        probe
        if isinstance(probe, Probe)
        else build_probe(probe, config=recipe, classes=classes, normalize=normalize)
    )
    pipeline = AtlasPipeline(asked, (normalize_layer_name(model, layer),), recipe)
    if previous:
        pipeline.start_from(previous[-1])
    # A caller may have numpy raise, and numbers too small to matter are no reason for it.
    with np.errstate(under="ignore"), select_logits(check_output(output, asked.classes)):
        return next(pipeline.atlases(model, step, None))


def _drafts(
    memory: LayerState, levels: Sequence[GridCells], activations: FloatArray
) -> list[UnfinishedIcons | None]:
    """Returns what the cells of each level go on from: the pictures of those they continue."""
    before = {cells.size: (cells, drafts) for cells, drafts in memory.drawn}
    return [
        before[cells.size][1].select(find_predecessors(cells, before[cells.size][0], activations))
        if cells.size in before
        else None
        for cells in levels
    ]


def _field_notes(receptive: ReceptiveField) -> tuple[str, ...]:
    if receptive.measured:
        return ()
    return ("patches: the receptive field could not be measured and follows from the map's size",)


def _drawn_on(plain: Atlas, drawing: RenderedLevels, changes: Sequence[IconChange] = ()) -> Atlas:
    """Returns the atlas with icons, and with what has to be said of them."""
    notes = dict.fromkeys((*plain.provenance.notes, *drawing.notes))
    info = {**plain.provenance.layer_info, FASTPATH: dict(drawing.fastpath)}
    if changes:
        info[ICON_CHANGE] = [one.as_dict() for one in changes]
    provenance = dataclasses.replace(plain.provenance, layer_info=info, notes=tuple(notes))
    return plain.replace(grids=drawing.add_to(plain.grids), provenance=provenance)


def _grid(cells: GridCells, said: Attribution) -> Grid:
    """Returns a level without icons."""
    means = spreads = None
    if said.values is not None:
        # Of logits beyond float32 attribution is infinite, and its spread is no number.
        with np.errstate(invalid="ignore", over="ignore"):
            means, spreads = cell_means(cells, said.values), cell_deviations(cells, said.values)
    return Grid(
        size=cells.size,
        rows=cells.rows,
        cols=cells.cols,
        counts=cells.counts,
        cell_of=cells.cell_of,
        kind_codes=np.zeros(len(cells), np.uint8),
        icon_cosine=np.full(len(cells), np.nan, np.float32),
        attribution=means,
        attribution_spread=spreads,
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
