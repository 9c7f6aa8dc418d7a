"""Starts a command that does not outlive us."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_ERRNO_BYTES = 4
# What Python ignores for itself is not the command's to inherit.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)


def spawn(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The pid of `command`, found on the environment's PATH, with no signal blocked.

    On Linux it gets SIGTERM should we end before it, by SIGKILL even. Call it from the main thread:
    the kernel takes the end of the thread for ours. Raises OSError when it can't be executed.
    """
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    reader, writer = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            if prctl is not None:
                prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            _become(command, environment, parent)
        except OSError as error:
            os.write(writer, (error.errno or 0).to_bytes(_ERRNO_BYTES, "little"))
        finally:
            os._exit(1)  # whatever else there is to be done here, is the parent's
    os.close(writer)
    failure = os.read(reader, _ERRNO_BYTES)  # empty as soon as it was executed
    os.close(reader)
    if failure:
        os.waitpid(child, 0)
        number = int.from_bytes(failure, "little")
        raise OSError(number, os.strerror(number))
    return child


def _become(command: Sequence[str], environment: Mapping[str, str], parent: int) -> NoReturn:
    for number in _IGNORED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if os.getppid() != parent:  # it has ended before we could ask to be told
        os._exit(1)
    os.execvpe(command[0], list(command), environment)  # noqa: S606 - no shell is what is wanted
