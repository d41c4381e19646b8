# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Quickstart
#
# You log activation atlases of a small network while it trains, look at them in the notebook, and
# read from them what the network confuses: about 1 minute on two CPU cores.
#
# This needs the `demo` extra: `pip install '.[demo]'` in a clone of the repository.

# %% tags=["parameters"]
STEPS = 400  # training steps
LOGGED_STEPS = (0, 25, 100, 400)  # steps at which atlases are logged
SAMPLES = 800  # activations in each atlas
GRIDS = (6, 12, 24)  # cells along each side of the map
ICONS = "inversion"  # "examples" shows real patches, which is faster
LOG_DIR = "runs/quickstart"

# %% [markdown]
# ## Data and network
#
# The data are the 1,797 handwritten digits of scikit-learn, enlarged to 32 × 32 pixels. 400 of them
# are not used for training. They are the *probe*: the fixed images that all atlases are made of.

# %%
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, cell_labels, read_atlases, show

torch.manual_seed(0)
digits = load_digits()
pixels = torch.from_numpy(digits.images).float()[:, None] / 16
images = functional.interpolate(pixels, size=32, mode="bilinear")
labels = torch.from_numpy(digits.target)
order = torch.randperm(len(images))
probe, training = order[:400], order[400:]
probe_images, probe_labels = images[probe], labels[probe]


# %%
class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1 = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU())
        self.stage2 = nn.Sequential(nn.Conv2d(16, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU())
        self.stage3 = nn.Sequential(nn.Conv2d(32, 64, 3, 2, 1), nn.BatchNorm2d(64), nn.ReLU())
        self.head = nn.Linear(64, 10)

    def forward(self, images):
        maps = self.stage3(self.stage2(self.stage1(images)))
        return self.head(maps.mean((2, 3)))


model = Network()

# %% [markdown]
# ## Train, and log atlases
#
# Three lines of this loop belong to the atlas: the writer, `add_atlas`, and `close`. A background
# process with the lowest priority computes the atlases, so training goes on. `close` waits for the
# last ones. `restart=True` hides the atlases of an earlier run of this notebook.

# %%
config = AtlasConfig(samples=SAMPLES, positions_per_image=2, grids=GRIDS, icons=ICONS)
atlas = AtlasWriter(
    LOG_DIR,
    model,
    layers=["stage3"],
    probe=(probe_images, probe_labels),
    classes=[str(digit) for digit in range(10)],
    config=config,
    max_pending=len(LOGGED_STEPS),  # training is fast here: keep all snapshots
    restart=True,
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(STEPS + 1):
    if step in LOGGED_STEPS:
        model.eval()
        with torch.no_grad():
            is_correct = model(probe_images).argmax(1) == probe_labels
        model.train()
        print(f"step {step}: {is_correct.float().mean():.1%} of the probe images are correct")
        atlas.add_atlas(step)
    batch = training[torch.randint(len(training), (64,))]
    loss = functional.cross_entropy(model(images[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
atlas.close()
print(atlas.cost())

# %% [markdown]
# ## Look
#
# `show` displays the Atlas tab of TensorBoard inside the notebook, without a server. Each cell of
# the map holds similar activations. Zoom with the mouse wheel, click a cell to see its real
# patches, and press `Space` to play the steps.

# %%
show(LOG_DIR)

# %% [markdown]
# ## Read a finding in Python
#
# The same data are arrays. Does a cell contain one digit, or many? The *purity* of a cell is the
# share of its most common digit. Here is its mean at each logged step, over the samples.

# %%
atlases = list(read_atlases(LOG_DIR, layer="stage3"))
purity = {}
for one in atlases:
    cells = cell_labels(one, one.grids[0])
    purity[one.step] = np.average(
        [cell.purity for cell in cells], weights=[cell.support for cell in cells]
    )
    print(f"step {one.step}: mean purity {purity[one.step]:.2f}")

# %% [markdown]
# And where does the network fail? This is the cell of the last map with the most wrong predictions.

# %%
last = atlases[-1]
grid = last.grids[0]
cells = cell_labels(last, grid)
index = max(range(len(cells)), key=lambda i: sum(pair.count for pair in cells[i].confusions))
worst = cells[index]
for pair in worst.confusions[:3]:
    print(f"{pair.count} samples of a {pair.label} are in images predicted as {pair.prediction}")
print(
    f"Finding: the mean purity of a cell grows from {purity[atlases[0].step]:.2f} to "
    f"{purity[last.step]:.2f}. The network errs most in row {grid.rows[index]}, column "
    f"{grid.cols[index]}: {worst.accuracy:.0%} of its {worst.support} samples are in images that "
    "are predicted correctly."
)

# %% [markdown]
# Find this cell on the map above: choose the last step and the coarsest grid. To watch a training
# run live, start `tensorboard --logdir runs`, and open the **Atlas** tab.
