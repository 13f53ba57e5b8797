"""SDV's four synthesizers of single tables behind our schema, to compare on one's own table and to move over.

SDV (Business Source License 1.1, not open source) is an extra that is never needed. Nothing of it is copied here: these
classes hand it columns and ask it for rows. What it gets are our encoded columns, so that identifiers and free text
never reach it, rare categories are pooled and extremes held as for every other generator, and keys, surrogates,
constraints and conditions stay ours. What it makes of them is its own: its transformers, its missing cells at random.

Decisions
- No model file. SDV's is a pickle, which is a program, and it holds values of training rows.
- SDV takes no seed: it draws from global states, and samples from one fixed stream. The global states are seeded for
  the block and put back, and the stream is set by `_set_random_state`, the one call here that is not public.
- Missing cells come from a stream that only SDV's `reset_sampling` rewinds, so that drawn rows are put in an order of
  our own.
- SDV's copula is asked for single categories and values itself. All else is drawn again until it holds, a bounded
  number of times: SDV's own conditions are equalities, and its networks reject, too.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from tabsynth.encoding.given import EncodedGiven, GivenColumn
from tabsynth.encoding.table import Continuous, Domain, EncodedTable
from tabsynth.errors import ArtifactError, TabsynthError, UsageError
from tabsynth.generators.base import Fitted, Generator
from tabsynth.generators.independent import is_missing, require_possible
from tabsynth.generators.networks.device import choose_device, torch_session
from tabsynth.generators.redrawing import redraw
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import deterministic_threads, global_numpy
from tabsynth.schema.model import Schema
from tabsynth.schema.sdv import to_sdv

Array = np.ndarray[Any, Any]
Distribution = Literal["norm", "beta", "truncnorm", "uniform", "gamma", "gaussian_kde"]

CHUNK = 100_000
"""Rows that SDV is asked for at once, at most."""
MAX_TRIES = 5
"""Times that SDV may draw again for one condition before rows are proposed without it."""
UNSAVABLE = (
    "its models cannot be written to a file: SDV's are pickles, which are programs, and hold values of training rows. "
    "Keep rows instead ('tabsynth run', or fit and sample in Python), or fit ctgan, tvae or copula, whose models can"
)


@dataclass(frozen=True)
class FittedSDV(Fitted):
    """A fitted synthesizer of SDV, and what it is not asked for."""

    domains: Mapping[str, Domain]
    synthesizer: Any
    """None where no column varies."""
    names: Mapping[str, str]
    """What SDV calls each column that varies."""
    constants: Mapping[str, Array]
    """The one cell of each column that does not vary, shape (1,)."""
    missing: Mapping[str, float]
    conditions: bool
    """Whether SDV can draw inside a condition on a single category or value."""
    device: str

    def sample_encoded(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> dict[str, Array]:
        """Draw rows; all satisfy `given`. See `Fitted.sample_encoded`.

        Raises:
            UsageError: A condition has probability zero.
            ConstraintError: SDV draws too few rows that satisfy the conditions.
        """
        for name, asked in given.items():
            require_possible(name, asked, self.missing[name])
        single = {name: _single_cell(asked, self.domains[name]) for name, asked in given.items() if name in self.names}
        fixed = {self.names[name]: cell for name, cell in single.items() if cell is not None and self.conditions}

        def propose(ask: int) -> dict[str, Array]:
            return self._propose(ask, fixed, rng)

        return redraw(propose, n_rows, self.domains, given=given, chunk=CHUNK, rng=rng)

    def _propose(self, n_rows: int, fixed: dict[str, Any], rng: np.random.Generator) -> dict[str, Array]:
        rows = pd.DataFrame(index=range(n_rows))
        if self.synthesizer is not None:
            rows = _sample(self.synthesizer, n_rows, fixed, seed=int(rng.integers(2**32)), device=self.device)
            rows = rows.iloc[rng.permutation(len(rows))]
        arrays = {name: _from_cells(rows[theirs], self.domains[name]) for name, theirs in self.names.items()}
        return {
            name: arrays[name] if name in arrays else np.repeat(self.constants[name], len(rows))
            for name in self.domains
        }

    def state(self) -> dict[str, Any]:
        """Refused.

        Raises:
            UsageError: Always; it says why, and what to do instead.
        """
        raise UsageError(UNSAVABLE)

    @classmethod
    def from_state(cls, state: Mapping[str, Any], domains: Mapping[str, Any]) -> Self:
        """Refused: there is no such file.

        Raises:
            ArtifactError: Always.
        """
        raise ArtifactError(f"the file names a generator of SDV; {UNSAVABLE}")


class _SDV(Generator):
    """What the four have in common; parameters are SDV's own, by their names."""

    keeps_training_values: ClassVar[bool] = True
    guarantee: ClassVar[str] = "none: no mathematical privacy guarantee, and SDV keeps what it likes in memory"
    unsavable: ClassVar[str] = UNSAVABLE
    needs: ClassVar[tuple[str, str] | None] = ("sdv", "sdv")
    keeps_point_masses: ClassVar[bool] = False
    fitted_type: ClassVar[type[Fitted]] = FittedSDV
    synthesizer: ClassVar[str]
    """Class in `sdv.single_table`."""
    conditions: ClassVar[bool] = False

    enforce_min_max_values: bool = Field(default=True, description="Hold numbers to the ends of the training column.")
    enforce_rounding: bool = Field(default=True, description="Round numbers to the decimals of the training column.")

    def fit_encoded(self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT) -> FittedSDV:
        """Hand the columns that vary to SDV and let it fit.

        Raises:
            MissingExtraError: sdv is not installed.
            UsageError: SDV refuses the parameters or the columns.

        Privacy: The fitted synthesizer holds whatever SDV keeps, values of single rows among it; it stays in memory.
        """
        self.require_installed()
        varies = {name: not _is_constant(array) for name, array in data.columns.items()}
        names = {name: f"column_{number:04d}" for number, name in enumerate(data.columns) if varies[name]}
        device = choose_device("auto" if getattr(self, "enable_gpu", False) else "cpu")
        synthesizer = None
        if names:
            frame = pd.DataFrame({names[name]: _cells(data.columns[name], data.domains[name]) for name in names})
            metadata = _metadata({theirs: data.domains[name] for name, theirs in names.items()})
            settings = self._settings(names, data.domains)
            seed = int(rng.integers(2**32))
            synthesizer = _fit(self.name, self.synthesizer, metadata, settings, frame, seed=seed, device=device)
        return FittedSDV(
            domains=dict(data.domains),
            synthesizer=synthesizer,
            names=names,
            constants={name: array[:1] for name, array in data.columns.items() if not varies[name]},
            missing={name: float(is_missing(array).mean()) for name, array in data.columns.items()},
            conditions=self.conditions,
            device=device,
        )

    def _settings(self, names: Mapping[str, str], domains: Mapping[str, Domain]) -> dict[str, Any]:
        """Arguments of SDV's class, with its names of the columns."""
        settings = self.model_dump(exclude={"min_people"})
        if (chosen := settings.get("numerical_distributions")) is not None:
            numeric = [name for name in names if isinstance(domains[name], Continuous)]
            if unknown := sorted(set(chosen) - set(numeric)):
                raise UsageError(
                    f"numerical_distributions: {', '.join(unknown)}: not a numeric column that varies; "
                    f"those are {', '.join(numeric) or 'none'}"
                )
            settings["numerical_distributions"] = {names[name]: shape for name, shape in chosen.items()}
        return settings


class _Copula(_SDV):
    """Shapes of marginals."""

    numerical_distributions: dict[str, Distribution] | None = Field(
        default=None, description="Shape of single numeric columns, by name: norm, beta, gamma, gaussian_kde..."
    )
    default_distribution: Distribution | None = Field(
        default=None, description="Shape of all other numeric columns; SDV's default is beta."
    )


class _Network(_SDV):
    """Training."""

    epochs: int = Field(default=300, ge=1, description="Passes over the training rows.")
    batch_size: int = Field(default=500, ge=2, description="Rows per step.")
    embedding_dim: int = Field(default=128, ge=1, description="Random numbers that a row is made from.")
    enable_gpu: bool = Field(default=True, description="Train on a GPU where there is one.")


class _Adversarial(_Network):
    """Generator and critic."""

    generator_dim: tuple[int, ...] = Field(default=(256, 256), description="Widths of the generator's layers.")
    discriminator_dim: tuple[int, ...] = Field(default=(256, 256), description="Widths of the critic's layers.")
    generator_lr: float = Field(default=2e-4, gt=0, description="Step size of the generator.")
    generator_decay: float = Field(default=1e-6, ge=0, description="Weight decay of the generator.")
    discriminator_lr: float = Field(default=2e-4, gt=0, description="Step size of the critic.")
    discriminator_decay: float = Field(default=1e-6, ge=0, description="Weight decay of the critic.")
    discriminator_steps: int = Field(default=1, ge=1, description="Steps of the critic for one of the generator.")
    log_frequency: bool = Field(default=True, description="Draw conditions by the logarithm of the counts.")
    pac: int = Field(default=10, ge=1, description="Rows that the critic judges together.")

    @model_validator(mode="after")
    def _packs_fill_the_batch(self) -> Self:
        if self.batch_size % self.pac or self.batch_size % 2:
            raise ValueError("batch_size must be even and a multiple of pac")
        return self


class SDVGaussianCopula(_Copula):
    """SDV's GaussianCopulaSynthesizer: a Gaussian copula over fitted families of marginals."""

    name: ClassVar[str] = "sdv-gaussian-copula"
    synthesizer: ClassVar[str] = "GaussianCopulaSynthesizer"
    conditions: ClassVar[bool] = True


class SDVCTGAN(_Adversarial):
    """SDV's CTGANSynthesizer: its conditional GAN."""

    name: ClassVar[str] = "sdv-ctgan"
    synthesizer: ClassVar[str] = "CTGANSynthesizer"


class SDVTVAE(_Network):
    """SDV's TVAESynthesizer: its variational autoencoder."""

    name: ClassVar[str] = "sdv-tvae"
    synthesizer: ClassVar[str] = "TVAESynthesizer"

    compress_dims: tuple[int, ...] = Field(default=(128, 128), description="Widths of the encoder's layers.")
    decompress_dims: tuple[int, ...] = Field(default=(128, 128), description="Widths of the decoder's layers.")
    l2scale: float = Field(default=1e-5, ge=0, description="Weight decay.")
    loss_factor: float = Field(default=2.0, gt=0, description="Weight of the reconstruction in the loss.")


class SDVCopulaGAN(_Adversarial, _Copula):
    """SDV's CopulaGANSynthesizer: its conditional GAN on columns that a copula's marginals have made normal."""

    name: ClassVar[str] = "sdv-copulagan"
    synthesizer: ClassVar[str] = "CopulaGANSynthesizer"


# --- SDV's side ------------------------------------------------------------------------------------------------------


@contextmanager
def _session(seed: int, device: str) -> Iterator[None]:
    """SDV with seeded global states, on one thread, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sdv.single_table  # noqa: F401  (before the threads are held: it brings libraries with pools of their own)

        with deterministic_threads(), torch_session(seed, device), global_numpy(seed):
            yield


def _fit(
    name: str,
    synthesizer: str,
    metadata: dict[str, Any],
    settings: dict[str, Any],
    frame: pd.DataFrame,
    *,
    seed: int,
    device: str,
) -> Any:
    with _session(seed, device):
        from sdv import single_table
        from sdv.metadata import Metadata

        try:
            made = getattr(single_table, synthesizer)(Metadata.load_from_dict(metadata), **settings)
            made.fit({"table": frame})
        except TabsynthError:
            raise
        except Exception as error:  # code of others; what it says may hold values of the table
            raise UsageError(
                f"{name}: SDV could not fit the table ({type(error).__name__}); other parameters may help, and "
                "--debug shows what SDV says"
            ) from error
    return made


def _sample(synthesizer: Any, n_rows: int, fixed: dict[str, Any], *, seed: int, device: str) -> pd.DataFrame:
    """Rows as SDV draws them, with some cells fixed; fewer than `n_rows` where it finds no more that have them."""
    with _session(seed, device):
        from sdv.sampling import Condition

        synthesizer.reset_sampling()
        synthesizer._set_random_state(seed)
        rows: pd.DataFrame | None = None
        if fixed:
            asked = Condition(num_rows=n_rows, column_values=fixed)
            # It says that it found no row by a ValueError, and draws a progress bar.
            with suppress(ValueError), redirect_stderr(io.StringIO()):
                rows = synthesizer.sample_from_conditions([asked], max_tries_per_batch=MAX_TRIES)["table"]
        return synthesizer.sample(num_rows=n_rows)["table"] if rows is None else rows


# --- our columns as SDV's, and back ----------------------------------------------------------------------------------


def _metadata(domains: Mapping[str, Domain]) -> dict[str, Any]:
    """SDV's metadata of encoded columns: codes are categories or ordinals, numbers are numbers."""
    columns: dict[str, Any] = {}
    for name, domain in domains.items():
        if isinstance(domain, Continuous):
            columns[name] = {"type": "number"}
        elif domain.ordered:
            columns[name] = {"type": "ordinal", "categories": [str(code) for code in range(domain.n_codes)]}
        else:
            columns[name] = {"type": "categorical"}
    return to_sdv(Schema.model_validate({"tables": {"table": {"columns": columns}}}), version="V2")


def _cells(array: Array, domain: Domain) -> Array:
    """An encoded column as SDV takes it: codes as text, numbers held to the ends of the marginal; NaN where missing."""
    if isinstance(domain, Continuous):
        return np.clip(array, domain.marginal.lowers[0], domain.marginal.uppers[-1])
    texts = np.array([*(str(code) for code in range(domain.n_codes)), np.nan], dtype=object)
    return texts[array]  # -1 is the last


def _from_cells(cells: pd.Series, domain: Domain) -> Array:
    """A column of SDV's as codes or numbers."""
    if isinstance(domain, Continuous):
        numbers = cells.to_numpy(np.float64, na_value=np.nan)
        return np.clip(numbers, domain.marginal.lowers[0], domain.marginal.uppers[-1])
    found, texts = pd.factorize(cells)
    return np.array([*(int(text) for text in texts), -1], np.int32)[found]


def _is_constant(array: Array) -> bool:
    return bool((array == array[0]).all() or is_missing(array).all())


def _single_cell(asked: GivenColumn, domain: Domain) -> Any:
    """The one cell that a condition allows, as SDV takes it; None where it allows several or a missing one."""
    if asked.codes is not None:
        return str(int(np.argmax(asked.codes))) if asked.codes.sum() == 1 else None
    if asked.stretches is None or len(asked.stretches) > 1:
        return None
    assert isinstance(domain, Continuous)
    start, end = asked.stretches[0]
    low, high = domain.marginal.quantile(np.array([start, start + (end - start) * (1 - 1e-12)]))
    if domain.step is None:
        return float(low) if low == high else None
    return float(np.rint((low + high) / 2 / domain.step) * domain.step) if high - low <= domain.step else None
