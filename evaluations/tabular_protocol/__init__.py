"""The tabular protocol of published generators, on five tables, with the references that its scores need.

pip install -e . -r evaluations/tabular_protocol/requirements.txt
python -m evaluations.tabular_protocol --tables adult,default --fits 1 --generators trees,copula,independent
"""

from evaluations.tabular_protocol.run import main

__all__ = ["main"]
