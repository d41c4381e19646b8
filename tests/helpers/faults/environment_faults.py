# SPDX-License-Identifier: Apache-2.0
"""Faults in global settings, in calls of the writer and in its worker, by name."""

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
    PROCESS,
    WITH_EXAMPLES,
    WITH_INVERSION,
    FailingFile,
    Fault,
    combine,
    fail_in_forward,
    has_all_but_one,
    make_blocking_fault,
    make_os_error,
    make_raiser,
    raise_in_forward,
)
from file_and_model_faults import add_meta_module, widen_layer
from tiny_training import find_workers, wait_until

from tensorboard_plugin_atlas.logs.event_file import EventSink


def change_setting(condition, enter):
    """Returns an injector that changes a global setting and checks it in the forward pass."""

    def inject(run):
        enter(run)
        run.model.fault = functools.partial(record_condition, run.evidence, condition)

    return inject


def record_condition(evidence, condition, model, x):
    if condition():
        evidence()
    return model.compute(x)


def can_divide_by_zero():
    return bool(np.isinf(np.float32(1) / np.float32(0)))


def raise_numpy_errors(run):
    run.stack.enter_context(np.errstate(all="raise"))


def is_double():
    return torch.get_default_dtype() is torch.float64


def use_float64(run):
    run.stack.callback(torch.set_default_dtype, torch.get_default_dtype())
    torch.set_default_dtype(torch.float64)


def is_meta():
    return torch.get_default_device().type == "meta"


def use_meta_device(run):
    run.stack.callback(torch.set_default_device, None)
    torch.set_default_device("meta")


def use_deterministic(run):
    run.stack.callback(torch.use_deterministic_algorithms, False)
    torch.use_deterministic_algorithms(True)


def call_inside(context):
    """Returns an injector that makes the loop call the writer inside a context."""

    def inject(run):
        def around():
            run.evidence()
            return context()

        run.around = around

    return inject


def use_autocast():
    return torch.autocast("cpu", torch.bfloat16)


def raise_warnings(run):
    run.stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("error")


def break_showwarning(run):
    run.patch.setattr(warnings, "showwarning", make_raiser(ValueError("closed file")))


class FailingHandler(logging.Handler):
    """A log handler of the user that fails."""

    def __init__(self, evidence):
        super().__init__()
        self.evidence = evidence

    def emit(self, record):
        self.evidence()
        raise RuntimeError("a log handler that fails")


def break_logging(run):
    logger = logging.getLogger("tensorboard_plugin_atlas")
    handler = FailingHandler(run.evidence)
    logger.addHandler(handler)
    run.stack.callback(logger.removeHandler, handler)


class ClosedStream:
    """A stderr that was closed, as in a daemon."""

    encoding = "utf-8"

    def __init__(self, evidence):
        self.evidence = evidence

    def isatty(self):
        self.evidence()
        raise ValueError("I/O operation on closed file")

    write = flush = fileno = isatty


def close_stderr(run):
    run.patch.setattr(sys, "stderr", ClosedStream(run.evidence))


def remove_stderr(run):
    run.patch.setattr(sys, "stderr", None)
    run.evidence()


def pass_as_step(step_of):
    def inject(run):
        run.step_of = step_of

    return inject


def pass_once_as_step(value):
    def inject(run):
        odd = iter([value])
        run.step_of = lambda step: next(odd, step)

    return inject


def pass_as(name, value):
    return lambda run: setattr(run, name, value)


def call_afterwards(*calls):
    def inject(run):
        run.afterwards.extend(calls)
        run.evidence()

    return inject


SETTING_FAULTS = {
    "numpy raises": Fault(change_setting(can_divide_by_zero, raise_numpy_errors)),
    "double is the default": Fault(change_setting(is_double, use_float64), config=WITH_INVERSION),
    "meta is the default": Fault(change_setting(is_meta, use_meta_device), config=WITH_INVERSION),
    "only deterministic algorithms": Fault(
        change_setting(torch.are_deterministic_algorithms_enabled, use_deterministic),
        config=WITH_INVERSION,
    ),
    "inside inference mode": Fault(
        call_inside(torch.inference_mode), workers=BOTH, config=WITH_INVERSION
    ),
    "inside no_grad": Fault(call_inside(torch.no_grad), workers=BOTH, config=WITH_INVERSION),
    "inside autocast": Fault(call_inside(use_autocast), workers=BOTH, config=WITH_INVERSION),
    "warnings are errors": make_blocking_fault(
        combine(raise_warnings, raise_in_forward), None, logged="a forward that fails"
    ),
    "warnings cannot be shown": make_blocking_fault(
        combine(break_showwarning, raise_in_forward), None, logged="a forward that fails"
    ),
    "logging fails": make_blocking_fault(
        combine(break_logging, raise_in_forward), "a forward that fails"
    ),
    "stderr is closed": Fault(close_stderr, config=WITH_EXAMPLES, workers=BOTH),
    "there is no stderr": Fault(remove_stderr, config=WITH_EXAMPLES, workers=BOTH),
}

CALL_FAULTS = {
    "the step is text": make_blocking_fault(pass_as_step(str), "global_step='.': pass an integer"),
    "the step is a fraction": make_blocking_fault(
        pass_as_step(float), "global_step=.*: pass an integer"
    ),
    "the step repeats": make_blocking_fault(
        pass_as_step(lambda _: 1), "is not larger than 1", moments=(2,)
    ),
    "the step decreases": make_blocking_fault(
        pass_as_step(lambda step: -step), "is not larger than", moments=(2,)
    ),
    "one step is beyond 64 bits": Fault(
        pass_once_as_step(2**70), "that fits in 64 bits", has_all_but_one
    ),
    "the wall time is text": make_blocking_fault(
        pass_as("walltime", "noon"), "walltime='noon'", workers=BOTH
    ),
    "the wall time is NaN": make_blocking_fault(
        pass_as("walltime", torch.nan), "walltime=nan: pass a number"
    ),
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


def fail_in_worker(action, *arguments):
    """Returns an injector that makes the model call `action` in the worker process only."""
    return fail_in_forward(call_in_worker, action, arguments)


def call_in_worker(action, arguments, model, x):
    if os.getpid() != model.home:
        action(*arguments)
    return model.compute(x)


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


def send(data):
    """Writes bytes to the socket of the training process."""
    (end,) = filter(is_socket, range(64))
    os.write(end, data)


def send_and_wait(data):
    send(data)
    time.sleep(60)  # this job sends nothing else


def send_part_and_exit():
    send(struct.pack("!Q", 1000) + b"the beginning of an")
    os._exit(0)


def break_disk(name, number):
    """Makes the log file fail in the worker."""
    error = OSError(number, os.strerror(number))
    if name == "fsync":
        os.fsync = make_raiser(error)
    else:
        opened = EventSink._open
        EventSink._open = lambda sink: FailingFile(opened(sink), [name], error)


def kill_worker(run):
    if run.atlas is not None:
        for worker in find_workers():
            worker.kill()
            wait_until(lambda worker=worker: not worker.is_running())
    run.evidence()


def refuse_processes(run):
    run.patch.setattr(subprocess, "Popen", make_raiser(BlockingIOError(11, "Resource temporarily")))


def remove_temporary_directory(run):
    run.patch.setattr("tempfile.TemporaryFile", make_raiser(FileNotFoundError(2, "No usable temp")))


def refuse_memory(run):
    def allocate(*_):
        run.evidence()
        raise make_os_error(errno.ENOMEM)

    run.patch.setattr(os, "posix_fallocate", allocate)


def add_lock(run):
    run.model.lock = threading.Lock()


def refuse_threads(run):
    run.patch.setattr(
        threading.Thread, "start", make_raiser(RuntimeError("can't start new thread"))
    )
    run.evidence()


def exit_twice(evidence, model, x):
    """Ends the first two workers that run the model, and no others."""
    if os.getpid() != model.home and len(evidence) < 2:
        evidence()
        os._exit(3)
    return model.compute(x)


def end_two_workers(run):
    run.model.fault = functools.partial(exit_twice, run.evidence)


NOT_LOGGED = r"the step is not logged\. The process is restarted"

WORKER_FAULTS = {
    "the worker is killed each time": make_blocking_fault(
        fail_in_worker(kill, signal.SIGKILL), f"(?s)SIGKILL.*{NOT_LOGGED}", workers=PROCESS
    ),
    "the worker is terminated each time": make_blocking_fault(
        fail_in_worker(kill, signal.SIGTERM), f"(?s)SIGTERM.*{NOT_LOGGED}", workers=PROCESS
    ),
    "the worker crashes each time": make_blocking_fault(
        fail_in_worker(segfault), f"(?s)SIGSEGV.*Segmentation.*{NOT_LOGGED}", workers=PROCESS
    ),
    "the worker ends each time": make_blocking_fault(
        fail_in_worker(os._exit, 3), f"(?s)ended with status 3.*{NOT_LOGGED}", workers=PROCESS
    ),
    "the model ends the program": make_blocking_fault(
        fail_in_worker(sys.exit, 4), f"(?s)ended with status 4.*{NOT_LOGGED}", workers=PROCESS
    ),
    "the model ends the program with a message": make_blocking_fault(
        fail_in_worker(sys.exit, "no license"),
        f"(?s)ended with status 1.*no license.*{NOT_LOGGED}",
        workers=PROCESS,
    ),
    "the worker ends within a message": make_blocking_fault(
        fail_in_worker(send_part_and_exit),
        f"(?s)ended with status 0.*{NOT_LOGGED}",
        workers=PROCESS,
    ),
    "the worker sends garbage": make_blocking_fault(
        fail_in_worker(send_and_wait, struct.pack("!Q", 7) + b"garbage"),
        f"(?s)sent no valid reply.*{NOT_LOGGED}",
        workers=PROCESS,
    ),
    "the worker sends an unknown object": make_blocking_fault(
        fail_in_worker(send_and_wait, struct.pack("!Q", 4) + b"\x80\x04N."),
        f"(?s)NoneType instead of a reply.*{NOT_LOGGED}",
        workers=PROCESS,
    ),
    "the worker announces gigabytes": make_blocking_fault(
        fail_in_worker(send_and_wait, struct.pack("!Q", 1 << 40)),
        f"(?s)message of 1099511627776 bytes.*{NOT_LOGGED}",
        workers=PROCESS,
    ),
    "two workers end over one step": Fault(
        end_two_workers, f"(?s)step [02].*status 3.*{NOT_LOGGED}", has_all_but_one, workers=PROCESS
    ),
    "logging fails when the worker is killed": Fault(
        combine(break_logging, kill_worker), workers=PROCESS
    ),
    "the worker is killed once": Fault(kill_worker, workers=PROCESS),
    "no process can be started": Fault(
        refuse_processes,
        "not possible: .*could not be started.*temporarily",
        moments=(-1,),
        workers=PROCESS,
    ),
    "no process can be started again": make_blocking_fault(
        combine(kill_worker, refuse_processes),
        f"(?s)could not be started.*temporarily.*{NOT_LOGGED}",
        moments=(2,),
        workers=PROCESS,
    ),
    "there is no directory for temporary files": Fault(
        remove_temporary_directory,
        "not possible: .*could not be started.*No usable temp",
        moments=(-1,),
        workers=PROCESS,
    ),
    "the worker's disk is full": make_blocking_fault(
        fail_in_worker(break_disk, "write", errno.ENOSPC), "No space left", workers=PROCESS
    ),
    "the worker's disk fails": Fault(
        fail_in_worker(break_disk, "fsync", errno.EIO), "Input/output error", workers=PROCESS
    ),
    "there is no memory for a copy": make_blocking_fault(
        combine(widen_layer, refuse_memory), "Cannot allocate memory", workers=PROCESS
    ),
    "there is no memory for a spare copy": Fault(refuse_memory, moments=(0,), workers=PROCESS),
    "no thread can be started": Fault(refuse_threads, workers=PROCESS),
    "the model can no longer be sent": Fault(add_lock, "not possible.*lock", workers=PROCESS),
    "a part of the model cannot be sent": Fault(
        add_meta_module, "not possible.*on meta", workers=PROCESS
    ),
}
