"""A process that must not outlive the launcher: its standard input is a pipe that ends when the launcher does.

`python -m local.tether --home FOLDER MODULE ARGUMENTS…` runs a module so; `--home` is a mark to find strays by.
"""

import os
import runpy
import signal
import sys
import threading


def watch() -> None:
    """Send this process SIGTERM as soon as its standard input ends."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="tether", daemon=True).start()


def main() -> None:
    watch()
    del sys.argv[:3]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
