"""Run the benchmarks: `python -m evaluations [NAME ...]`; without names, the quick ones."""

from __future__ import annotations

import argparse
from importlib import import_module

QUICK = ("main_job",)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(QUICK), help=f"benchmarks to run; default: {', '.join(QUICK)}")
    for name in parser.parse_args().names:
        import_module(f"evaluations.{name}").main()


if __name__ == "__main__":
    main()
