"""The process of one Lambda execution environment: AWS's runtime interface client in this Python environment.

The `bootstrap` file of a function's package starts it. The editable installation puts the repository on the import
path; it is removed here, so that a function can import its own layers only, as on AWS.
"""

import runpy
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
HIDDEN = {str(REPOSITORY), str(REPOSITORY / "layers" / "core")}


def main() -> None:
    """Arguments: `--home FOLDER`, which marks the process for `local.processes.find`, and the handler's name."""
    sys.path[:] = [entry for entry in sys.path if entry not in HIDDEN]
    sys.argv[1:] = sys.argv[3:]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
