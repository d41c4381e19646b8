# SPDX-License-Identifier: Apache-2.0
"""TensorBoard's own messages, made by TensorBoard's own classes: blob sequences, scalars, restarts.

The messages are imported at first use: they cost a fifth of a second, and a reader of an atlas
that is at hand needs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.metadata import PLUGIN_NAME, WIRE_VERSION


def blob_summary(tag: str, blobs: Sequence[bytes]) -> Any:
    """Returns the `Summary` of one blob sequence of this plugin.

    Its data class and plugin name stand in every summary: the loaders keep a tag's first metadata
    only, but whichever event that is.

    Raises:
        ArgumentError: if UTF-8 cannot hold `tag`.
    """
    from tensorboard.compat.proto.summary_pb2 import (
        DATA_CLASS_BLOB_SEQUENCE,
        Summary,
        SummaryMetadata,
    )
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    _check_tag(tag)
    content = str(WIRE_VERSION).encode("ascii")
    metadata = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME, content=content),
        data_class=DATA_CLASS_BLOB_SEQUENCE,
    )
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(blobs))])
    tensor = TensorProto(dtype=DT_STRING, tensor_shape=shape, string_val=list(blobs))
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])


def scalar_summary(values: Mapping[str, float]) -> Any:
    """Returns the `Summary` of ordinary scalars, as `SummaryWriter.add_scalar` writes them.

    Raises:
        ArgumentError: if UTF-8 cannot hold a tag.
    """
    from tensorboard.compat.proto.summary_pb2 import Summary

    for tag in values:
        _check_tag(tag)
    return Summary(
        value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
    )


def event_payload(summary: Any, step: int, wall_time: float) -> bytes:
    """Returns the record payload of `summary` at `step`."""
    from tensorboard.compat.proto.event_pb2 import Event

    return bytes(Event(step=step, wall_time=wall_time, summary=summary).SerializeToString())


def restart_payload(step: int, wall_time: float) -> bytes:
    """Returns the payload of `SessionLog START`: what was logged at `step` or above is void."""
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog

    log = SessionLog(status=SessionLog.START)
    return bytes(Event(step=step, wall_time=wall_time, session_log=log).SerializeToString())


def version_payload(wall_time: float) -> bytes:
    """Returns the payload that every event file starts with."""
    from tensorboard.compat.proto.event_pb2 import Event

    return bytes(Event(wall_time=wall_time, file_version="brain.Event:2").SerializeToString())


def _check_tag(tag: str) -> None:
    try:
        tag.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ArgumentError(f"tag={tag!r}: pass text that UTF-8 can hold") from error
