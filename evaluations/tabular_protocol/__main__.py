"""Run the protocol: see `evaluations.tabular_protocol.run`."""

import sys

from evaluations.tabular_protocol.run import main

main(sys.argv[1:])
