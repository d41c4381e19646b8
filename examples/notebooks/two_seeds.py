# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Compare two seeds
#
# You train one network twice with different seeds, align both maps, and measure which concepts the
# two networks share: about 1 minute on two CPU cores.
#
# This needs the `demo` extra: `pip install '.[demo]'` in a clone of the repository.

# %% tags=["parameters"]
STEPS = 120  # training steps
SAMPLES = 800  # activations in each atlas
GRIDS = (6, 12, 24)  # cells along each side of the map
ICONS = "inversion"  # "examples" shows real patches, which is faster
LOG_DIR = "runs/two_seeds"

# %% [markdown]
# ## Train twice
#
# Both runs use the same probe: the same images, samples, and positions. Only the weights and the
# order of the batches differ. `align_to` makes the maps of the second run start from those of the
# first, so that the same position on both maps can be compared.

# %%
import torch
from torch.nn import functional

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    compare_atlases,
    compare_runs,
    read_atlases,
)
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet

LAYER = "stage3"
config = AtlasConfig(samples=SAMPLES, positions_per_image=2, grids=GRIDS, icons=ICONS)
training, held_out = load("digits", limit=1797, seed=0).split(0.25, 0)


def to_tensors(part):
    pixels = torch.from_numpy(part.images).permute(0, 3, 1, 2).float() / 255
    return (pixels - 0.5) / 0.25, torch.from_numpy(part.labels)


images, labels = to_tensors(training)
probe = to_tensors(held_out)


def train(seed, align_to=None):
    """Trains a network and logs its atlases at two steps; returns its accuracy on the probe."""
    torch.manual_seed(seed)
    network = DemoNet(1, 10, width=0.5)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    atlas = AtlasWriter(
        f"{LOG_DIR}/seed{seed}",
        network,
        layers=[LAYER],
        probe=probe,
        classes=held_out.classes,
        normalize=((0.5,), (0.25,)),
        config=config,
        align_to=align_to,
        restart=True,
    )
    for step in range(1, STEPS + 1):
        batch = torch.randint(len(images), (64,))
        loss = functional.cross_entropy(network(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in (STEPS // 2, STEPS):
            atlas.add_atlas(step)
    atlas.close()
    network.eval()
    with torch.no_grad():
        return (network(probe[0]).argmax(1) == probe[1]).float().mean().item()


for seed, align_to in ((0, None), (1, f"{LOG_DIR}/seed0")):
    print(f"seed {seed}: {train(seed, align_to):.1%} of the held-out images are correct")

# %% [markdown]
# ## Compare the last atlases
#
# The difference is displayed on the map of the second run. `strict=False` compares the samples that
# two atlases share, also if their settings differ.

# %%
(early, a), (_, b) = (read_atlases(LOG_DIR, run=f"seed{seed}", layer=LAYER) for seed in (0, 1))
difference = compare_atlases(a, b, strict=False)
difference.show()

# %% [markdown]
# ## All pairs
#
# CKA is 1 for activations that are equal up to rotation and scale. The first two rows are one run
# at two steps, as a reference.

# %%
matrix = compare_runs([early, a, b])
print(matrix)

# %% [markdown]
# ## Which concepts do both networks have?
#
# A concept is a cluster of samples with similar activations. Two concepts match if they share many
# samples.

# %%
names_a, names_b = ({one.id: one.name for one in atlas.concepts} for atlas in (a, b))
concepts = difference.concepts
for one in concepts.shared[:5]:
    print(
        f"Jaccard index {one.jaccard:.2f}: {names_a[one.a]!r} ({one.size_a} samples) and "
        f"{names_b[one.b]!r} ({one.size_b} samples), {one.both} in both"
    )

# %%
print(
    f"Finding: CKA is {matrix.cka[1, 2]:.2f} between the seeds, and {matrix.cka[0, 1]:.2f} between "
    f"two steps of one run. {len(concepts.shared)} concepts are in both networks, "
    f"{len(concepts.only_a)} only in the first, and {len(concepts.only_b)} only in the second. "
    f"{concepts.agreement:.0%} of the samples are in both concepts of a match."
)
