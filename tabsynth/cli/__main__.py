"""`python -m tabsynth.cli`."""

from __future__ import annotations

from tabsynth.cli import main

if __name__ == "__main__":
    main()
