"""Makes the environment and installs packages into it, for the Makefile, and shows that it goes on.

`python local/install.py environment VENV` and `python local/install.py packages VENV REQUIREMENTS`, with the standard
library alone.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# So often a line is printed where none can be rewritten, such as in a log.
PACKAGES_PER_LINE = 25
# How many lines of pip's own are shown when it fails.
COMPLAINTS = 12
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off", "--require-hashes")


def main(arguments: Sequence[str]) -> int:
    """Run one of both; the exit code. What fails is said in a sentence."""
    command, folder, *requirements = arguments
    try:
        return install(Path(folder), requirements[0]) if command == "packages" else make_environment(Path(folder))
    except KeyboardInterrupt:
        print("\nInterrupted; the same command goes on with the installation.", file=sys.stderr)
        return 130


def make_environment(folder: Path) -> int:
    """Make an empty environment in place of what an interrupted installation has left."""
    print(f"Making the environment in {folder}", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], capture_output=True, check=False)
    if made.returncode:
        print(
            f"{sys.executable} cannot make an environment. It needs the modules venv and ensurepip, which Debian and "
            "Ubuntu have in the package python3-venv; or try another one: make PYTHON=python3.13",
            file=sys.stderr,
        )
    return made.returncode


def install(folder: Path, requirements: str) -> int:
    """Install pinned packages, and count them meanwhile."""
    print(f"Installing {requirements} (once, about a minute)", flush=True)
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"The environment in {folder} has lost its Python; remove it: rm -r {folder}", file=sys.stderr)
        return 1
    command = [str(python), *PIP, "-r", requirements]
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True) as process,
    ):
        count = 0
        for line in process.stdout or ():
            if line.startswith("Collecting "):
                count += 1
                _show(f"  {count} packages found")
            elif line.startswith("Installing "):
                _show(f"  {count} packages found, installing them", last=True)
        if process.wait():
            complaints.seek(0)
            said = "".join(complaints.readlines()[-COMPLAINTS:])
            print(f"{said}pip could not install {requirements}; its reason is above.", file=sys.stderr)
    return process.returncode


def _show(text: str, *, last: bool = False) -> None:
    """Rewrite the line on a terminal; elsewhere print some of them."""
    if sys.stdout.isatty():
        print(f"\r{text}", end="\n" if last else "", flush=True)
    elif last or int(text.split()[0]) % PACKAGES_PER_LINE == 0:
        print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
