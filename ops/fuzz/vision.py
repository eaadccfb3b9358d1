"""Damaged files among sound ones through the worker's children: nothing but codes and faces.

    ./ops/fuzz/vision [--files 10000] [--seed 1] [--children 2] [--page PAGE.md]

Every fourth photo is sound; its crop must be, byte for byte, what it is without such neighbours.
Every damaged one must end with a face, without one, or with a code that says so; the parent lives.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence

from ops.bench.options import new_parser
from ops.bench.page import Page
from ops.fuzz.fuzzer import Fuzz, fuzz


def report(page: Page, run: Fuzz, ends: Counter[str], seconds: float) -> None:
    """The tables."""
    codes = sorted({end for _, end in run.tally})
    formats = sorted({name for name, _ in run.tally})
    rows = [[name, *(str(run.tally[name, end]) for end in codes)] for name in formats]
    total = ["**all**", *(str(sum(run.tally[name, end] for name in formats)) for end in codes)]
    page.line(f"{run.tally.total()} damaged files, {run.sound} sound ones among them, in runs.")
    page.line("")
    page.table(["damaged", *codes], [*rows, total])
    page.table(["children that ended early", "times"], [[why, str(n)] for why, n in ends.items()])
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    page.line(f"{seconds:.0f} s; the parent took {peak_mib:.0f} MiB at most.")
    page.line("")
    page.line(f"Wrong: {len(run.wrong)}.")
    for wrong in run.wrong[:20]:
        page.line(f"- {wrong}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = new_parser("ops/fuzz/vision", __doc__)
    parser.add_argument("--files", type=int, default=10_000, help="damaged files [10000]")
    parser.add_argument("--seed", type=int, default=1, help="of the damage [1]")
    parser.add_argument("--children", type=int, default=2, help="child processes [2]")
    return parser.parse_args(arguments)


def main() -> int:
    """Run, print, save; 1 when anything went wrong."""
    options = parse(sys.argv[1:])
    command = " ".join(["./ops/fuzz/vision", *sys.argv[1:]])
    page = Page("Vision: damaged files among sound ones", command)
    began = time.perf_counter()
    run, ends = asyncio.run(fuzz(options.files, options.seed, options.children))
    report(page, run, ends, time.perf_counter() - began)
    if options.page:
        page.save(options.page)
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
