"""The page of a series of seeds, from the lines that `run` appended for each.

    ./ops/chaos/page RESULTS.jsonl... [--page PAGE.md]

A seed that is there twice counts as it was run last.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from ops.bench.page import Page
from ops.chaos.seed import Result


def read_results(files: Iterable[Path]) -> list[Result]:
    """The last result of each seed, in the seeds' order."""
    lines = (line for file in files for line in file.read_bytes().splitlines())
    last = {result.seed: result for result in map(_decode, lines)}
    return [last[seed] for seed in sorted(last)]


def write_page(page: Page, results: Sequence[Result]) -> None:
    """All of it: what hit, how long it took, and each seed."""
    clean = sum(not result.complaints for result in results)
    batches, photos = (sum(r.batches for r in results), sum(r.photos for r in results))
    faults = sum(len(result.faults) for result in results)
    hours = sum(result.took_s for result in results) / 3600
    page.line(
        f"{len(results)} seeds, {clean} of them clean: {batches:,} batches, {photos:,} photos, "
        f"{faults} faults, {hours:.1f} hours. Each photo was worked off at least twice, the second "
        "time in a replay of all topics."
    )
    seeds = {result.seed for result in results}
    if absent := sorted(set(range(min(seeds), max(seeds))) - seeds):
        page.line(f"Not run of these seeds: {', '.join(map(str, absent))}.")
    page.line("")
    page.table(["seconds", "of", "median", "worst"], _times(results))
    page.table(["fault", "times", "seeds"], _faults(results))
    page.table(
        ["seed", "commit", "photos", "faults", "ends", "stall", "settled", "took", "wrong"],
        [_row(result) for result in results],
    )
    for result in results:
        for wrong in result.complaints:
            page.line(f"- seed {result.seed}: {wrong}")


def _decode(line: bytes) -> Result:
    return msgspec.json.decode(line, type=Result)


def _times(results: Sequence[Result]) -> list[list[str]]:
    takeovers = [each for result in results for each in result.takeovers]
    kinds = {
        "longest stall, no batch told anything new": [r.longest_stall_s for r in results],
        "from the last fault's end until all was settled": [r.settled_s for r in results],
        "takeover after kill -9, no other fault near": [
            each.took_s for each in takeovers if each.kind == "kill" and each.alone
        ],
        "takeover after kill -9, among other faults": [
            each.took_s for each in takeovers if each.kind == "kill" and not each.alone
        ],
        "takeover after SIGTERM": [each.took_s for each in takeovers if each.kind == "term"],
    }
    return [
        [name, str(len(times)), f"{statistics.median(times):.1f}", f"{max(times):.1f}"]
        for name, times in kinds.items()
        if times
    ]


def _faults(results: Sequence[Result]) -> list[list[str]]:
    times = Counter(fault for result in results for fault in result.faults)
    seeds = Counter(fault for result in results for fault in set(result.faults))
    return [[fault, str(count), str(seeds[fault])] for fault, count in times.most_common()]


def _row(result: Result) -> list[str]:
    return [
        str(result.seed),
        result.commit[:9],
        f"{result.photos:,}",
        str(len(result.faults)),
        str(sum(result.exits.values())),
        f"{result.longest_stall_s:.1f}",
        f"{result.settled_s:.1f}",
        f"{result.took_s:.0f}",
        str(len(result.complaints)),
    ]


def main() -> int:
    """Write the page; 1 when a seed was not clean."""
    parser = argparse.ArgumentParser(prog="ops/chaos/page", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("results", nargs="+", type=Path, help="what ./ops/chaos/run --out wrote")
    parser.add_argument("--page", type=Path, help="save it here, too")
    options = parser.parse_args()
    results = read_results(options.results)
    seeds = f"{results[0].seed}-{results[-1].seed}"
    page = Page(
        "Chaos: faults under load, then all held against all", f"./ops/chaos/run --seeds {seeds}"
    )
    write_page(page, results)
    if options.page:
        page.save(options.page)
    return 1 if any(result.complaints for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
