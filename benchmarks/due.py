"""Measures due work at any backlog: `.venv/bin/python benchmarks/due.py`; `--write` updates docs/due.md.

The real pollers run over a table and a queue in memory that count every call; see tests/simulation/backlog.py.
"""

import argparse
import sys
from collections.abc import Iterable
from datetime import timedelta
from multiprocessing import Pool

from benchmarks.page import row, write
from kindling.platform import due
from tests.simulation.backlog import (
    BEGIN,
    CLEANUP,
    REVIEW,
    VERIFICATION,
    WARMING,
    Cloud,
    Drained,
    Kind,
    drain,
    installed,
    tick,
)

BEGIN_MARK, END_MARK = "<!-- model: benchmarks/due.py --write -->", "<!-- end of model -->"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
AT_ONCE, SPREAD = "at once", "over an hour"
OTHERS = (VERIFICATION, CLEANUP, REVIEW)


def main() -> int:
    """Print or write the tables. Returns 1 when a backlog was not drained within the hour."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="the largest backlog; 10000 for a quick run")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/due.md")
    args = parser.parse_args()
    sizes = [size for size in SIZES if size <= args.most]
    cases = [(WARMING, size, how) for how in (AT_ONCE, SPREAD) for size in sizes]
    cases += [(kind, sizes[-1], AT_ONCE) for kind in OTHERS]
    with Pool(args.jobs) as pool:
        drained = dict(zip(cases, pool.starmap(_drain, cases, chunksize=1), strict=True))
    text = "\n".join([*_backlogs(drained), *_idle(sizes)])
    print(text)
    if args.write:
        write("due.md", BEGIN_MARK, END_MARK, text)
    # What falls due over an hour is drained when the tick after that hour has passed.
    late = [case for case, found in drained.items() if found.handed_out > (3600 if case[2] == AT_ONCE else 4500)]
    for kind, size, how in late:
        print(f"{size:,} of {kind.name}, due {how}, took too long")
    return 1 if late else 0


def _drain(kind: Kind, size: int, how: str) -> Drained:
    hour = timedelta(hours=1)
    moments = [due.spread(f"item-{i}", hour) if how == SPREAD else timedelta(0) for i in range(size)]
    found = drain(kind, moments)
    # What is left of the table is large, and of no interest.
    for content in (found.cloud.due_at, found.cloud.shards, found.cloud.future, found.cloud.sent):
        content.clear()
    print(f"{size:,} of {kind.name}, due {how}", file=sys.stderr, flush=True)
    return found


def _backlogs(drained: dict[tuple[Kind, int, str], Drained]) -> Iterable[str]:
    yield (
        "| kind | due items | due | ticks | handed out after | done after | most in the queue | handed out twice "
        "| calls to DynamoDB | read units | write units | SQS sends | US dollars |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for (kind, size, how), found in drained.items():
        cloud = found.cloud
        yield row(
            kind.name,
            f"{size:,}",
            how,
            str(found.ticks),
            _minutes(found.handed_out),
            _minutes(found.done) if kind is WARMING else "as its provider allows",
            f"{found.deepest:,}" if kind is WARMING else "",
            str(found.twice),
            f"{cloud.calls['Query'] + cloud.calls['UpdateItem']:,}",
            f"{cloud.read_units:,.0f}",
            f"{cloud.write_units:,.0f}",
            f"{cloud.calls['SendMessageBatch']:,}",
            f"{cloud.dollars:,.3f}",
        )


def _idle(sizes: list[int]) -> Iterable[str]:
    yield "\n| scheduled items, none of them due | calls of a tick | read units | write units | milliseconds |"
    yield "| --- | --- | --- | --- | --- |"
    for size in (0, *sizes):
        cloud = Cloud()
        for i in range(size):
            cloud.put("warming", f"item-{i}", BEGIN + timedelta(milliseconds=1))
        with installed(cloud):
            tick(cloud, WARMING)
        calls = ", ".join(f"{number} {name}" for name, number in cloud.calls.items())
        yield row(f"{size:,}", calls, f"{cloud.read_units:g}", f"{cloud.write_units:g}", f"{cloud.seconds * 1000:.0f}")


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    sys.exit(main())
