"""Draw the architecture again: `python -m local.picture`."""

from local.picture import drawing, landscape
from local.settings import ROOT, TEMPLATE

PICTURE = ROOT / "docs/architecture.svg"

if __name__ == "__main__":
    PICTURE.write_text(drawing.draw(landscape.read(TEMPLATE)))
