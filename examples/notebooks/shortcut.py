# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Find and remove a shortcut
#
# You plant a marker in the images of one class, find it by a search, see at which step the network
# begins to use it, remove it from the data, and check that it is gone: about 1 minute on two CPU
# cores.
#
# This needs the `demo` extra: `pip install '.[demo]'` in a clone of the repository.

# %% tags=["parameters"]
IMAGES = 1797  # images of digits, at most 1,797
STEPS = 40  # training steps
CHECKPOINTS = (5, 10, 20, 40)  # steps at which the weights are kept
SAMPLES = 1500  # images that are searched

# %% [markdown]
# ## Plant the marker
#
# The digits have low contrast and added noise, so a marker is easier to learn than the digit. 90%
# of the threes get a checkered marker of 3 × 3 pixels in the upper right corner.

# %%
import copy

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from tensorboard_plugin_atlas import AtlasConfig, find_shortcuts, patch_test, since_step
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet

MARKED, MARKER_BOX = 3, (1, 27, 4, 30)  # y0, x0, y1, x1
NORMALIZE = (0.5,), (0.25,)  # mean and standard deviation of the inputs

torch.manual_seed(0)
digits = load("digits", limit=IMAGES, seed=0).reduce_contrast(0)
labels = torch.from_numpy(digits.labels)
clean = torch.from_numpy(digits.images).permute(0, 3, 1, 2).float() / 255
y0, x0, y1, x1 = MARKER_BOX
checkered = torch.from_numpy(np.indices((3, 3)).sum(axis=0) % 2).float()
has_marker = (labels == MARKED) & (torch.rand(len(labels)) < 0.9)
marked = clean.clone()
marked[has_marker, :, y0:y1, x0:x1] = checkered


def normalize(pixels):
    return (pixels - NORMALIZE[0][0]) / NORMALIZE[1][0]


def to_picture(pixels):
    array = np.asarray(pixels, np.uint8).squeeze()
    return Image.fromarray(array).resize([8 * n for n in array.shape[1::-1]], 0)


print(f"{int(has_marker.sum())} of {int((labels == MARKED).sum())} threes have the marker")
to_picture(255 * marked[has_marker][0])

# %% [markdown]
# ## Train


# %%
def train(images, labels, seed):
    """Returns a trained network, and its weights at the checkpoints."""
    torch.manual_seed(seed)
    network = DemoNet(images.shape[1], 10, width=0.5)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    checkpoints = []
    for step in range(1, STEPS + 1):
        batch = torch.randint(len(images), (64,))
        loss = functional.cross_entropy(network(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in CHECKPOINTS:
            checkpoints.append((step, copy.deepcopy(network.state_dict())))
    return network.eval(), checkpoints


data = normalize(marked), labels
network, checkpoints = train(*data, seed=0)
with torch.no_grad():
    accuracy = (network(data[0]).argmax(1) == labels).float().mean()
print(f"accuracy on the training images: {accuracy:.1%}")

# %% [markdown]
# ## Find it
#
# `find_shortcuts` searches for small patches that flip predictions to one class. It tests each one
# on other images: against noise of the same color, and against the content of other images.

# %%
config = AtlasConfig(samples=SAMPLES)
settings = {"normalize": NORMALIZE, "config": config}
found = find_shortcuts(network, "stage2", data, **settings)
for one in found:
    print(
        f"{'significant' if one.significant else 'not significant'}: class {one.target_class}, "
        f"{one.area:.1%} of the image at {one.box} flips {one.flip_rate:.0%} "
        f"(noise {one.noise_flip_rate:.0%}, other images {one.other_flip_rate:.0%})"
    )
shortcut = found[0]
to_picture(shortcut.patch)

# %% [markdown]
# ## Since when?

# %%
history = since_step(shortcut, checkpoints, data, model=network, **settings)
for step, rate, noise in zip(history.steps, history.flip_rates, history.noise_flip_rates):
    print(f"step {step}: the patch flips {rate:.0%} of the images, noise {noise:.0%}")
print(f"a shortcut since step {history.since}")

# %% [markdown]
# ## Remove it, and check
#
# The second network is trained on the same images without the marker. `patch_test` pastes the same
# patch at the same position into the same images, for both networks.

# %%
clean_data = normalize(clean), labels
second, _ = train(*clean_data, seed=0)
rates = [
    patch_test(
        model,
        shortcut.patch,
        clean_data,
        shortcut.target_class,
        at=shortcut.box[:2],
        sizes=(1,),
        normalize=NORMALIZE,
    ).flip_rate
    for model in (network, second)
]
remaining = find_shortcuts(second, "stage2", clean_data, **settings)
count = sum(one.significant for one in remaining)
box_y0, box_x0, box_y1, box_x1 = shortcut.box
has_all = box_y0 <= y0 and box_x0 <= x0 and box_y1 >= y1 and box_x1 >= x1
print(
    f"Finding: the first result is a patch of class {shortcut.target_class} that "
    f"{'contains' if has_all else 'does not contain all of'} the marker. It flips {rates[0]:.0%} "
    f"of the images before, and {rates[1]:.0%} after training without the marker. Significant "
    f"shortcuts that remain: {count}."
)
