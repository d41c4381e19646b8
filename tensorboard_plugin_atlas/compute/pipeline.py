# SPDX-License-Identifier: Apache-2.0
"""Computation of an atlas: activations, layout, grids, attribution, concepts and icons."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker
from tensorboard_plugin_atlas.atlas import (
    Atlas,
    FloatArray,
    Provenance,
    Quality,
    Samples,
    StoredActivations,
)
from tensorboard_plugin_atlas.compute.argument_checks import check_model_and_config
from tensorboard_plugin_atlas.compute.atlas_grids import make_grids
from tensorboard_plugin_atlas.compute.attribution.attribute import Attribution, compute_attribution
from tensorboard_plugin_atlas.compute.attribution.attributed_samples import (
    MIN_SAMPLES,
    choose_samples,
    fit_count,
)
from tensorboard_plugin_atlas.compute.icons.atlas_icons import (
    AtlasIcons,
    IconState,
    OnPreliminary,
)
from tensorboard_plugin_atlas.compute.layout.align_to_run import (
    ProbeSamples,
    compute_aligned_layout,
)
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import Layout, compute_layout, restore_layout
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.compute.model.activations import (
    LayerActivations,
    ProbeOutputs,
    collect_activations,
)
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.model.model_interface import (
    Forward,
    check_interface,
    use_interface,
)
from tensorboard_plugin_atlas.compute.model.output_tensors import ReadOutput
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.model.receptive_field import (
    ReceptiveField,
    measure_receptive_field,
)
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.probe.probe_diff import list_probe_changes
from tensorboard_plugin_atlas.compute.process_group import join_group
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.config import RELAXED, AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

ATTRIBUTION_SAMPLES: Final = "attribution_samples"
"""Key of `Provenance.layer_info`: the number of samples with attribution, if not all have it."""

_LIBRARIES: Final = ("tensorboard_plugin_atlas", "torch", "umap-learn", "numpy", "pillow")


@dataclass(frozen=True)
class StageSeconds:
    """CPU seconds of the two stages of an atlas that may take minutes.

    Attributes:
        icons: Rendering of icons.
        attribution: Attribution of samples to classes.
    """

    icons: float = 0.0
    attribution: float = 0.0


@dataclass
class LayerState:
    """State of a layer that is kept from one step to the next.

    Attributes:
        layout: Layout of the last atlas, or None.
        tracker: Follows the layer's concepts.
        receptive: Receptive field, or None until it is measured.
        icons: What its icons keep.
        logged: Number of atlases logged for the layer.
        notes: Notes for the next atlas.
        seconds: CPU seconds of the last atlas.
        attribution_samples: Number of samples with attribution, or None until it is chosen.
    """

    layout: Layout | None = None
    tracker: ConceptTracker = field(default_factory=ConceptTracker)
    receptive: ReceptiveField | None = None
    icons: IconState = field(default_factory=IconState)
    logged: int = 0
    notes: tuple[str, ...] = ()
    seconds: StageSeconds = StageSeconds()
    attribution_samples: int | None = None


@dataclass
class AtlasPipeline:
    """Computes the atlases of a model's layers at successive steps.

    Attributes:
        probe: Images and sample positions, the same at every step.
        layers: Dotted module names.
        config: The settings.
        progress: Whether to show a progress bar on a terminal.
        baselines: Layer name to the atlas of another run that the layer's first map is aligned to;
            see `align_to_run`. Maps that continue a log are not aligned.
        on_activations: Called with layer, (N, C) activations and step before a step's atlases.
        ranks: The processes that compute the atlases together; each has a pipeline, and all make
            the same calls with the same arguments.
    """

    probe: Probe
    layers: tuple[str, ...]
    config: AtlasConfig
    progress: bool = True
    baselines: Mapping[str, Atlas] = field(default_factory=dict)
    on_activations: Callable[[str, FloatArray, int], None] | None = None
    ranks: Ranks = ALONE
    _states: dict[str, LayerState] = field(default_factory=dict)

    @cached_property
    def _source(self) -> PatchSource:
        """Source of real patches, shared by all steps because it caches a spectrum."""
        return PatchSource(self.probe.images, self.probe.normalize)

    @property
    def _icons(self) -> AtlasIcons:
        """Renders icons; made for each atlas, since class atlases have samples of their own."""
        return AtlasIcons(self.probe, self.config, self._source, self.progress, self.ranks)

    def atlases(
        self,
        model: nn.Module,
        step: int,
        wall_time: float | None,
        skip: Container[str] = (),
        on_preliminary: OnPreliminary | None = None,
    ) -> Iterator[Atlas]:
        """Yields the atlas of each layer at this step, as soon as it is computed.

        Args:
            model: The model; its state is not changed.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            skip: Layers that are not computed.
            on_preliminary: Called with a preliminary atlas, which shows real patches for icons, if
                rendering is expected to take longer than `AtlasConfig.draft_seconds`.

        Raises:
            AtlasError: if the activations or the layout of a layer cannot be computed.
        """
        now = self.ranks.decide(time.time) if wall_time is None else wall_time
        found = collect_activations(
            model,
            self.layers,
            self.probe,
            batch_size=self.config.batch_size,
            surround=self.config.icons not in ("none", "examples"),
            ranks=self.ranks,
        )
        for layer in self.layers:
            if self.on_activations is not None and layer not in skip:
                self.on_activations(layer, found.layers[layer].values, step)

        def compute(pipeline: AtlasPipeline, layer: str, report: OnPreliminary | None) -> Atlas:
            state = self._states.setdefault(layer, LayerState())
            return pipeline._compute_atlas(
                model, found, found.layers[layer], state, step, now, report
            )

        size = self.ranks.size
        # Whole layers as long as each rank has one: the ranks do not wait for each other then.
        whole = len(self.layers) // size * size if size > 1 else 0
        if whole:
            yield from self._compute_by_rank(self.layers[:whole], compute, skip, on_preliminary)
        for layer in self.layers[whole:]:
            if layer not in skip:
                yield compute(self, layer, on_preliminary)

    @cached_property
    def _alone(self) -> AtlasPipeline:
        """A pipeline with the states of this one, for layers that this rank computes alone."""
        return dataclasses.replace(self, ranks=ALONE)

    def _compute_by_rank(
        self,
        layers: Sequence[str],
        compute: Callable[[AtlasPipeline, str, OnPreliminary | None], Atlas],
        skip: Container[str],
        on_preliminary: OnPreliminary | None,
    ) -> Iterator[Atlas]:
        """Yields the atlases of layers, of which each rank computes some, always the same ones.

        Preliminary atlases are reported before the final ones of their layer, as by one process.
        """

        def compute_layer(layer: str) -> tuple[Atlas, list[Atlas], StageSeconds] | None:
            if layer in skip:
                return None
            early: list[Atlas] = []
            report = None if on_preliminary is None else early.append
            atlas = compute(self._alone, layer, report)
            return atlas, early, self._states[layer].seconds

        found = self.ranks.compute_all(compute_layer, layers)
        for layer, result in zip(layers, found, strict=True):
            if result is not None:
                atlas, early, seconds = result
                self._states.setdefault(layer, LayerState()).seconds = seconds
                if on_preliminary is not None:
                    for one in early:
                        on_preliminary(one)
                yield atlas

    def get_seconds(self, layer: str) -> StageSeconds:
        """Returns the CPU seconds of the last atlas of a layer."""
        return self._states[layer].seconds

    def start_from(self, previous: Atlas) -> None:
        """Continues the map of an atlas that was read from a log.

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
        state = self._states.setdefault(previous.layer, LayerState())
        state.layout = restore_layout(
            previous.xy,
            previous.activations,
            viewport=previous.viewport,
            known=previous.samples.activations.selected,
            config=self.config,
            ranks=self.ranks,
        )
        state.tracker = ConceptTracker(previous)
        state.logged = previous.sequence
        state.attribution_samples = _read_attribution_samples(previous)

    def continue_from(self, previous: Atlas) -> None:
        """Continues the series of an atlas of a log, and its map if the probe is the same.

        Otherwise, the map starts over, and a note in the next atlas explains why.
        """
        state = self._states.setdefault(previous.layer, LayerState())
        changes = list_probe_changes(previous, self.probe)
        try:
            if not changes:
                self.start_from(previous)
                return
            reason = "the probe changed: " + ", ".join(changes)
        except ArgumentError as error:
            reason = str(error)
        state.logged = previous.sequence
        state.notes = (f"layout: started over after step {previous.step:,}, {reason}",)

    def _compute_atlas(
        self,
        model: nn.Module,
        found: ProbeOutputs,
        layer: LayerActivations,
        state: LayerState,
        step: int,
        wall_time: float,
        on_preliminary: OnPreliminary | None,
    ) -> Atlas:
        if state.receptive is None:
            # Measured once, so that a sample has the same patch at all steps.
            state.receptive = self.ranks.decide(
                lambda: measure_receptive_field(
                    model, layer.layer, self.probe, map_size=layer.map_size
                )
            )
        layout, quality = self._compute_map(layer, state, state.receptive)
        grids, grid_notes = bin_grids(layout, layer.values, config=self._grid_config())
        start = time.process_time()
        attribution = self._compute_attribution(model, layer.layer, state)
        attribution_seconds = time.process_time() - start
        drawn, attribution_notes = make_grids(grids, attribution)
        samples = self._collect_samples(found, layer, layout, state.receptive)
        notes = (
            *state.notes,
            *self.probe.notes,
            *state.receptive.notes,
            *found.notes,
            *_describe_stored_activations(samples.activations),
            *attribution.notes,
            *attribution_notes,
            *layout.notes,
            *grid_notes,
        )
        atlas = Atlas(
            layer=layer.layer,
            step=step,
            wall_time=wall_time,
            classes=self.probe.classes,
            samples=samples,
            grids=drawn,
            quality=quality,
            provenance=self._make_provenance(model, layer, state.receptive, attribution, notes),
            sequence=state.logged + 1,
            viewport=layout.viewport_corners,
        )
        atlas = self._track_concepts(atlas, layer, state)
        start = time.process_time()
        with torch.inference_mode(mode=False):  # icons need gradients
            atlas = self._icons.add(
                atlas, model, layer, state.receptive, grids, state.icons, on_preliminary
            )
        state.seconds = StageSeconds(time.process_time() - start, attribution_seconds)
        state.layout, state.notes = layout, ()
        state.logged += 1
        return atlas

    def _compute_map(
        self, layer: LayerActivations, state: LayerState, receptive: ReceptiveField
    ) -> tuple[Layout, Quality]:
        """Computes the layout of the samples and its quality."""
        layout = self._compute_layout(layer, state, receptive)
        return layout, measure_quality(layer.values, layout, state.layout)

    def _grid_config(self) -> AtlasConfig:
        """Returns the settings of the grids."""
        return self.config

    def _track_concepts(self, atlas: Atlas, layer: LayerActivations, state: LayerState) -> Atlas:
        """Adds concepts and events; the samples must be the same as at the previous step."""
        return state.tracker.advance(atlas, layer.values)

    def _compute_layout(
        self, layer: LayerActivations, state: LayerState, receptive: ReceptiveField
    ) -> Layout:
        """Continues the layer's map, or starts one, aligned to a baseline if there is one."""
        other = self.baselines.get(layer.layer)
        if state.layout is not None or other is None:
            return compute_layout(layer.values, state.layout, config=self.config, ranks=self.ranks)
        images = self.probe.sample_image
        built = ProbeSamples(
            digest=self.probe.digest,
            image_ids=self.probe.image_ids[images],
            boxes=receptive.boxes(layer.positions, self.probe.input_size),
            labels=self.probe.all_sample_labels(),
        )
        try:
            layout, note = compute_aligned_layout(other, built, layer.values, config=self.config)
        except ArgumentError as error:
            layout = compute_layout(layer.values, config=self.config, ranks=self.ranks)
            note = f"layout: not aligned to {other.run!r}: {error}"
        return dataclasses.replace(layout, notes=(note, *layout.notes))

    def _compute_attribution(self, model: nn.Module, layer: str, state: LayerState) -> Attribution:
        """Computes the attribution of samples; without values, and with a note, if it fails."""
        if not self.config.attribution:
            return Attribution(None)
        try:
            with self.ranks.fail_together():
                return self._attribute_some(model, layer, state)
        except Exception as error:  # the user's code runs on copies and with derivatives
            note = f"attribution: left out for layer {layer} ({summarize_error(error)})"
            return Attribution(None, (note,))

    def _attribute_some(self, model: nn.Module, layer: str, state: LayerState) -> Attribution:
        """Computes the attribution of as many samples as at the first step of the layer."""
        total = len(self.probe)
        count = self.config.attribution_samples or state.attribution_samples
        if count is None and total > MIN_SAMPLES:
            # Rank 0 measures the time of some, and decides on the number.
            found, count = self.ranks.decide(lambda: self._time_attribution(model, layer))
            state.attribution_samples = count
            if found.values is None or count == MIN_SAMPLES:
                return found
        return self._attribute_samples(model, layer, total if count is None else count, self.ranks)

    def _time_attribution(self, model: nn.Module, layer: str) -> tuple[Attribution, int]:
        """Returns the attribution of few samples, and how many are to have one."""
        start = time.process_time()
        found = self._attribute_samples(model, layer, MIN_SAMPLES, ALONE)
        return found, fit_count(len(self.probe), time.process_time() - start)

    def _attribute_samples(
        self, model: nn.Module, layer: str, count: int, ranks: Ranks
    ) -> Attribution:
        """Computes the attribution of `count` samples, or of all if there are fewer."""
        total = len(self.probe)
        rows = None if count >= total else choose_samples(total, count)
        found = compute_attribution(
            model,
            layer,
            self.probe if rows is None else self.probe.select_samples(rows),
            is_relaxed=self.config.attribution == RELAXED,
            batch_size=self.config.batch_size,
            ranks=ranks,
        )
        if rows is None or found.values is None:
            return found
        note = (
            f"attribution: of {count:,} of {total:,} samples; pass "
            f"AtlasConfig(attribution_samples={total}) for all"
        )
        return Attribution(found.values, (*found.notes, note), rows)

    def _collect_samples(
        self,
        found: ProbeOutputs,
        layer: LayerActivations,
        layout: Layout,
        receptive: ReceptiveField,
    ) -> Samples:
        images = self.probe.sample_image
        predictions = found.predictions
        if predictions is not None:
            predictions = predictions.at_samples(images)
        return Samples(
            xy=layout.xy,
            image_ids=self.probe.image_ids[images],
            positions=layer.positions,
            boxes=receptive.boxes(layer.positions, self.probe.input_size),
            clamped=layout.clamped,
            activations=store_activations(layer.values),
            predictions=None if predictions is None else predictions.classes,
            confidences=None if predictions is None else predictions.confidences,
            losses=None if predictions is None else predictions.losses,
            labels=self.probe.sample_labels(),
            label_sets=self.probe.sample_label_sets(),
            noise_floor=layout.noise_floor,
        )

    def _make_provenance(
        self,
        model: nn.Module,
        layer: LayerActivations,
        receptive: ReceptiveField,
        attribution: Attribution,
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
        if attribution.samples is not None:
            info[ATTRIBUTION_SAMPLES] = len(attribution.samples)
        return Provenance(
            settings=self.config.as_dict(),
            probe=self.probe.digest,
            model=type(unwrap(model)).__name__,
            versions=_find_versions(),
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
    output: ReadOutput | Literal[False] | None = None,
    forward: Forward | None = None,
    prototypes: Tensor | NDArray[Any] | str | None = None,
    process_group: Any = None,
) -> Atlas:
    """Computes the atlas of one layer without writing a log.

    Args:
        model: An image classifier on any device and in any mode; its state is not changed.
        layer: Dotted module name.
        probe: Dataset, DataLoader, (images, labels) or images, preprocessed as for the model; or a
            `StreamedProbe` of images that do not fit in memory.
        step: Global step of the atlas.
        classes: Class names; taken from the dataset by default.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; taken from the
            dataset's transforms by default.
        previous: Earlier atlases of the same layer and probe; the map continues the last of them.
        config: The settings, `AtlasConfig()` by default.
        forward: Function from a model and a batch of images to the model's output, such as
            `lambda model, images: model(pixel_values=images)`. The model may be a copy of `model`.
            None calls the model with the images.
        output: Maps the model's output for N images to (N, K) logits. By default the logits are the
            output itself, its `logits`, or the first (N, K) tensor in it; in the last case a note
            reports where it was found. False states that there are none. For dense logits, see
            `AtlasWriter`.
        prototypes: (K, D) tensor or array with one embedding for each class, such as embeddings of
            texts, for models that return an (N, D) embedding. The logits are 100 times the cosines
            of the embedding with the prototypes, as in CLIP. "labels" uses the mean of the
            normalized embeddings of each label's images in the probe. The embedding is what
            `output` returns, or the output itself, its `image_embeds` or `pooler_output`, or the
            first (N, D) tensor in it.
        process_group: Ranks that compute the atlas together: a process group of
            `torch.distributed`, such as `torch.distributed.group.WORLD`, with any backend. All of
            its ranks must make this call, with equal arguments and weights and a whole model each.
            None computes the atlas in this process alone, also in a distributed run.

    Returns:
        The atlas; with a process group, the same on all ranks. Activations, map, and icons do not
        depend on the number of ranks.

    Raises:
        ArgumentError: if an argument cannot be used.
        LayerError: if the layer does not exist or does not run.
        RankError: if another rank fails with an error that is not of this package, or ends. An
            error of this package is raised on all ranks.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(),
        ...                       nn.Linear(8 * 16 * 16, 4))
        >>> images, labels = torch.rand(40, 3, 16, 16), torch.arange(40) % 4
        >>> config = AtlasConfig(samples=40, grids=(4,), icons="examples")
        >>> compute_atlas(model, "1", (images, labels), config=config).xy.shape
        (40, 2)

        On all ranks that `torchrun` started, after `init_process_group("gloo")`:

        >>> group = torch.distributed.group.WORLD                             # doctest: +SKIP
        >>> atlas = compute_atlas(model, "1", val_set, process_group=group)   # doctest: +SKIP
    """
    ranks = join_group(process_group)
    # The caller may have set numpy to raise; underflow is not an error here.
    with ranks.fail_together(), np.errstate(under="ignore"):
        config = check_model_and_config(model, config)
        if isinstance(previous, Atlas):
            raise ArgumentError("previous is a single Atlas: pass a list, such as previous=[atlas]")
        built = (
            probe
            if isinstance(probe, Probe)
            else build_probe(probe, config=config, classes=classes, normalize=normalize)
        )
        name = normalize_layer_name(model, layer)
        ranks.check_equal(layer=name, probe=built.digest, config=config.as_dict())
        pipeline = AtlasPipeline(built, (name,), config, ranks.rank == 0, ranks=ranks)
        if previous:
            pipeline.start_from(previous[-1])
        with use_interface(
            check_interface(model, built, output=output, forward=forward, prototypes=prototypes)
        ):
            return next(pipeline.atlases(model, step, None))


def _describe_stored_activations(stored: StoredActivations) -> tuple[str, ...]:
    if stored.selected is None:
        return ()
    held, total = int(stored.selected.sum()), len(stored.selected)
    return (f"activations: those of {held:,} of the {total:,} samples are stored",)


def _read_attribution_samples(atlas: Atlas) -> int | None:
    """Returns the number of samples with attribution in an atlas that was read from a log."""
    count = atlas.provenance.layer_info.get(ATTRIBUTION_SAMPLES)
    return count if isinstance(count, int) and 0 < count < len(atlas.samples) else None


def _find_versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
