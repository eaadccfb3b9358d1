"""A whole installation under load and faults, then everything held against everything.

    ./ops/chaos/run [--seed 1 | --seeds 1-50] [--out RESULTS.jsonl]

A seed chooses load, faults and times. What it found is a line of the results' file; the folder of a
seed that found something wrong stays, with all logs and the journal. The exit code is 1 then.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ops.chaos.seed import Result, Size, run_seed


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="ops/chaos/run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seed", type=_seeds, dest="seeds", help="this one [1]")
    which.add_argument("--seeds", type=_seeds, metavar="A-B", help="one after another")
    parser.add_argument("--faults", type=int, default=Size().faults, help="of a seed [%(default)s]")
    parser.add_argument(
        "--window", type=float, default=Size().window_s, help="seconds of faults [%(default)g]"
    )
    parser.add_argument("--out", type=Path, help="append the results here, a line a seed")
    parser.add_argument("--keep", type=Path, help="where seeds have their folders")
    parser.set_defaults(seeds=range(1, 2))
    return parser.parse_args(arguments)


def main() -> int:
    """Run the seeds; 1 when any found something wrong."""
    options = parse(sys.argv[1:])
    logging.disable()  # what the clients think of faults; the members have logs of their own
    size = Size(faults=options.faults, window_s=options.window)
    below = options.keep or Path(tempfile.mkdtemp(prefix="chaos-"))
    bad = 0
    for seed in options.seeds:
        print(f"seed {seed}", flush=True)
        folder = below / f"seed-{seed}"
        result = run_seed(seed, size, folder)
        _tell(result, options.out)
        bad += bool(result.complaints)
        if not result.complaints:
            shutil.rmtree(folder)
    return 1 if bad else 0


def _tell(result: Result, out: Path | None) -> None:
    for wrong in result.complaints:
        print(f"WRONG  {wrong}")
    end = f"{len(result.complaints)} wrong" if result.complaints else "clean"
    print(f"seed {result.seed}: {end}, {result.photos} photos, {result.took_s:g} s", flush=True)
    if out is not None:
        with out.open("ab") as file:
            file.write(msgspec.json.encode(result) + b"\n")


def _seeds(text: str) -> range:
    """``3`` or ``1-50``."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main())
