"""Generators: parameters that fit a table, and models that sample rows."""

from tabsynth.registry import Registry

GENERATORS = Registry(
    "generator",
    {
        "auto": "tabsynth.generators.auto:Auto",
        "independent": "tabsynth.generators.independent:Independent",
        "copula": "tabsynth.generators.copula:Copula",
        "trees": "tabsynth.generators.trees:Trees",
        "autoregressive": "tabsynth.generators.networks.autoregressive:Autoregressive",
        "ctgan": "tabsynth.generators.networks.ctgan:CTGAN",
        "tvae": "tabsynth.generators.networks.tvae:TVAE",
    },
    group="tabsynth.generators",
)
"""Generators by name; a plug-in adds one through the entry-point group `tabsynth.generators`."""
