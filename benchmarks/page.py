"""Writing what a benchmark measured into a page of the documentation."""

from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def write(name: str, begin: str, end: str, text: str) -> None:
    """Put the text between two marks of a page."""
    page = DOCS / name
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
