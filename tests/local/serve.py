"""Serves the small stack until SIGTERM: `python -m tests.local.serve HOME ENGINE API SANDBOX DNS`."""

import sys
import time
from pathlib import Path

from local.launcher import LocalCloud, started
from local.settings import Home, Ports, Refused
from tests.local.network import TEMPLATE


def main() -> int:
    home, ports = Home(Path(sys.argv[1])), Ports(*map(int, sys.argv[2:]))
    try:
        with started(LocalCloud(home, ports, TEMPLATE)) as cloud:
            while True:
                cloud.check()
                time.sleep(0.1)
    except KeyboardInterrupt:
        return 0
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
