"""What the link and its recordings can carry: `make bench-link`. Each part is a module of `link`.

Leaves build/bench/link.json.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # started as a program, Python knows this folder only

from tests.benchmarks.link import bulk_decode, campaign, closing_hour, kills, live
from tests.benchmarks.report import write_bench

PARTS = (bulk_decode, live, closing_hour, kills, campaign)


def main() -> None:
    write_bench("link", [figure for part in PARTS for figure in part.figures()])


if __name__ == "__main__":
    main()
