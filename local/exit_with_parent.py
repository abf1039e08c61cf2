"""Ends a process when its parent, the launcher, ends: its standard input is a pipe that closes then.

`python -m local.exit_with_parent --home FOLDER MODULE ARGUMENTS…` runs a module so; `--home` marks the process for
`local.processes.find`.
"""

import os
import runpy
import signal
import sys
import threading


def watch() -> None:
    """Send this process SIGTERM when its standard input is closed."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="exit-with-parent", daemon=True).start()


def main() -> None:
    watch()
    del sys.argv[:3]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
