# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_BLOB_SEQUENCE
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import WIRE_VERSION
from tensorboard_plugin_atlas.logs.event_file import (
    EventSink,
    compute_masked_crc,
    frame,
    read_events,
    read_record,
    scan_records,
    write_through,
)
from tensorboard_plugin_atlas.logs.protos import make_blob_summary

STEPS = 6


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An event file with the version event and six steps, whose blobs contain their step."""
    sink = EventSink(tmp_path)
    for step in range(STEPS):
        sink.write("layer/a", blobs_of(step), step, wall_time=100.0 + step)
    sink.close()
    return next(tmp_path.iterdir())


def blobs_of(step: int) -> list[bytes]:
    return [b"first %d" % step, random.Random(step).randbytes(3000), bytes(500)]


def steps_in(directory: Path) -> list[int]:
    found = [event for event in read_events(directory) if event.reason is None]
    assert all(list(event.blobs or ()) == blobs_of(event.step) for event in found)
    return [event.step for event in found]


def reasons_in(directory: Path) -> list[str]:
    return [event.reason for event in read_events(directory) if event.reason is not None]


@pytest.mark.parametrize("data", [b"", b"123456789", bytes(range(256)) * 9])
def test_framing_is_that_of_tensorboards_own_writer(data: bytes, tmp_path: Path) -> None:
    class Kept:
        written = b""

        def write(self, more: bytes) -> None:
            self.written += more

    kept = Kept()
    RecordWriter(kept).write(data)
    assert frame(data) == kept.written
    assert compute_masked_crc(data) == masked_crc32c(data)


def test_tensorboard_reads_what_the_sink_wrote(log: Path) -> None:
    events = list(EventFileLoader(str(log)).Load())
    assert events[0].file_version == "brain.Event:2"
    assert [event.step for event in events[1:]] == list(range(STEPS))
    value = events[4].summary.value[0]
    assert events[4].wall_time == 103.0
    assert value.tag == "layer/a"
    assert value.metadata.plugin_data.plugin_name == "atlas"
    assert value.metadata.plugin_data.content == str(WIRE_VERSION).encode()
    assert {e.summary.value[0].metadata.data_class for e in events[1:]} == {
        DATA_CLASS_BLOB_SEQUENCE
    }
    assert list(value.tensor.string_val) == blobs_of(3)
    assert [dim.size for dim in value.tensor.tensor_shape.dim] == [3]


def test_one_file_for_a_sink_named_as_tensorboard_looks_for_it(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / "deep" / "run")
    assert not (tmp_path / "deep").exists()
    assert sink.path is None
    sink.write("layer/a", [b"x"], 0)
    sink.write("layer/a", [b"x"], 1)
    assert list((tmp_path / "deep" / "run").iterdir()) == [sink.path]
    parts = sink.path.name.split(".")
    assert parts[:3] == ["events", "out", "tfevents"]
    assert abs(int(parts[3]) - time.time()) < 60
    assert parts[-3] == str(os.getpid())
    assert parts[-1] == "atlas"
    sink.close()
    sink.close()
    sink.flush()


def test_two_sinks_never_share_a_file(tmp_path: Path) -> None:
    sinks = [EventSink(tmp_path) for _ in range(3)]
    for step, sink in enumerate(sinks):
        sink.write("layer/a", blobs_of(step), step)
    assert len({sink.path for sink in sinks}) == 3
    for sink in sinks:
        sink.close()
    assert sorted(steps_in(tmp_path)) == [0, 1, 2]


def test_a_sink_that_was_closed_goes_on_in_a_new_file(tmp_path: Path) -> None:
    sink = EventSink(tmp_path)
    for step in range(2):
        sink.write("layer/a", blobs_of(step), step)
        sink.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert steps_in(tmp_path) == [0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_gets_a_file_of_its_own(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from tensorboard_plugin_atlas.logs.event_file import EventSink\n"
        "sink = EventSink(sys.argv[1])\n"
        "sink.write('layer/a', [b'parent'], 0)\n"
        "child = os.fork()\n"
        "sink.write('layer/a', [b'child' if child == 0 else b'parent'], 1)\n"
        "sink.flush()\n"
        "child and os.waitpid(child, 0)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    assert sorted(len(list(scan_records(file))) for file in files) == [2, 3]
    assert sorted(b for e in read_events(tmp_path) for b in e.blobs or ()) == [
        *(b"child", b"parent", b"parent")
    ]


def test_threads_may_share_a_sink(tmp_path: Path) -> None:
    sink = EventSink(tmp_path)
    threads = [
        threading.Thread(target=lambda s=step: sink.write("layer/a", blobs_of(s), s))
        for step in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close()
    assert sorted(steps_in(tmp_path)) == list(range(20))


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_log_dir_that_is_a_file_is_rejected(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match=r"log_dir=.*'file' is a file; pass a directory"):
        EventSink(tmp_path / name)


def test_a_url_is_rejected() -> None:
    with pytest.raises(ArgumentError, match=r"s3://bucket/logs.*or a SummaryWriter"):
        EventSink("s3://bucket/logs")


def test_a_tag_that_utf8_cannot_hold_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="tag="):
        EventSink(tmp_path).write("layer/\ud800", [b"x"], 0)


class FullDisk:
    """A raw file whose n-th write stores half of the data and then fails."""

    def __init__(self, file: Any, failing: int) -> None:
        self._file = file
        self._left = failing

    def write(self, data: memoryview) -> int:
        self._left -= 1
        if self._left == -1:
            self._file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return int(self._file.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("failing", range(3 * STEPS))
def test_a_full_disk_costs_one_record_and_no_other(failing: int, tmp_path: Path) -> None:
    sink = EventSink(tmp_path)
    sink.write("layer/a", blobs_of(0), 0)
    sink._file = FullDisk(sink._file, failing)
    failed = []
    for step in range(1, STEPS + 1):
        try:
            sink.write("layer/a", blobs_of(step), step)
        except OSError:
            failed.append(step)
    sink._file._file.close()
    assert failed == [failing // 3 + 1]  # header, payload or footer
    assert steps_in(tmp_path) == [s for s in range(STEPS + 1) if s not in failed]
    assert reasons_in(tmp_path) == []


def test_a_disk_that_is_full_from_the_start_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open
    sink = EventSink(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda *a, **k: FullDisk(opened(*a, **k), 0))
        with pytest.raises(OSError, match="No space left"):
            sink.write("layer/a", blobs_of(0), 0)
    assert list(tmp_path.iterdir()) == []
    sink.write("layer/a", blobs_of(1), 1)
    sink.close()
    assert steps_in(tmp_path) == [1]


class Stuck(FullDisk):
    """A full disk on which an incomplete record cannot be removed either."""

    def truncate(self, size: int) -> int:
        raise OSError(errno.EIO, "Input/output error")


def test_a_record_that_cannot_be_taken_back_ends_its_file(tmp_path: Path) -> None:
    sink = EventSink(tmp_path)
    sink.write("layer/a", blobs_of(0), 0)
    sink._file = Stuck(sink._file, 0)
    with pytest.raises(OSError, match="No space left"):
        sink.write("layer/a", blobs_of(1), 1)
    sink.write("layer/a", blobs_of(2), 2)
    sink.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert steps_in(tmp_path) == [0, 2]


def test_a_killed_process_loses_nothing_that_was_written(tmp_path: Path) -> None:
    script = (
        "import itertools, sys\n"
        "from tensorboard_plugin_atlas.logs.event_file import EventSink\n"
        "sink = EventSink(sys.argv[1])\n"
        "for step in itertools.count():\n"
        "    sink.write('layer/a', [bytes(200_000)], step)\n"
        "    print(step, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 20:
            pass
        process.kill()
        reported = [20, *(int(line) for line in process.stdout.read().split("\n")[:-1])]
    steps = [event.step for event in read_events(tmp_path) if event.reason is None]
    assert steps[: reported[-1] + 1] == list(range(reported[-1] + 1))
    assert reasons_in(tmp_path) == []


def test_every_cut_of_the_tail_costs_only_the_last_record(log: Path) -> None:
    whole = log.read_bytes()
    last = [record.offset for record in scan_records(log)][-1]
    for cut in [1, 2, 15, 16, 17, 1000, len(whole) - last - 1]:
        log.write_bytes(whole[:-cut])
        assert steps_in(log.parent) == list(range(STEPS - 1))
        assert reasons_in(log.parent) == []


def test_an_empty_file_and_a_file_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.host.1.0"
    path.write_bytes(b"")
    assert list(scan_records(path)) == []
    path.write_bytes(bytes(10_000))
    assert [record.reason for record in scan_records(path)] == ["no record in 10,000 bytes"]


def test_a_flipped_byte_anywhere_costs_at_most_its_own_record(log: Path) -> None:
    whole = bytearray(log.read_bytes())
    offsets = [record.offset for record in scan_records(log)]
    chance = random.Random(1)
    for _ in range(150):
        at = chance.randrange(len(whole))
        damaged = bytearray(whole)
        damaged[at] ^= 1 << chance.randrange(8)
        log.write_bytes(damaged)
        hit = max(i for i, offset in enumerate(offsets) if offset <= at)  # 0 is the version event
        steps = steps_in(log.parent)
        assert steps == [step for step in range(STEPS) if step != hit - 1]
        last_header = hit == STEPS and at < offsets[-1] + 8
        assert len(reasons_in(log.parent)) == 1 or last_header


def test_damage_in_the_payload_keeps_tag_and_step(log: Path) -> None:
    whole = bytearray(log.read_bytes())
    offsets = [record.offset for record in scan_records(log)]
    whole[offsets[3] + 1500] ^= 1
    log.write_bytes(whole)
    damaged = [event for event in read_events(log.parent) if event.reason is not None]
    assert [(event.tag, event.step, event.blobs) for event in damaged] == [("layer/a", 2, None)]
    wanted = f"{log.name}, byte {offsets[3]:,}: the checksum of 3,"
    assert damaged[0].reason.startswith(wanted)


@pytest.mark.parametrize("kind", ["cut", "insert", "repeat", "zeros"])
def test_reading_goes_on_behind_any_damage(kind: str, log: Path) -> None:
    whole = log.read_bytes()
    offsets = [record.offset for record in scan_records(log)]
    start = offsets[3] + 700
    damaged = {
        "cut": whole[:start] + whole[start + 900 :],
        "insert": whole[:start] + random.Random(2).randbytes(5000) + whole[start:],
        "repeat": whole[:start] + whole[start - 600 :],
        "zeros": whole[:start] + bytes(5000) + whole[start + 900 :],
    }[kind]
    log.write_bytes(damaged)
    assert steps_in(log.parent) == [0, 1, 3, 4, 5]
    assert reasons_in(log.parent)


@pytest.mark.parametrize("more", [0, 1, 17])
def test_a_record_of_megabytes_is_whole(tmp_path: Path, more: int) -> None:
    payload = random.Random(more).randbytes((3 << 20) + more)
    with contextlib.closing(EventSink(tmp_path)) as sink:
        sink.append(payload)
    (path,) = tmp_path.iterdir()
    *_, last = scan_records(path)
    assert last.payload == payload


def test_damage_longer_than_one_search_is_passed(log: Path) -> None:
    whole = log.read_bytes()
    offsets = [record.offset for record in scan_records(log)]
    # The next record starts just before the end of the first search, and extends beyond it.
    for gap in ((1 << 20) - 5, (1 << 20) + 1, 3 << 20):
        noise = b"\x01\0\0\0\0\0\0\0" * 1000 + random.Random(3).randbytes(gap - 8000)
        log.write_bytes(whole[: offsets[3]] + noise + whole[offsets[3] :])
        assert steps_in(log.parent) == list(range(STEPS))
        assert len(reasons_in(log.parent)) == 1


@pytest.mark.parametrize("length", [2**32, 2**40, 2**62, 2**64 - 1])
def test_a_length_beyond_the_file_is_not_believed(length: int, log: Path) -> None:
    header = struct.pack("<Q", length)
    forged = header + struct.pack("<I", compute_masked_crc(header)) + bytes(64)
    whole = log.read_bytes()
    log.write_bytes(whole + forged)
    assert steps_in(log.parent) == list(range(STEPS))
    offsets = [record.offset for record in scan_records(log)]
    log.write_bytes(whole[: offsets[3]] + forged + whole[offsets[3] :])
    assert steps_in(log.parent) == list(range(STEPS))
    assert len(reasons_in(log.parent)) == 1


def test_a_search_among_forged_headers_ends(tmp_path: Path) -> None:
    # Each header claims the rest of the file, so that an unbounded search would hash it 20,000
    # times, 4 GB in all.
    path = tmp_path / "events.out.tfevents.1.host.1.0"
    count, parts = 20_000, [bytes(12)]
    for i in range(count):
        length = struct.pack("<Q", max(12 * (count - i) - 100, 1))
        parts.append(length + struct.pack("<I", compute_masked_crc(length)))
    path.write_bytes(b"".join(parts))
    assert [record.reason for record in scan_records(path)] == ["no record in 240,012 bytes"]


def test_a_record_that_is_no_event_is_damage(log: Path) -> None:
    with log.open("ab") as file:
        file.write(frame(b"\xff\xff\xff"))
    assert steps_in(log.parent) == list(range(STEPS))
    assert reasons_in(log.parent)[0].endswith("its content is not an event")


def test_other_plugins_are_passed_over(log: Path) -> None:
    event = Event(step=9)
    event.summary.value.add(tag="loss", simple_value=0.5)
    scalar = event.summary.value.add(tag="other")
    scalar.metadata.plugin_data.plugin_name = "scalars"
    with log.open("ab") as file:
        file.write(frame(event.SerializeToString()))
    assert [event.step for event in read_events(log.parent)] == list(range(STEPS))


@pytest.mark.parametrize("shape", [[], [3, 1], [4]])
def test_a_value_that_is_no_sequence_of_blobs_is_damage(shape: list[int], log: Path) -> None:
    original = Event.FromString([r.payload for r in scan_records(log)][-1])
    original.step = 7
    del original.summary.value[0].tensor.tensor_shape.dim[:]
    for size in shape:
        original.summary.value[0].tensor.tensor_shape.dim.add(size=size)
    with log.open("ab") as file:
        file.write(frame(original.SerializeToString()))
    (damaged,) = [event for event in read_events(log.parent) if event.reason is not None]
    assert (damaged.tag, damaged.step, damaged.blobs) == ("layer/a", 7, None)


def test_a_record_is_read_again_from_its_offset(log: Path) -> None:
    records = list(scan_records(log))
    assert read_record(log, records[4].offset) == records[4].payload
    assert read_record(log, records[4].offset + 1) is None
    assert read_record(log, 10**9) is None


@pytest.mark.parametrize("library", ["torch.utils.tensorboard", "tensorboardX"])
def test_writing_through_a_users_writer(library: str, tmp_path: Path) -> None:
    module = pytest.importorskip(library)
    writer = module.SummaryWriter(str(tmp_path))
    writer.add_scalar("loss", 0.5, 3)
    write_through(writer, make_blob_summary("layer/a", blobs_of(3)), 3, 103.0)
    writer.close()
    (event,) = read_events(tmp_path)
    assert (event.tag, event.step, event.wall_time) == ("layer/a", 3, 103.0)
    assert list(event.blobs or ()) == blobs_of(3)
    (loaded,) = [
        e
        for e in EventFileLoader(str(event.file)).Load()
        if e.summary.value and e.summary.value[0].tag == "layer/a"
    ]
    assert loaded.summary.value[0].metadata.data_class == DATA_CLASS_BLOB_SEQUENCE


@pytest.mark.parametrize("writer", [object(), None, 3])
def test_a_writer_that_is_none_is_rejected(writer: object) -> None:
    with pytest.raises(ArgumentError, match="without a file writer: pass a directory"):
        write_through(writer, make_blob_summary("layer/a", [b"x"]), 0)


@pytest.mark.parametrize("flavor", [".nfs000000000123456700000001", ".nfs.20051234.5678"])
def test_a_file_that_nfs_keeps_under_another_name_is_noticed(flavor: str, tmp_path: Path) -> None:
    """An NFS client renames a file that is deleted while this machine has it open."""
    sink = EventSink(tmp_path)
    sink.write("layer/a", blobs_of(0), 0)
    assert sink.path is not None
    sink.path.rename(tmp_path / flavor)
    with pytest.raises(FileNotFoundError, match="deleted while it was written"):
        sink.flush()
    sink.write("layer/a", blobs_of(1), 1)
    sink.close()
    assert steps_in(tmp_path) == [1]


def test_a_file_that_was_deleted_is_reported_once_and_a_new_one_is_created(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / "log")
    sink.write("layer/a", blobs_of(0), 0)
    shutil.rmtree(tmp_path / "log")
    with pytest.raises(FileNotFoundError, match="deleted while it was written"):
        sink.flush()
    sink.flush()
    sink.write("layer/a", blobs_of(1), 1)
    sink.close()
    assert steps_in(tmp_path / "log") == [1]


def test_a_file_that_was_moved_is_written_to_its_end(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / "log")
    for step in range(2):
        sink.write("layer/a", blobs_of(step), step)
        sink.flush()
        if step == 0:
            (tmp_path / "log").rename(tmp_path / "moved")
    sink.close()
    assert steps_in(tmp_path / "moved") == [0, 1]


def test_a_descriptor_that_was_closed_is_never_used_again(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / "log")
    sink.write("layer/a", blobs_of(0), 0)
    number = sink._file.fileno()
    os.close(number)
    with pytest.raises(OSError, match="Bad file descriptor"):
        sink.write("layer/a", blobs_of(1), 1)
    with (tmp_path / "of somebody else").open("wb") as other:
        assert other.fileno() == number
        sink.write("layer/a", blobs_of(2), 2)
        sink.close()
        assert not os.fstat(other.fileno()).st_size
    assert steps_in(tmp_path / "log") == [0, 2]
