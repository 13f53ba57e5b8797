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
        "sdv-gaussian-copula": "tabsynth.generators.sdv:SDVGaussianCopula",
        "sdv-ctgan": "tabsynth.generators.sdv:SDVCTGAN",
        "sdv-tvae": "tabsynth.generators.sdv:SDVTVAE",
        "sdv-copulagan": "tabsynth.generators.sdv:SDVCopulaGAN",
        "dp-auto": "tabsynth.dp.generator:DPAuto",
        "dp-independent": "tabsynth.dp.generator:DPIndependent",
        "dp-mst": "tabsynth.dp.generator:DPMst",
        "dp-cliquetree": "tabsynth.dp.generator:DPCliqueTree",
        "dp-copula": "tabsynth.dp.generator:DPCopula",
        "dp-aim": "tabsynth.dp.generator:DPAim",
        "dp-autoregressive": "tabsynth.dp.trained:DPAutoregressive",
        "dp-ctgan": "tabsynth.dp.trained:DPCTGAN",
    },
    group="tabsynth.generators",
)
"""Generators by name; a plug-in adds one through the entry-point group `tabsynth.generators`."""
