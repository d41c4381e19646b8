# SPDX-License-Identifier: Apache-2.0
"""The examples in public docstrings run and print what they show."""

from __future__ import annotations

import doctest
from collections import OrderedDict

import pytest
from tiny_training import TINY, make_images
from torch import nn

import tensorboard_plugin_atlas
from tensorboard_plugin_atlas import AtlasWriter


def find_examples(name):
    public = getattr(tensorboard_plugin_atlas, name)
    module = __import__(public.__module__, fromlist=["_"])
    return doctest.DocTestFinder(recurse=False).find(public, name, globs=vars(module).copy())


@pytest.mark.parametrize("name", ["AtlasConfig", "compute_atlas", "render_icons"])
def test_examples_print_what_they_show(name):
    (example,) = find_examples(name)
    assert example.examples
    output = []
    runner = doctest.DocTestRunner()
    runner.run(example, out=output.append)
    assert runner.failures == 0, "".join(output)


@pytest.mark.parametrize("name", ["AtlasWriter", "read_atlases", "read_shortcuts"])
def test_examples_that_need_a_training_run_compile(name):
    (example,) = find_examples(name)
    assert example.examples
    for one in example.examples:
        assert one.options == {doctest.SKIP: True}
        compile(one.source, name, "exec")


def test_the_example_of_compare_runs_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for seed in range(5):
        model = nn.Sequential(OrderedDict(layer4=nn.Conv2d(3, 4, 3), pool=nn.AdaptiveAvgPool2d(1)))
        settings = {"probe": make_images(), "config": TINY, "worker": "inline", "strict": True}
        with AtlasWriter(f"runs/seed{seed}", model, ["layer4"], **settings) as atlas:
            atlas.add_atlas(1)
    (example,) = find_examples("compare_runs")
    names = {"read_atlases": tensorboard_plugin_atlas.read_atlases, **example.globs}
    for one in example.examples:
        exec(one.source, names)
    assert "seed4/atlas layer4 1" in capsys.readouterr().out


@pytest.mark.parametrize("name", tensorboard_plugin_atlas.__all__)
def test_examples_are_a_section_that_the_reference_shows_as_code(name):
    assert "    Example:\n" not in (getattr(tensorboard_plugin_atlas, name).__doc__ or "")
