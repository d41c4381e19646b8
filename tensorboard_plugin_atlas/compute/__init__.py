# SPDX-License-Identifier: Apache-2.0
"""Model to atlas. torch and umap live in this room and nowhere else."""
