# SPDX-License-Identifier: Apache-2.0
"""Runs a plain vision transformer on a window of its patch tokens.

A transformer takes images of one size, so that an icon would have to be a whole image, and each
optimization step would compute all tokens. A plain one needs no particular number of tokens,
though. `TokenWindow.run` computes the class and register tokens and those of a window of patches
only: 50 instead of 257 tokens for 7 x 7 patches at 224 px. `TokenWindow.run_in_context` checks the
result in the whole network, with the tile in the middle of a photograph.

The model is called as usual, with any image. A hook of its patch embedding replaces the image by
the tile and pads the result to a whole map. A hook of its first block removes all other tokens. So
the model adds position embeddings and its own tokens by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from tensorboard_plugin_atlas.compute.model.outputs import OutputForm
from tensorboard_plugin_atlas.compute.model.truncate import TruncatedNetwork
from tensorboard_plugin_atlas.compute.probe.patches import Shape

MIN_GRID: Final = 5
"""Fewest patches along a side of the image for which a window saves anything."""

_MIN_LINEARS: Final = 2
"""Linear layers in a block; fewer are a projection."""

_MAX_ENTRIES: Final = 3
"""Modules that are tried as entry, the first one called first."""
_MAX_ERROR: Final = 1e-4
_FEW_PATCHES: Final = 3
"""Side of the smallest window, in patches."""


ChangeTokens = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class TokenWindow:
    """A network whose layer can be computed for a window of its patch tokens; see `find`.

    Attributes:
        network: The network, which ends at a layer with tokens.
        stem: Name of the convolution that cuts the image into patches.
        entry: Name of the module before which tokens are removed.
        patch: Side of a patch in pixels.
        grid: Rows and columns of patches in an image.
        prefix: Number of tokens before those of the patches.
        contexts: (M, C, H, W): normalized photographs that can surround a tile.
    """

    network: TruncatedNetwork
    stem: str
    entry: str
    patch: int
    grid: Shape
    prefix: int
    contexts: Tensor

    @classmethod
    def find(
        cls, network: TruncatedNetwork, form: OutputForm, images: Tensor, contexts: Tensor
    ) -> TokenWindow | None:
        """Returns the windowed network, or None where the tokens cannot be computed separately.

        The layer must return its tokens in reverse order where the block gets them in reverse
        order, must not change where the window is the whole image, and must run on few tokens.
        Position tables inside the blocks, token mixing and pooling fail this.

        Args:
            network: The network, which ends at the layer.
            form: Of the layer's output.
            images: (2, C, H, W): normalized images to try it on.
            contexts: (M, C, H, W): normalized photographs that can surround a tile.
        """
        is_grid = form.kind == "tokens" and min(form.map_size) >= MIN_GRID
        if not is_grid or form.sequence_first or network.in_pairs or network.calls != 1:
            return None
        with torch.no_grad():
            parts = _find_parts(network, form, images)
            if parts is None:
                return None
            stem, entries = parts
            patch, expected = images.shape[2] // form.map_size[0], network(images)
            for entry in entries[:_MAX_ENTRIES]:
                window = cls(network, stem, entry, patch, form.map_size, form.prefix, contexts)
                if window._is_exact(images, expected):
                    return window
        return None

    def run(self, tiles: Tensor, corner: tuple[int, int] | None = None) -> Tensor:
        """Returns the layer's tokens for the prefix and a window, (B, prefix + h * w, C).

        Autograd can differentiate it.

        Args:
            tiles: (B, C, h * patch, w * patch) normalized images of the window.
            corner: Row and column of the window's first patch in the image; None centers it.
        """
        shape = self._get_window_shape(tiles)
        top, left = self._get_center(shape) if corner is None else corner
        kept = self._get_tokens((top, left), shape).to(tiles.device)

        def keep_window(tokens: Tensor) -> Tensor:
            return tokens.index_select(1, kept)

        with (
            self._replace_stem(tiles, (top, left)),
            self._change_tokens(keep_window),
            # On so few tokens, the kernels for long sequences take three times as long.
            sdpa_kernel(SDPBackend.MATH),
        ):
            return self.network(self.contexts[:1].expand(len(tiles), -1, -1, -1))

    def run_in_context(self, images: Tensor, which: Tensor | None = None) -> Tensor:
        """Returns the tokens of the prefix and a window, computed by the whole network.

        Args:
            images: (B, C, h, w) normalized: whole images, or tiles that are shown in the middle of
                photographs.
            which: (B,) indices of these photographs; the first one by default.

        Returns:
            (B, prefix + tokens of the image or tile, C).
        """
        if images.shape[2:] == self.contexts.shape[2:]:
            return self.network(images)
        shape = self._get_window_shape(images)
        top, left = self._get_center(shape)
        which = torch.zeros(len(images), dtype=torch.int64) if which is None else which
        whole = self.contexts[which.to(self.contexts.device)].to(images)
        down, right = top * self.patch, left * self.patch
        whole[:, :, down : down + images.shape[2], right : right + images.shape[3]] = images
        return self.network(whole)[:, self._get_tokens((top, left), shape)]

    def choose_corner(self, shape: Shape, seed: tuple[int, ...]) -> tuple[int, int]:
        """Returns row and column of the first patch of a window at a random place.

        Args:
            shape: Height and width of the window in pixels.
            seed: Identifies the place.
        """
        random = np.random.default_rng(seed)
        row, column = (
            int(random.integers(count - side // self.patch + 1))
            for count, side in zip(self.grid, shape, strict=True)
        )
        return row, column

    def _is_exact(self, images: Tensor, expected: Tensor) -> bool:
        """Returns whether windows agree with the layer's output for whole images; see `find`."""
        count = self.grid[0] * self.grid[1]
        order = torch.arange(self.prefix + count, device=images.device)
        order[self.prefix :] = order[self.prefix :].flip(0)
        try:
            with self._change_tokens(lambda tokens: tokens[:, order]):
                reversed_output = self.network(images)
            whole = self.run(images, (0, 0))
            side = _FEW_PATCHES * self.patch
            few = self.run(images[:, :, :side, :side])
        except Exception:  # the user's code may need a certain number of tokens
            return False
        return (
            _is_close(reversed_output, expected[:, order])
            and _is_close(whole, expected)
            and few.shape[1] == self.prefix + _FEW_PATCHES**2
        )

    def _get_window_shape(self, tiles: Tensor) -> Shape:
        """Returns the rows and columns of patches of tiles.

        Raises:
            ValueError: if the tiles are no window of whole patches.
        """
        height, width = tiles.shape[2], tiles.shape[3]
        rows, columns = height // self.patch, width // self.patch
        is_whole = (rows * self.patch, columns * self.patch) == (height, width)
        if not is_whole or not 0 < rows <= self.grid[0] or not 0 < columns <= self.grid[1]:
            raise ValueError(f"{height} x {width} px are no window of patches of {self.patch} px")
        return rows, columns

    def _get_center(self, shape: Shape) -> tuple[int, int]:
        return (self.grid[0] - shape[0]) // 2, (self.grid[1] - shape[1]) // 2

    def _get_tokens(self, corner: tuple[int, int], shape: Shape) -> Tensor:
        """Returns the indices of the tokens of the prefix and of a window."""
        rows = torch.arange(shape[0], device="cpu") + corner[0]
        columns = torch.arange(shape[1], device="cpu") + corner[1]
        patches = self.prefix + rows[:, None] * self.grid[1] + columns
        return torch.cat([torch.arange(self.prefix, device="cpu"), patches.flatten()])

    @contextlib.contextmanager
    def _replace_stem(self, tiles: Tensor, corner: tuple[int, int]) -> Iterator[None]:
        """Makes the stem see `tiles`; the map around them is zero, and its tokens are not kept."""
        module = self.network.network.get_submodule(self.stem)

        def insert_tiles(_module: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
            return (tiles.to(arguments[0].dtype), *arguments[1:])

        def pad_map(_module: nn.Module, _arguments: object, output: Tensor) -> Tensor:
            (top, left), (rows, columns) = corner, output.shape[2:]
            bottom, right = self.grid[0] - top - rows, self.grid[1] - left - columns
            return functional.pad(output, (left, right, top, bottom))

        handles = (
            module.register_forward_pre_hook(insert_tiles),
            module.register_forward_hook(pad_map),
        )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextlib.contextmanager
    def _change_tokens(self, change: ChangeTokens) -> Iterator[None]:
        """Changes the tokens that the entry gets."""
        count = self.prefix + self.grid[0] * self.grid[1]

        def change_arguments(
            _module: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]]:
            changed = tuple(change(a) if _are_tokens(a, count) else a for a in arguments)
            named = {k: change(a) if _are_tokens(a, count) else a for k, a in options.items()}
            return changed, named

        module = self.network.network.get_submodule(self.entry)
        handle = module.register_forward_pre_hook(change_arguments, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()


def _find_parts(
    network: TruncatedNetwork, form: OutputForm, images: Tensor
) -> tuple[str, list[str]] | None:
    """Returns the convolution that cuts patches, and the modules that get tokens, in call order."""
    count = form.prefix + form.map_size[0] * form.map_size[1]
    stems: list[str] = []
    entries: list[str] = []

    def note_stem(name: str, module: nn.Conv2d, output: object) -> None:
        cuts_patches = module.kernel_size == module.stride and module.kernel_size[0] > 1
        is_map = isinstance(output, Tensor) and tuple(output.shape[2:]) == form.map_size
        if cuts_patches and is_map and module.kernel_size[0] == module.kernel_size[1]:
            stems.append(name)

    def note_entry(name: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> None:
        values = (*arguments, *options.values())
        if name not in entries and any(_are_tokens(value, count) for value in values):
            entries.append(name)

    handles = []
    for name, module in network.network.named_modules():
        if isinstance(module, nn.Conv2d):
            handles.append(
                module.register_forward_hook(lambda m, _, out, name=name: note_stem(name, m, out))
            )
        elif sum(isinstance(part, nn.Linear) for part in module.modules()) >= _MIN_LINEARS:
            handles.append(
                module.register_forward_pre_hook(
                    lambda _, args, kwargs, name=name: note_entry(name, args, kwargs),
                    with_kwargs=True,
                )
            )
    try:
        network(images)
    finally:
        for handle in handles:
            handle.remove()
    return (stems[0], entries) if len(stems) == 1 else None


def _are_tokens(value: object, count: int) -> bool:
    return isinstance(value, Tensor) and value.ndim == 3 and value.shape[1] == count


def _is_close(found: Tensor, expected: Tensor) -> bool:
    """Returns whether two outputs are equal up to rounding, relative to their spread."""
    error = (found - expected).abs().max()
    return bool(error <= _MAX_ERROR * expected.std())
