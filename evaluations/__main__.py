"""Run benchmarks: `python -m evaluations [NAME ...]`; without names, the quick ones.

What follows the names goes to them (`python -m evaluations levels --rows 20000`); `NAME --help` says what they take.
Each one also runs by itself, as `python -m evaluations.NAME`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from inspect import signature
from itertools import takewhile

QUICK = ("main_job",)


def main(arguments: Sequence[str]) -> None:
    """Run the named benchmarks, one after the other, with the options behind the names."""
    names = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    options = list(arguments[len(names) :])
    parser = argparse.ArgumentParser(prog="python -m evaluations", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(QUICK), help=f"benchmarks to run; default: {', '.join(QUICK)}")
    for name in parser.parse_args(names or options).names:
        module = import_module(f"evaluations.{name}")
        if signature(module.main).parameters:
            module.main(options)
        elif {"-h", "--help"} & set(options):
            print(module.__doc__)
        elif options:
            parser.error(f"{name} takes no options")
        else:
            module.main()


if __name__ == "__main__":
    main(sys.argv[1:])
