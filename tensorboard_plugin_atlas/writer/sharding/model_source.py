# SPDX-License-Identifier: Apache-2.0
"""Where an `AtlasWriter` gets the module that it runs from: this process, or all ranks."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.argument_checks import check_module
from tensorboard_plugin_atlas.compute.model.distributed_models import (
    find_sharding,
    reject_sharded_model,
)
from tensorboard_plugin_atlas.compute.model.model_checks import check_model
from tensorboard_plugin_atlas.compute.model.model_interface import check_forward
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.errors import (
    ArgumentError,
    RankError,
    describe_error,
    summarize_error,
)
from tensorboard_plugin_atlas.number_arguments import to_int

CALL_SECONDS: Final = 60.0
"""How long `add_atlas` waits for other ranks; longer than ranks of a training loop drift apart."""

RETRY_SECONDS: Final = 5.0
"""The same after a call that a rank did not make, so that a run without that call stays fast."""

CONSTRUCTION_SECONDS: Final = 300.0
"""How long the constructor waits for the other ranks to begin."""

FINISH_SECONDS: Final = 1800.0
"""How long the constructor of other ranks waits for rank 0, which also reads the probe."""


class ModelSource(Protocol):
    """Interface of `LocalModel` and `ShardedModel`.

    Rank 0 calls `construct`, `call`, and `gather`. Other ranks call `follow_construction` in place
    of `construct`, and `follow_call` in place of `call`.

    Attributes:
        is_sharded: Whether all ranks must log the same steps.
    """

    is_sharded: bool

    def construct(self, forward: object) -> AbstractContextManager[nn.Module]:
        """Yields the module to run, for the block in which the writer is constructed.

        Args:
            forward: The user's argument `forward`, which must not contain the model.

        Raises:
            ArgumentError: if there is none.
        """

    def follow_construction(self) -> None:
        """Helps rank 0 to construct its writer; raises what it raises."""

    def call(self, step: object) -> AbstractContextManager[None]:
        """Surrounds a call of `add_atlas`, which may gather the parameters of `step` or not."""

    def gather(self, step: int, model: nn.Module) -> AbstractContextManager[nn.Module]:
        """Yields the module with its current parameters.

        Args:
            step: Global step.
            model: The writer's attribute `model`, which the user may have replaced.

        Raises:
            RankError: if another rank does not take part.
        """

    def follow_call(self, step: object) -> None:
        """Helps rank 0 with a call of `add_atlas`, for as long as it needs.

        Raises:
            RankError: if a rank does not take part.
        """


def make_model_source(model: object, factory: Callable[[], nn.Module] | None) -> ModelSource:
    """Checks the model, without running it, and returns where it comes from.

    Args:
        model: The user's model, with or without wrappers.
        factory: The user's function that returns an unsharded model, or None.

    Raises:
        ArgumentError: if one of them cannot be used.
    """
    module = check_module(model)
    inner = unwrap(module)
    if factory is not None and not callable(factory):
        raise ArgumentError(
            f"model_factory={factory!r:.80}: pass a function without arguments that returns the "
            "model as it was before it was sharded"
        )
    sharding = find_sharding(inner)
    if sharding is None:
        check_model(inner)
        return LocalModel(module)
    if not sharding.is_gatherable:
        reject_sharded_model(inner)
    return ShardedModel(inner, factory)


class LocalModel:
    """A model that this process holds as a whole.

    Args:
        model: The user's model, with or without wrappers.
    """

    is_sharded = False

    def __init__(self, model: nn.Module) -> None:
        self._model = model

    def construct(self, forward: object) -> AbstractContextManager[nn.Module]:
        """Yields the model."""
        return nullcontext(self._model)

    def follow_construction(self) -> None:
        """Does nothing: rank 0 needs no other rank."""

    def call(self, step: object) -> AbstractContextManager[None]:
        """Does nothing."""
        return nullcontext()

    def gather(self, step: int, model: nn.Module) -> AbstractContextManager[nn.Module]:
        """Yields the model of the writer."""
        return nullcontext(model)

    def follow_call(self, step: object) -> None:
        """Does nothing."""


class ShardedModel:
    """A model whose parameters are sharded over all ranks, and are gathered on rank 0.

    All ranks first agree to gather, within a time limit. Between two calls, rank 0 keeps the
    structure of the model only.

    Args:
        model: The sharded model, without wrappers around it.
        factory: The user's function that returns an unsharded model, or None to rebuild it.

    Raises:
        ArgumentError: if there is no process group, or the model is inside of the wrapper that
            shards it.
    """

    is_sharded = True

    def __init__(self, model: nn.Module, factory: Callable[[], nn.Module] | None) -> None:
        # Imported here, since importing these parts of torch takes a second.
        from tensorboard_plugin_atlas.writer.sharding import gathered_state, unsharded_twin
        from tensorboard_plugin_atlas.writer.sharding.agreement import create_agreement

        gathered_state.check_wrapper(model)
        self._model = model
        self._agreement = create_agreement()
        self._mark = gathered_state.compute_fingerprint(model)
        self._gather_state = functools.partial(gathered_state.gather_state, model)
        self._twins = unsharded_twin.TwinBuilder(model, factory)
        self._seconds = CALL_SECONDS
        self._last_step: int | None = None

    @contextlib.contextmanager
    def construct(self, forward: object) -> Iterator[nn.Module]:
        """Yields the unsharded twin; other ranks wait in `follow_construction` for the block."""
        try:
            check_forward(forward, self._model)
            values = self._begin()
            with self._twins.build(values).fill(values) as module:
                check_model(module)
                yield module
        except BaseException as error:
            with contextlib.suppress(RuntimeError):  # this error counts, not one of the store
                for topic in ("construction", "constructed"):  # other ranks may wait for either
                    self._agreement.report(topic, describe_error(error))
            raise
        self._agreement.report("constructed", None)

    def follow_construction(self) -> None:
        """Takes part in the first gather, and waits until rank 0 has constructed its writer.

        Raises:
            ArgumentError: if rank 0 cannot construct it, or does not.
        """
        self._begin()
        with _raise_argument_errors():
            self._agreement.wait_for_report("constructed", FINISH_SECONDS)

    @contextlib.contextmanager
    def call(self, step: object) -> Iterator[None]:
        """Sends the other ranks on at the end, if the block did not gather."""
        try:
            yield
        finally:
            valid = _find_step(step)
            if valid is not None:
                with _explain_store_errors():
                    self._agreement.decline(_name_topic(valid))

    @contextlib.contextmanager
    def gather(self, step: int, model: nn.Module) -> Iterator[nn.Module]:
        """Yields the unsharded twin with the current parameters."""
        del model  # it is the twin
        if not self._join(step):
            raise RankError(f"the other ranks have left out step {step} already")
        values = self._gather()
        with self._twins.build(values).fill(values) as module:
            yield module

    def follow_call(self, step: object) -> None:
        """Waits for the decision of rank 0, and takes part if it gathers."""
        valid = _find_step(step)
        if valid is None or (self._last_step is not None and valid <= self._last_step):
            return  # rank 0 rejects it, too, and reports it
        self._last_step = valid
        if self._join(valid):
            self._gather()

    def _begin(self) -> dict[str, Tensor]:
        """Returns the first gathered state."""
        with _raise_argument_errors():
            action = "create its AtlasWriter"
            self._agreement.join("construction", CONSTRUCTION_SECONDS, action, self._mark)
            return self._gather()

    def _join(self, step: int) -> bool:
        try:
            topic, action = _name_topic(step), f"call add_atlas({step})"
            with _explain_store_errors():
                joined = self._agreement.join(topic, self._seconds, action)
        except RankError:
            self._seconds = RETRY_SECONDS
            raise
        self._seconds = CALL_SECONDS
        return joined

    def _gather(self) -> dict[str, Tensor]:
        try:
            return self._gather_state()
        except Exception as error:
            self._seconds = RETRY_SECONDS
            raise RankError(
                f"the parameters cannot be gathered from all ranks ({summarize_error(error)})"
            ) from error


@contextlib.contextmanager
def _explain_store_errors() -> Iterator[None]:
    """Turns errors of the store into a RankError that says what they mean."""
    try:
        yield
    except RankError:
        raise
    except Exception as error:
        raise RankError(
            "the store of the process group does not respond, so the process that holds it, "
            f"usually rank 0, may have ended ({summarize_error(error)})"
        ) from error


@contextlib.contextmanager
def _raise_argument_errors() -> Iterator[None]:
    """Turns errors of the other ranks into errors of the constructor."""
    try:
        yield
    except RankError as error:
        raise ArgumentError(f"AtlasWriter cannot be created: {error}") from error


def _find_step(step: object) -> int | None:
    """Returns a step as an int, or None if it is not one."""
    try:
        return to_int("global_step", step)
    except ArgumentError:
        return None


def _name_topic(step: int) -> str:
    return f"step {step}"
