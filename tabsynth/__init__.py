"""Privacy-preserving synthetic tables you can sign for.

```python
import tabsynth as ts

schema = ts.infer(table)                                   # or ts.load_schema("schema.yaml")
model = ts.Copula().fit(table, schema, seed=0)
rows = model.sample(10_000, seed=1, given={"sex": "F"})
model.save("model.tabsynth")
report = ts.evaluate(train=train, holdout=holdout, synthetic=rows, schema=schema)
report.save("report.html")
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "Auto": "tabsynth.generators.auto",
    "Autoregressive": "tabsynth.generators.networks.autoregressive",
    "CTGAN": "tabsynth.generators.networks.ctgan",
    "Copula": "tabsynth.generators.copula",
    "GENERATORS": "tabsynth.generators",
    "Generator": "tabsynth.generators.base",
    "Independent": "tabsynth.generators.independent",
    "Model": "tabsynth.generators.model",
    "Schema": "tabsynth.schema.model",
    "TVAE": "tabsynth.generators.networks.tvae",
    "TabsynthError": "tabsynth.errors",
    "TabsynthWarning": "tabsynth.errors",
    "Trees": "tabsynth.generators.trees",
    "combine": "tabsynth.evaluation.combining",
    "evaluate": "tabsynth.judging",
    "infer": "tabsynth.checking",
    "load": "tabsynth.generators.storage",
    "load_schema": "tabsynth.schema.files",
    "make_generator": "tabsynth.pipeline",
    "mock": "tabsynth.declared.mock",
    "read_table": "tabsynth.tables.files",
    "run": "tabsynth.pipeline",
    "save_schema": "tabsynth.schema.files",
    "scan": "tabsynth.checking",
    "validate": "tabsynth.checking",
    "write_table": "tabsynth.tables.files",
}

__all__ = [
    "CTGAN",
    "GENERATORS",
    "TVAE",
    "Auto",
    "Autoregressive",
    "Copula",
    "Generator",
    "Independent",
    "Model",
    "Schema",
    "TabsynthError",
    "TabsynthWarning",
    "Trees",
    "__version__",
    "combine",
    "evaluate",
    "infer",
    "load",
    "load_schema",
    "make_generator",
    "mock",
    "read_table",
    "run",
    "save_schema",
    "scan",
    "validate",
    "write_table",
]

if TYPE_CHECKING:
    from tabsynth.checking import infer, scan, validate
    from tabsynth.declared.mock import mock
    from tabsynth.errors import TabsynthError, TabsynthWarning
    from tabsynth.evaluation.combining import combine
    from tabsynth.generators import GENERATORS
    from tabsynth.generators.auto import Auto
    from tabsynth.generators.base import Generator
    from tabsynth.generators.copula import Copula
    from tabsynth.generators.independent import Independent
    from tabsynth.generators.model import Model
    from tabsynth.generators.networks.autoregressive import Autoregressive
    from tabsynth.generators.networks.ctgan import CTGAN
    from tabsynth.generators.networks.tvae import TVAE
    from tabsynth.generators.storage import load
    from tabsynth.generators.trees import Trees
    from tabsynth.judging import evaluate
    from tabsynth.pipeline import make_generator, run
    from tabsynth.schema.files import load_schema, save_schema
    from tabsynth.schema.model import Schema
    from tabsynth.tables.files import read_table, write_table


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import tabsynth` stays light."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'tabsynth' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
