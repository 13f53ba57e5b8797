"""dp-independent: the noisy counts of every single column, and nothing of how columns hang together.

What dp-auto falls back to where noise would swamp every dependence, and what every other mechanism has to beat.

Source: McKenna, Miklau and Sheldon (2021) and Tao et al. (2021) use it as their baseline.
"""

from __future__ import annotations

from tabsynth.dp.graphical.arrays import Array
from tabsynth.dp.graphical.junction import junction_tree
from tabsynth.dp.graphical.model import GraphicalModel
from tabsynth.dp.mechanism import MeasurableTable, Record, TableModel
from tabsynth.dp.pooling import averaged, pools_of, single_parts


def measure(table: MeasurableTable, *, rho: float, again: bool = False) -> None:
    """Measure every column on its own; `again` where that was done before, and both looks are averaged.

    Privacy: Gaussian noise on the counts of each column; `rho` in all.
    """
    columns = [(name,) for name in table.sizes]
    purpose = "a second look at each column" if again else "counts of each column"
    table.marginals(columns, rho_each=single_parts(rho, table.sizes), purpose=purpose)


def model(transcript: Record) -> TableModel:
    """Columns drawn independently from their noisy counts; columns measured twice are averaged."""
    pools = pools_of(averaged(transcript.measurements))
    tree = junction_tree(transcript.sizes, [])
    total = next(iter(pools.values())).total
    tables: list[Array] = [pools[name].counts / pools[name].counts.sum() * total for (name,) in tree.cliques]
    return GraphicalModel(dict(transcript.sizes), tree, tuple(tables), total)
