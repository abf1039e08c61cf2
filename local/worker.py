"""The process of one Lambda execution environment: AWS's runtime client, run by this environment's Python.

The engine starts it through the `bootstrap` file of a function's package. The repository itself stands on this
interpreter's path because of the editable installation; here it is taken away, so that a function finds the layers
that the template gives it and nothing else, as on AWS.
"""

import runpy
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
HIDDEN = {str(REPOSITORY), str(REPOSITORY / "layers" / "core")}


def main() -> None:
    """Arguments: `--home`, the folder of the local cloud (a mark to find strays by), and the handler's name."""
    sys.path[:] = [entry for entry in sys.path if entry not in HIDDEN]
    sys.argv[1:] = sys.argv[3:]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
