# SPDX-License-Identifier: Apache-2.0
"""Faults of the settings around a writer, of its calls and of its worker, each with its name."""

from __future__ import annotations

import errno
import functools
import logging
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import torch
from fault_injection import (
    BOTH,
    DRAWN,
    PICTURED,
    PROCESS,
    FailingFile,
    Fault,
    all_but_one,
    both,
    fail_when_looked_at,
    looked_at,
    lost,
    os_error,
    raising,
)
from file_and_model_faults import add_a_part_on_meta, widen_the_layer
from tiny_training import find_workers, wait_until

from tensorboard_plugin_atlas.logs.event_file import EventSink


def while_looked_at(condition, enter):
    """Changes a setting of the whole process, and sees to it that the model meets it."""

    def strike(scene):
        enter(scene)
        scene.model.mood = functools.partial(notes, scene.evidence, condition)

    return strike


def notes(evidence, condition, model, x):
    if condition():
        evidence()
    return model.answer(x)


def always():
    return True


def divides_by_zero():
    return bool(np.isinf(np.float32(1) / np.float32(0)))


def strict_numpy(scene):
    scene.stack.enter_context(np.errstate(all="raise"))


def is_double():
    return torch.get_default_dtype() is torch.float64


def double_by_default(scene):
    scene.stack.callback(torch.set_default_dtype, torch.get_default_dtype())
    torch.set_default_dtype(torch.float64)


def is_meta():
    return torch.get_default_device().type == "meta"


def meta_by_default(scene):
    scene.stack.callback(torch.set_default_device, None)
    torch.set_default_device("meta")


def deterministic(scene):
    scene.stack.callback(torch.use_deterministic_algorithms, False)
    torch.use_deterministic_algorithms(True)


def inside(context):
    """Has the loop call the writer inside a context."""

    def strike(scene):
        def around():
            scene.evidence()
            return context()

        scene.around = around

    return strike


def autocast():
    return torch.autocast("cpu", torch.bfloat16)


def errors_for_warnings(scene):
    scene.stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("error")


def no_way_to_show_warnings(scene):
    scene.patch.setattr(warnings, "showwarning", raising(ValueError("closed file")))


class Deaf(logging.Handler):
    """A log handler of the user that fails."""

    def __init__(self, evidence):
        super().__init__()
        self.evidence = evidence

    def emit(self, record):
        self.evidence()
        raise RuntimeError("a log handler that fails")


def break_logging(scene):
    logger = logging.getLogger("tensorboard_plugin_atlas")
    handler = Deaf(scene.evidence)
    logger.addHandler(handler)
    scene.stack.callback(logger.removeHandler, handler)


class Closed:
    """What is left of stderr in a program that let go of its terminal."""

    encoding = "utf-8"

    def __init__(self, evidence):
        self.evidence = evidence

    def isatty(self):
        self.evidence()
        raise ValueError("I/O operation on closed file")

    write = flush = fileno = isatty


def close_stderr(scene):
    scene.patch.setattr(sys, "stderr", Closed(scene.evidence))


def lose_stderr(scene):
    scene.patch.setattr(sys, "stderr", None)
    scene.evidence()


def pass_as_step(step_of):
    def strike(scene):
        scene.step_of = step_of

    return strike


def pass_once_as_step(value):
    def strike(scene):
        odd = iter([value])
        scene.step_of = lambda step: next(odd, step)

    return strike


def pass_as(name, value):
    return lambda scene: setattr(scene, name, value)


def call_afterwards(*calls):
    def strike(scene):
        scene.afterwards.extend(calls)
        scene.evidence()

    return strike


AROUND_IT = {
    "numpy raises": Fault(while_looked_at(divides_by_zero, strict_numpy)),
    "double is the default": Fault(while_looked_at(is_double, double_by_default), config=DRAWN),
    "meta is the default": Fault(while_looked_at(is_meta, meta_by_default), config=DRAWN),
    "only deterministic algorithms": Fault(
        while_looked_at(torch.are_deterministic_algorithms_enabled, deterministic), config=DRAWN
    ),
    "inside inference mode": Fault(inside(torch.inference_mode), workers=BOTH, config=DRAWN),
    "inside no_grad": Fault(inside(torch.no_grad), workers=BOTH, config=DRAWN),
    "inside autocast": Fault(inside(autocast), workers=BOTH, config=DRAWN),
    "warnings are errors": lost(
        both(errors_for_warnings, fail_when_looked_at), None, logged="a forward that fails"
    ),
    "warnings cannot be shown": lost(
        both(no_way_to_show_warnings, fail_when_looked_at), None, logged="a forward that fails"
    ),
    "logging fails": lost(both(break_logging, fail_when_looked_at), "a forward that fails"),
    "stderr is closed": Fault(close_stderr, config=PICTURED, workers=BOTH),
    "there is no stderr": Fault(lose_stderr, config=PICTURED, workers=BOTH),
}

IN_THE_CALLS = {
    "the step is text": lost(pass_as_step(str), "global_step='.': pass a whole number"),
    "the step is a fraction": lost(pass_as_step(float), "global_step=.*: pass a whole number"),
    "the step stays": lost(pass_as_step(lambda _: 1), "is not larger than 1", moments=(2,)),
    "the step falls": lost(pass_as_step(lambda step: -step), "is not larger than", moments=(2,)),
    "one step is beyond 64 bits": Fault(
        pass_once_as_step(2**70), "that 64 bits can hold", all_but_one
    ),
    "the wall time is text": lost(pass_as("walltime", "noon"), "walltime='noon'", workers=BOTH),
    "the wall time is NaN": lost(pass_as("walltime", torch.nan), "walltime=nan: pass a number"),
    "the timeout is text": Fault(
        pass_as("timeout", "soon"), "close failed.*timeout='soon'", ends=("close",)
    ),
    "the timeout is infinite": Fault(
        pass_as("timeout", torch.inf), "timeout=inf: pass a number", ends=("close",)
    ),
    "add_atlas after close": Fault(
        call_afterwards(("add_atlas", (9,)), ("add_atlas", (10,))), r"after close\(\)", workers=BOTH
    ),
    "close after close": Fault(call_afterwards(("close", ()), ("close", (1.0,))), workers=BOTH),
    "flush after close": Fault(call_afterwards(("flush", ()), ("flush", ())), workers=BOTH),
}


def elsewhere(mischief, *arguments):
    """Has the model do mischief to the process that it is copied to, and only to that one."""
    return looked_at(does, mischief, arguments)


def does(mischief, arguments, model, x):
    if os.getpid() != model.home:
        mischief(*arguments)
    return model.answer(x)


def kill(number):
    os.kill(os.getpid(), number)


def segfault():
    import faulthandler

    faulthandler._sigsegv()


def is_socket(file):
    try:
        return stat.S_ISSOCK(os.fstat(file).st_mode)
    except OSError:
        return False


def speak(data):
    """Puts bytes on the socket to the training process."""
    (end,) = filter(is_socket, range(64))
    os.write(end, data)


def speak_and_stay(data):
    speak(data)
    time.sleep(60)  # nothing more comes of this job


def hang_up():
    speak(struct.pack("!Q", 1000) + b"the beginning of an")
    os._exit(0)


def break_the_disk(name, number):
    """Has the log's file fail in the worker."""
    error = OSError(number, os.strerror(number))
    if name == "fsync":
        os.fsync = raising(error)
    else:
        opened = EventSink._opened
        EventSink._opened = lambda sink: FailingFile(opened(sink), [name], error)


def kill_the_worker(scene):
    if scene.atlas is not None:
        for worker in find_workers():
            worker.kill()
            wait_until(lambda worker=worker: not worker.is_running() or worker.status() == "zombie")
    scene.evidence()


def start_no_process(scene):
    scene.patch.setattr(subprocess, "Popen", raising(BlockingIOError(11, "Resource temporarily")))


def lose_the_directory_for_temporary_files(scene):
    scene.patch.setattr("tempfile.TemporaryFile", raising(FileNotFoundError(2, "No usable temp")))


def give_no_memory(scene):
    def allocate(*_):
        scene.evidence()
        raise os_error(errno.ENOMEM)

    scene.patch.setattr(os, "posix_fallocate", allocate)


def add_a_lock(scene):
    scene.model.lock = threading.Lock()


def start_no_thread(scene):
    scene.patch.setattr(threading.Thread, "start", raising(RuntimeError("can't start new thread")))
    scene.evidence()


def dies_twice(evidence, model, x):
    """Ends the first two workers that look at the model, and no other one."""
    if os.getpid() != model.home and len(evidence) < 2:
        evidence()
        os._exit(3)
    return model.answer(x)


def end_two_workers(scene):
    scene.model.mood = functools.partial(dies_twice, scene.evidence)


GIVEN_UP = r"the step is not logged\. The process is restarted"

IN_THE_WORKER = {
    "the worker is killed each time": lost(
        elsewhere(kill, signal.SIGKILL), f"(?s)SIGKILL.*{GIVEN_UP}", workers=PROCESS
    ),
    "the worker is terminated each time": lost(
        elsewhere(kill, signal.SIGTERM), f"(?s)SIGTERM.*{GIVEN_UP}", workers=PROCESS
    ),
    "the worker crashes each time": lost(
        elsewhere(segfault), f"(?s)SIGSEGV.*Segmentation.*{GIVEN_UP}", workers=PROCESS
    ),
    "the worker ends each time": lost(
        elsewhere(os._exit, 3), f"(?s)ended with status 3.*{GIVEN_UP}", workers=PROCESS
    ),
    "the model ends the program": lost(
        elsewhere(sys.exit, 4), f"(?s)ended with status 4.*{GIVEN_UP}", workers=PROCESS
    ),
    "the worker hangs up in a message": lost(
        elsewhere(hang_up), f"(?s)ended with status 0.*{GIVEN_UP}", workers=PROCESS
    ),
    "the worker answers garbage": lost(
        elsewhere(speak_and_stay, struct.pack("!Q", 7) + b"garbage"),
        f"(?s)sent no valid reply.*{GIVEN_UP}",
        workers=PROCESS,
    ),
    "the worker answers something else": lost(
        elsewhere(speak_and_stay, struct.pack("!Q", 4) + b"\x80\x04N."),
        f"(?s)NoneType instead of a reply.*{GIVEN_UP}",
        workers=PROCESS,
    ),
    "the worker announces gigabytes": lost(
        elsewhere(speak_and_stay, struct.pack("!Q", 1 << 40)),
        f"(?s)a message of 1099511627776 bytes.*{GIVEN_UP}",
        workers=PROCESS,
    ),
    "two workers end over one step": Fault(
        end_two_workers, f"(?s)step [02].*status 3.*{GIVEN_UP}", all_but_one, workers=PROCESS
    ),
    "logging fails when the worker is killed": Fault(
        both(break_logging, kill_the_worker), workers=PROCESS
    ),
    "the worker is killed once": Fault(kill_the_worker, workers=PROCESS),
    "no process can be started": Fault(
        start_no_process,
        "not possible: .*could not be started.*temporarily",
        moments=(-1,),
        workers=PROCESS,
    ),
    "no process can be started again": lost(
        both(kill_the_worker, start_no_process),
        f"(?s)could not be started.*temporarily.*{GIVEN_UP}",
        moments=(2,),
        workers=PROCESS,
    ),
    "there is no place for temporary files": Fault(
        lose_the_directory_for_temporary_files,
        "not possible: .*could not be started.*No usable temp",
        moments=(-1,),
        workers=PROCESS,
    ),
    "the worker's disk is full": lost(
        elsewhere(break_the_disk, "write", errno.ENOSPC), "No space left", workers=PROCESS
    ),
    "the worker's disk fails": Fault(
        elsewhere(break_the_disk, "fsync", errno.EIO), "Input/output error", workers=PROCESS
    ),
    "there is no memory for a copy": lost(
        both(widen_the_layer, give_no_memory), "Cannot allocate memory", workers=PROCESS
    ),
    "there is no memory for a spare copy": Fault(give_no_memory, moments=(0,), workers=PROCESS),
    "no thread can be started": Fault(start_no_thread, workers=PROCESS),
    "the model cannot be sent any more": Fault(add_a_lock, "not possible.*lock", workers=PROCESS),
    "a part of the model cannot be sent": Fault(
        add_a_part_on_meta, "not possible.*on meta", workers=PROCESS
    ),
}
