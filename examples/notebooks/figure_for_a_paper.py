# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Figures for a paper
#
# You train a small network, plot its last atlas and its development with Matplotlib, and save both
# as PDF: about 1 minute on two CPU cores.
#
# This needs two extras: `pip install '.[demo,plot]'` in a clone of the repository.

# %% tags=["parameters"]
STEPS = 120  # training steps
LOGGED_STEPS = (0, 10, 40, 120)  # steps at which atlases are logged
SAMPLES = 800  # activations in each atlas
GRIDS = (6, 12)  # cells along each side of the map
ICONS = "inversion"  # "poster" is sharper and slower; "examples" shows real patches
FOLDER = "runs/figure_for_a_paper"  # log and figures

# %% [markdown]
# ## Train and log
#
# If you have a log already, skip this part and read it below.

# %%
from pathlib import Path

import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch.nn import functional

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    cell_labels,
    plot_atlas,
    plot_evolution,
    read_atlases,
)
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet

torch.manual_seed(0)
training, held_out = load("digits", limit=1797, seed=0).split(0.25, 0)


def to_tensors(part):
    pixels = torch.from_numpy(part.images).permute(0, 3, 1, 2).float() / 255
    return (pixels - 0.5) / 0.25, torch.from_numpy(part.labels)


images, labels = to_tensors(training)
network = DemoNet(1, 10, width=0.5)
optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
with AtlasWriter(
    FOLDER,
    network,
    layers=["stage3"],
    probe=to_tensors(held_out),
    classes=held_out.classes,
    normalize=((0.5,), (0.25,)),
    config=AtlasConfig(samples=SAMPLES, positions_per_image=2, grids=GRIDS, icons=ICONS),
    max_pending=len(LOGGED_STEPS),
    restart=True,
) as atlas:
    for step in range(STEPS + 1):
        if step in LOGGED_STEPS:
            atlas.add_atlas(step)
        batch = torch.randint(len(images), (64,))
        loss = functional.cross_entropy(network(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# %% [markdown]
# ## One map
#
# The frames have the color of the most common label in each cell. The caption states where the map
# comes from and how its icons were made. `width` is in inches: 6.5 is the width of the text on a
# letter page.

# %%
atlases = list(read_atlases(FOLDER, layer="stage3"))
ax = plot_atlas(atlases[-1], grid=GRIDS[-1], class_colors="labels", width=6.5)

# %% [markdown]
# The result is a Matplotlib `Axes` in map coordinates, so you can add marks of your own. This one
# is around the largest cell.

# %%
grid = atlases[-1].grids[-1]
largest = int(grid.counts.argmax())
row, column = int(grid.rows[largest]), int(grid.cols[largest])
corner, edge = (column / grid.size, row / grid.size), 1 / grid.size
ax.add_patch(Rectangle(corner, edge, edge, fill=False, edgecolor="black", linewidth=2))
ax.figure

# %% [markdown]
# ## How it developed
#
# A sample keeps its position from panel to panel if it keeps its neighbors.

# %%
evolution = plot_evolution(atlases, grid=GRIDS[0], class_colors="labels", width=6.5)

# %% [markdown]
# ## Save
#
# Text and frames are vector graphics. Icons are images; `dpi` sets their resolution.

# %%
files = {"map.pdf": ax.figure, "evolution.pdf": evolution}
for name, figure in files.items():
    figure.savefig(Path(FOLDER) / name, dpi=300)
    print(f"{name}: {(Path(FOLDER) / name).stat().st_size / 1e3:.0f} kB")

# %% [markdown]
# ## A number for the text
#
# The figures show the digits separating. The mean purity says how far: the share of the most common
# label in a cell, averaged over samples.

# %%
purity = []
for one in atlases:
    cells = cell_labels(one, one.grids[0])
    weights = [cell.support for cell in cells]
    purity.append(np.average([cell.purity for cell in cells], weights=weights))
    print(f"step {one.step}: mean purity {purity[-1]:.2f}")
print(
    f"Finding: the mean purity of a cell changes from {purity[0]:.2f} at step {atlases[0].step} to "
    f"{purity[-1]:.2f} at step {atlases[-1].step}. The largest cell of the last map is in row "
    f"{row}, column {column}, with {grid.counts[largest]} samples."
)
