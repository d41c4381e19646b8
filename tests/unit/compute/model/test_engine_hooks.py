# SPDX-License-Identifier: Apache-2.0
"""Hooks that DeepSpeed adds to a model: neither run nor sent, and afterwards in place again."""

from __future__ import annotations

import pytest
import torch
from tiny_training import TINY, Net, make_images

from tensorboard_plugin_atlas import AtlasWriter, read_atlases
from tensorboard_plugin_atlas.compute.model.engine_hooks import without_engine_hooks
from tensorboard_plugin_atlas.compute.model.preserve_state import preserve_model_state


def engine_hook(*_, **__):
    raise AssertionError("starts timers and casts inputs")


engine_hook.__module__ = "deepspeed.runtime.engine"


@pytest.fixture
def model():
    """A model with three hooks of an engine between hooks of its user, all of which are kept."""
    model, ran = Net(), []
    model.ran = ran
    model.body.register_forward_pre_hook(lambda *_: ran.append("first"))
    model.body.register_forward_pre_hook(engine_hook, with_kwargs=True)
    model.body.register_forward_pre_hook(lambda *_: ran.append("second"))
    model.register_forward_hook(engine_hook, with_kwargs=True, always_call=True)
    model.register_forward_hook(lambda *_, **__: ran.append("last"), with_kwargs=True)
    model.head.register_forward_hook(engine_hook)
    return model


def list_hooks(model):
    tables = ("_forward_pre_hooks", "_forward_hooks", "_forward_hooks_with_kwargs")
    tables += ("_forward_pre_hooks_with_kwargs", "_forward_hooks_always_called")
    return [list(vars(m)[table].items()) for m in model.modules() for table in tables]


def test_they_do_not_run_and_are_in_place_again_afterwards(model):
    before = list_hooks(model)
    with preserve_model_state(model):
        model(torch.zeros(1, 3, 12, 12))
        assert model.ran == ["first", "second", "last"]
        assert list_hooks(model) != before
    assert list_hooks(model) == before
    with pytest.raises(AssertionError, match="starts timers"):
        model.body(torch.zeros(1, 6, 12, 12))


def test_they_are_in_place_again_after_an_error(model):
    before = list_hooks(model)
    with pytest.raises(RuntimeError), preserve_model_state(model):
        model(torch.zeros(1, 5, 12, 12))
    assert list_hooks(model) == before


def test_a_handle_still_removes_its_hook(model):
    handle = model.stem.register_forward_hook(engine_hook)
    with preserve_model_state(model):
        pass
    handle.remove()
    assert len(model.stem._forward_hooks) == 0


def test_a_module_without_them_is_not_changed():
    assert without_engine_hooks(vars(Net().body)) is None


def test_a_model_with_them_goes_to_the_background_process(tmp_path):
    model = Net()
    hook = type("Hook", (), {"__call__": engine_hook, "__module__": "deepspeed.engine"})()
    hook.group = (one for one in ())  # cannot be pickled, as a process group
    model.register_forward_pre_hook(hook)
    settings = {"probe": make_images(), "config": TINY, "worker": "process", "strict": True}
    with AtlasWriter(tmp_path, model, ["body"], **settings) as atlas:
        atlas.add_atlas(1)
        atlas.flush()
        assert atlas._recorder.fault is None
    assert [one.step for one in read_atlases(tmp_path)] == [1]
    assert list(model._forward_pre_hooks.values()) == [hook]
