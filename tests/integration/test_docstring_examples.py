# SPDX-License-Identifier: Apache-2.0
"""The examples in public docstrings run and print what they show."""

from __future__ import annotations

import doctest

import pytest

import tensorboard_plugin_atlas


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


@pytest.mark.parametrize("name", tensorboard_plugin_atlas.__all__)
def test_examples_are_a_section_that_the_reference_shows_as_code(name):
    assert "    Example:\n" not in (getattr(tensorboard_plugin_atlas, name).__doc__ or "")
