# SPDX-License-Identifier: Apache-2.0
"""The README and the documentation: code blocks run, commands exist, and links resolve."""

from __future__ import annotations

import collections
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import ROOT
from docs_pages import BLOCK, OTHER_TRACKERS, PAGES, TRAINERS, blocks_of, name_of
from torch import nn

import tensorboard_plugin_atlas
from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    build_atlases,
    cli,
    compute_atlas,
    find_shortcuts,
)

SMALL = AtlasConfig(samples=40, grids=(4,), icons="examples", min_count=2)
TENSORBOARD_FLAGS = {"--logdir", "--atlas_samples", "--load_fast"}


def commands_in(page: Path) -> Iterator[list[str]]:
    """Yields the words of each shell command of a page, without comments."""
    for block in blocks_of(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


def make_model() -> nn.Sequential:
    """Returns a network of four layers whose names the pages use."""
    channels = (3, 4, 4, 4, 4)
    layers = collections.OrderedDict()
    for name, before, after in zip(
        ("layer2", "layer3", "stage3", "layer4"), channels, channels[1:], strict=False
    ):
        layers[name] = nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU())
    layers["pool"] = nn.AdaptiveAvgPool2d(2)
    layers["flat"] = nn.Flatten()
    layers["head"] = nn.Linear(16, 4)
    return nn.Sequential(layers)


class Images(torch.utils.data.Dataset[tuple[torch.Tensor, int]]):
    """Random images with class names."""

    classes = ("bird", "cat", "dog", "ship")

    def __init__(self) -> None:
        self.images = torch.rand(40, 3, 16, 16)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], index % 4


@pytest.fixture
def small_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Makes atlases small and in this process, unless a block says otherwise."""
    monkeypatch.chdir(tmp_path)
    defaults = AtlasWriter.__init__.__kwdefaults__
    for key, value in {"config": SMALL, "worker": "inline", "strict": True}.items():
        monkeypatch.setitem(defaults, key, value)
    functions = (build_atlases, compute_atlas, find_shortcuts, tensorboard_plugin_atlas.since_step)
    for function in functions:
        monkeypatch.setitem(function.__kwdefaults__, "config", SMALL)
    only_rank = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}
    for name, value in only_rank.items():  # as `torchrun` sets them
        monkeypatch.setenv(name, value)


def names_for(page: Path) -> dict[str, Any]:
    """Returns what the code of a page may take for granted; writes the logs that it only reads."""
    torch.manual_seed(0)
    model, probe = make_model(), Images()
    code = "\n".join(blocks_of(page, "python"))
    for run, layer in {"runs/exp1": "layer4", "runs/a": "stage3", "runs/b": "stage3"}.items():
        if f'"{run}"' in code and f'AtlasWriter("{run}"' not in code.replace("(\n    ", "("):
            write_run(run, model, layer, probe)
    if '"runs"' in code and not Path("runs").exists() and "AtlasWriter(" not in code:
        write_run("runs/exp1", model, "layer4", probe)
    return {
        "model": model,
        "other_model": make_model(),
        "criterion": nn.CrossEntropyLoss(),
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01),
        "val_set": probe,
        "train_set": probe,
        "loader": [next(iter(torch.utils.data.DataLoader(probe, batch_size=4)))]
        * (501 if re.search(r"% 500|start=100", code) else 12),
        "images": probe.images,
        "mean": (0.5,) * 3,
        "std": (0.25,) * 3,
        "my_patch": np.zeros((4, 4, 3), np.uint8),
        "step": 500,
    }


def write_run(run: str, model: nn.Module, layer: str, probe: Images) -> None:
    with AtlasWriter(run, model, [layer], probe=probe) as atlas:
        for step in (0, 100):
            atlas.add_atlas(step)


@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if page != OTHER_TRACKERS and page.parent != TRAINERS and blocks_of(page, "python")
    ],
    ids=name_of,
)
@pytest.mark.usefixtures("small_defaults")
# Python 3.12 warns of each fork of a process with threads; DataLoader forks by default.
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_python_blocks_run(page: Path) -> None:
    names = names_for(page)
    for number, code in enumerate(blocks_of(page, "python"), 1):
        exec(compile(code, f"{name_of(page)}, block {number}", "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands_in(page):
        check_command(words, capsys)


def check_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Fails for a program, subcommand, option, file, or extra that does not exist."""
    program, *arguments = words
    if program == "torchrun":
        module = arguments.index("-m")
        assert arguments[module + 1] == "tensorboard_plugin_atlas", words
        program, arguments = "tensorboard-atlas", arguments[module + 2 :]
    options = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    if program == "tensorboard-atlas":
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main([arguments[0], "--help"])
        shown = capsys.readouterr().out
        assert ended.value.code == 0, words
        known = set(re.findall(r"--[\w-]+", shown))
    elif program == "tensorboard":
        known = TENSORBOARD_FLAGS
    elif program == "pip":
        known = set()
        extras = re.findall(r"\.\[(\w+)\]", " ".join(arguments))
        assert arguments[0] == "install", words
        assert set(extras) <= set(re.findall(r'"(\w+)": ', (ROOT / "setup.py").read_text())), words
    elif program == "npm":
        known = set()
        scripts = re.findall(r'^    "(\w+)":', (ROOT / "frontend/package.json").read_text(), re.M)
        assert arguments == ["ci"] or arguments[-1] in {*scripts, "test"}, words
    elif program == "python":
        known = set(re.findall(r"--[\w-]+", (ROOT / arguments[0]).read_text("utf-8")))
    elif program.startswith("scripts/"):
        assert (ROOT / program).stat().st_mode & 0o111, words
        known = options  # checked by the program that the script starts
    else:
        pytest.fail(f"unknown program: {words}")
    assert options <= known, words


def test_every_command_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    listed = re.findall(r"^    (\w+)  ", capsys.readouterr().out, re.MULTILINE)
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")
    assert len(listed) > 5
    assert [name for name in listed if f"| `{name}` |" not in page] == []
    assert sorted(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == sorted(listed)


def test_every_public_name_is_in_the_reference() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs/reference").glob("*.md"))
    listed = set(re.findall(r"^::: tensorboard_plugin_atlas\.(\w+)$", pages, re.MULTILINE))
    assert listed == set(tensorboard_plugin_atlas.__all__) - {"__version__"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_blocks_are_sound(page: Path) -> None:
    """Each local link leads to a file, and each code block has a language."""
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert target.startswith("https://") or (page.parent / target).exists(), target
    assert {kind for kind, _ in BLOCK.findall(text)} <= {"python", "py", "sh", "text"}
    for excerpt in blocks_of(page, "py"):  # too short to run, such as one line of a loop
        compile(excerpt, name_of(page), "exec")
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(BLOCK.findall(text))


def test_the_tests_named_by_the_comparison_exist() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "other-tools.md").read_text("utf-8"))
    there = {path.stem for path in (ROOT / "tests" / "e2e").rglob("test_*.py")}
    assert len(set(named)) > 10
    assert set(named) <= there


def test_every_image_is_shown() -> None:
    shown = " ".join(page.read_text("utf-8") for page in PAGES)
    images = {path.name for path in (ROOT / "docs" / "images").iterdir()}
    assert sorted(name for name in images if f"images/{name})" not in shown) == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize(
    "page",
    [
        *(ROOT / "docs" / "guides" / f"{name}.md" for name in ("use-the-tab", "find-a-shortcut")),
        *sorted(set(ROOT.glob("docs/gallery/*.md")) - {ROOT / "docs" / "gallery" / "index.md"}),
    ],
    ids=name_of,
)
def test_labels_of_the_tab_are_those_of_the_documentation(page: Path) -> None:
    """A label in italics, such as *Largest changes*, stands in the sources of the tab."""
    labels = re.findall(r"(?<!\*)\*([A-Z][^*\n.]{2,40})\*(?!\*)", page.read_text("utf-8"))
    sources = " ".join(path.read_text("utf-8") for path in ROOT.glob("frontend/src/**/*.ts"))
    assert labels
    assert [label for label in labels if label not in re.sub(r"\s+", " ", sources)] == []
