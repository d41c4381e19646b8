# SPDX-License-Identifier: Apache-2.0
"""The demo's training loop: an ordinary PyTorch loop with three lines for `AtlasWriter`."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.demo.data import LabeledImages, load
from tensorboard_plugin_atlas.demo.network import DemoNet
from tensorboard_plugin_atlas.demo.pretrained import (
    PRETRAINED_LAYERS,
    PRETRAINED_NORMALIZE,
    PRETRAINED_SIDE,
    build_pretrained,
    check_packages,
)
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import CHILD_RUN
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.writer.atlas_cost import Cost
from tensorboard_plugin_atlas.writer.atlas_writer import AtlasWriter

MARKED_SHARE = 0.9
"""Share of the images of a class that get a planted marker."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Settings of training and atlases.

    Attributes:
        steps: Training steps.
        batch: Batch size.
        limit: Largest number of images.
        config: Settings of the atlases.
        build: Returns the network for a number of channels and of classes.
        layers: Layers of the network that are logged.
        normalize: Mean and standard deviation of the network's inputs.
        peak_rate: Largest learning rate.
        optimizer: Returns an optimizer of parameters.
        logged_shares: Shares of the run at which atlases are logged: more at first, when a network
            changes fastest.
        side: Images are cropped and resized to squares of this side; None keeps small images.
        probes_all: Whether the probe is all images, or only those that are held out.
    """

    steps: int
    batch: int
    limit: int
    config: AtlasConfig
    build: Callable[[int, int], nn.Module]
    layers: tuple[str, ...] = ("stage2", "stage3")
    normalize: tuple[float, float] = (0.5, 0.25)
    peak_rate: float = 0.2
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] = partial(
        torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True
    )
    logged_shares: tuple[float, ...] = (0.0, 0.03, 0.08, 0.2, 0.38, 0.62, 1.0)
    side: int | None = None
    probes_all: bool = False


DIGITS = Recipe(
    steps=120,
    batch=64,
    limit=1797,
    config=AtlasConfig(samples=800, positions_per_image=2, grids=(6, 12, 24)),
    build=partial(DemoNet, width=0.5),
)
PICTURES = Recipe(
    steps=360,
    batch=128,
    limit=30_000,
    # Logs preliminary atlases, so that the tab shows each step before its icons are rendered.
    config=AtlasConfig(draft_seconds=0),  # word-check: ok
    build=DemoNet,
)
PRETRAINED = Recipe(
    steps=80,
    batch=16,
    limit=2_000,
    config=AtlasConfig(
        samples=2_000,
        positions_per_image=4,
        grids=(10, 20),
        attribution_samples=300,
        draft_seconds=0,  # word-check: ok
    ),
    build=build_pretrained,
    layers=PRETRAINED_LAYERS,
    normalize=PRETRAINED_NORMALIZE,
    peak_rate=1e-3,
    optimizer=partial(torch.optim.AdamW, lr=1e-4),
    logged_shares=(0.0, 0.1, 0.25, 0.5, 1.0),
    side=PRETRAINED_SIDE,
    probes_all=True,
)


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """Result of a demo run.

    Attributes:
        accuracy: Accuracy on held-out images, from 0 to 1.
        log_dir: Directory of the run.
        logged_steps: Steps at which atlases were logged; () without a writer.
        speed: Steps per second of the training loop, including calls of the writer.
        cost: Cost of the atlases; None without a writer.
    """

    accuracy: float
    log_dir: Path
    logged_steps: tuple[int, ...]
    speed: float
    cost: Cost | None


def run_demo(
    source: str,
    log_dir: Path,
    *,
    steps: int | None = None,
    seed: int = 0,
    with_atlas: bool = True,
    icons: str | None = None,
    align_to: str | Path | None = None,
    shortcut: bool = False,
    pretrained: bool = False,
    recipe: Recipe | None = None,
) -> DemoResult:
    """Trains a network on `source` and logs scalars and atlases to `log_dir`.

    Args:
        source: "digits", "cifar10", or the path of a folder or `.zip` of `class/image.ext`.
        log_dir: New directory for the run.
        steps: Training steps; None for the default of the source.
        seed: Seed of the weights and of the order of images. The split into training set and probe
            does not depend on it, so that the maps of several seeds can be aligned.
        with_atlas: False trains the same network without a writer, for comparison.
        icons: Kind of icons, see `AtlasConfig`; None for the default.
        align_to: Directory or URL of an earlier run on the same source; the maps are aligned with
            its maps.
        shortcut: Whether to add a marker to 90 % of the images of one class, both in the training
            set and in the probe, and to search for shortcuts at each logged step.
        pretrained: Whether to fine-tune EfficientNet-Lite0 instead of training a small network.
        recipe: Settings of training and atlases; None for those of the source.

    Raises:
        ArgumentError: if the source or the directory cannot be used, or a package is missing.
    """
    _check_new_log_dir(log_dir)
    recipe = recipe or _choose_recipe(source, pretrained)
    config = recipe.config if icons is None else replace(recipe.config, icons=icons)
    pictures = load(source, limit=recipe.limit, seed=0, side=recipe.side)
    training, held_out = pictures.split(0.2, 0)
    if shortcut:
        training, held_out = (_plant_marker(part, source) for part in (training, held_out))
    torch.manual_seed(seed)
    total = steps or recipe.steps
    logged_steps = tuple(sorted({round(share * total) for share in recipe.logged_shares}))
    network = recipe.build(training.images.shape[-1], len(training.classes))
    images, labels = _tensors(training, recipe)
    tested = _tensors(held_out, recipe)
    _make_folder(log_dir)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_reserve_core())
        logs = stack.enter_context(SummaryWriter(log_dir))
        atlas = None
        if with_atlas:
            atlas = AtlasWriter(
                logs,
                network,
                layers=recipe.layers,
                probe=_tensors(pictures, recipe) if recipe.probes_all else tested,
                classes=held_out.classes,
                normalize=tuple((value,) for value in recipe.normalize),
                config=config,
                align_to=align_to,
                shortcuts=shortcut,
                max_pending=len(logged_steps),
                strict=True,
            )
            stack.push(atlas)
        optimizer = recipe.optimizer(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.peak_rate, total, pct_start=_compute_warmup_share(total)
        )
        bar = tqdm(range(total), desc="training", unit="step")
        start = time.perf_counter()
        accuracy = _log_step(atlas, logs, network, tested, 0)
        for step in bar:
            batch = torch.randint(len(images), (recipe.batch,))
            loss = _loss(network, _augment(images[batch], training), labels[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            logs.add_scalar("loss", loss.item(), step + 1)
            if step + 1 in logged_steps:
                accuracy = _log_step(atlas, logs, network, tested, step + 1)
            bar.set_postfix(loss=f"{loss.item():.2f}", accuracy=f"{accuracy:.0%}")
        speed = total / (time.perf_counter() - start)
        if atlas is not None:
            atlas.close(None)
    return DemoResult(
        accuracy=accuracy,
        log_dir=log_dir,
        logged_steps=logged_steps if with_atlas else (),
        speed=speed,
        cost=None if atlas is None else atlas.cost(),
    )


def _choose_recipe(source: str, pretrained: bool) -> Recipe:
    if not pretrained:
        return DIGITS if source == "digits" else PICTURES
    if source in ("digits", "cifar10"):
        raise ArgumentError(
            f"--pretrained with --data {source!r}: pass photographs, as the path of a folder or "
            ".zip of class/image.ext"
        )
    check_packages()
    return PRETRAINED


def _check_new_log_dir(log_dir: Path) -> None:
    """Raises if `log_dir` is a file, or already holds atlases of another run."""
    if log_dir.is_file():
        raise ArgumentError(f"--log-dir {str(log_dir)!r} is a file; pass a new directory")
    atlases = log_dir / CHILD_RUN
    if atlases.is_dir() and list_atlases(atlases):
        raise ArgumentError(
            f"--log-dir {str(log_dir)!r} holds the atlases of an earlier run; pass another "
            "--log-dir, or delete that directory first"
        )


def _make_folder(log_dir: Path) -> None:
    """Creates the directory and checks that it is writable, before minutes of training."""
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=log_dir):
            pass
    except OSError as error:
        raise ArgumentError(
            f"--log-dir {str(log_dir)!r} cannot be written ({error.strerror}); pass a directory "
            "that can be written"
        ) from error


def _compute_warmup_share(total: int) -> float:
    """Returns the share of steps with a rising learning rate: about the first quarter.

    torch divides by the number of these steps minus one, and fails if there is exactly one.
    """
    quarter = 0.25
    return quarter if total * quarter != 1 else 0.2


def choose_marked_class(classes: Sequence[str]) -> int:
    """Returns the index of the class that gets a marker: the middle one."""
    return len(classes) // 2


def _plant_marker(part: LabeledImages, source: str) -> LabeledImages:
    # Without lower contrast, digits are so easy that the network ignores the marker.
    images = part.reduce_contrast(0) if source == "digits" else part
    return images.with_marker(choose_marked_class(part.classes), MARKED_SHARE, 0)


@contextlib.contextmanager
def _reserve_core() -> Iterator[None]:
    """Leaves one core to the worker: torch threads that share a core with it slow each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, min(threads, (os.cpu_count() or 2) - 1)))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _tensors(part: LabeledImages, recipe: Recipe) -> tuple[Tensor, Tensor]:
    mean, std = recipe.normalize
    pixels = torch.from_numpy(part.images).permute(0, 3, 1, 2).float() / 255
    return (pixels - mean) / std, torch.from_numpy(part.labels)


def _augment(batch: Tensor, data: LabeledImages) -> Tensor:
    """Flips half of the batches horizontally; digits, which are gray, are never flipped."""
    is_color = data.images.shape[-1] == 3
    flipped = batch.flip(3) if is_color and torch.rand(()) < 0.5 else batch
    return flipped.contiguous(memory_format=torch.channels_last)


def _loss(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(network(images), labels)


def _log_step(
    atlas: AtlasWriter | None,
    logs: SummaryWriter,
    network: nn.Module,
    tested: tuple[Tensor, Tensor],
    step: int,
) -> float:
    network.eval()
    with torch.no_grad():
        right = [
            (network(images).argmax(1) == labels).float()
            for images, labels in zip(*(torch.split(part, 100) for part in tested), strict=True)
        ]
    network.train()
    accuracy = float(torch.cat(right).mean())
    logs.add_scalar("accuracy", accuracy, step)
    if atlas is not None:
        atlas.add_atlas(step)
    return accuracy
