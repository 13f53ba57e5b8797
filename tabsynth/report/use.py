"""What a release is for and who gets it: facts that only people know, read from a small YAML file.

    purpose: Teaching of the summer course
    recipients: Forty students, by name
    environment: A shared computer of the school, no copies
    controls: [Terms of use signed, Access ends in September]
    harms: Recognition of a patient by somebody who knows the ward
    responsible: Data Office of Ward Seven
    not_for: [Clinical decisions, Rare diseases]
    review_by: 2027-01-31

Decisions
- Every key may be left out and is then printed as "not stated". An empty line in a dossier is an answer, too, and a
  default would be an invention.

Source: ISO/IEC 27559:2022, clause 6 (context assessment), for what is asked.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from tabsynth.errors import UsageError
from tabsynth.evaluation.part import Part

Line = Field(default=None, min_length=1, max_length=2_000)


class Use(Part):
    """Context of use; None and empty mean "not stated"."""

    purpose: str | None = Line
    recipients: str | None = Line
    environment: str | None = Line
    """Where the rows will lie, and who can reach them."""
    controls: tuple[str, ...] = ()
    """Contracts and measures that hold there."""
    harms: str | None = Line
    """What could happen to people, were they recognised."""
    responsible: str | None = Line
    not_for: tuple[str, ...] = ()
    """Uses that are excluded."""
    review_by: date | None = None
    """When this evaluation must be repeated at the latest."""


def load_use(path: str | Path) -> Use:
    """Read a context of use.

    Raises:
        UsageError: The file cannot be read, or has an unknown key or a value of the wrong kind; the message names it.
    """
    known = ", ".join(Use.model_fields)
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({type(error).__name__}); give a YAML file with {known}") from error
    except yaml.YAMLError:
        raise UsageError(f"{path}: is no YAML; write lines such as 'purpose: Teaching'") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path}: holds no keys; write some of: {known}")
    try:
        return Use.model_validate_json(json.dumps(found, default=str))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']} (keys: {known})") from error
