# SPDX-License-Identifier: Apache-2.0
"""What `tensorboard-atlas demo` runs: real images, a small residual network, a training loop."""
