"""`python -m proxy_core.worker`: the worker in the foreground.

Standard output gets one line, `ready api=HOST:PORT proxy=HOST:PORT socket=PATH`, once it serves. A
failure to start is one sentence on standard error, which ends in the code in brackets. Exit status:
0 stopped as asked, 1 failed, 2 wrong use, 3 database unavailable, 5 refused.
"""

import gc
import os
import sys
from collections.abc import Sequence

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.worker.config import WorkerConfig
from proxy_core.worker.handover import leave_sight
from proxy_core.worker.options import parse_options
from proxy_core.worker.password import read_password

PRIVATE_UMASK = 0o077


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a worker until it is told to stop; returns the exit status."""
    try:
        leave_sight()
        return run_worker(parse_options(sys.argv[1:] if arguments is None else arguments))
    except VaultError as error:
        sentence = display_safe(str(error)).rstrip()
        print(f"vault-tui worker: {sentence} [{error.code}]", file=sys.stderr, flush=True)
        return error.exit_code


def run_worker(config: WorkerConfig) -> int:
    """Serve until SIGTERM or SIGINT. Raises VaultError when it cannot start."""
    config.check()
    os.umask(PRIVATE_UMASK)
    # Imported late: what is wrong with options, password or home shall not wait for them. What is
    # loaded stays, and to search it for garbage takes an eighth of the start: see runtime._settle.
    gc.disable()
    import asyncio

    from proxy_core.mitm.loop import DataPathLoop
    from proxy_core.seal import harden_process
    from proxy_core.worker import logs

    harden_process()
    password = read_password(config.password_descriptor)
    config.home.prepare(config.socket_group)
    logs.configure(config.log_level, config.log_file)
    from proxy_core.worker import runtime

    def on_ready(line: str) -> None:
        print(line, flush=True)
        if config.log_file is not None:
            logs.detach(config.log_file)
            os.chdir("/")

    with asyncio.Runner(loop_factory=DataPathLoop) as runner:
        runner.run(runtime.serve_until_signal(config, password, on_ready))
    return 0


if __name__ == "__main__":
    sys.exit(main())
