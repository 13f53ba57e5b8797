"""Schema files: YAML or JSON in, a checked `Schema` out, and back.

Decisions
- Every error of a file is told at once, with its line and the dotted place in the schema, and without the values in it.
- SDV metadata is recognised by its shape and converted, so that such a file works wherever a schema file does.
- The JSON Schema of the format is generated from the model and kept in `schemas/`, for editors that complete and check.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import itertools
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tabsynth.errors import SchemaError, UsageError
from tabsynth.outputs import atomic_file
from tabsynth.schema import columns, conditions, constraints, distributions, model, scenarios, templates
from tabsynth.schema.documents import read_json, read_yaml
from tabsynth.schema.layout import format_schema as format_schema
from tabsynth.schema.layout import plain_schema
from tabsynth.schema.model import FORMAT_VERSION, Schema
from tabsynth.schema.sdv import from_sdv, is_sdv
from tabsynth.schema.wording import listing, validate

MAX_BYTES = 64 * 1024 * 1024


def load_schema(path: str | Path) -> Schema:
    """Read a schema file: YAML, or JSON where the name ends in `.json`; SDV metadata is converted.

    Raises:
        SchemaError: The file cannot be read, or is no valid schema; all problems are listed, each with its line.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SchemaError(f"{path}: is larger than {MAX_BYTES // 2**20} MiB; a schema is text of a few pages")
        content = path.read_bytes()
    except OSError as error:
        raise SchemaError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SchemaError(f"{path}:{line}: is no UTF-8 text; save it with the encoding UTF-8") from None
    return parse_schema(text, source=str(path))


def as_schema(schema: Schema | str | Path) -> Schema:
    """A schema, or the one in a file.

    Raises:
        UsageError: It is neither a schema nor a path.
        SchemaError: As `load_schema`.
    """
    if isinstance(schema, Schema):
        return schema
    if not isinstance(schema, str | Path):
        raise UsageError(
            f"schema: a {type(schema).__name__} is no schema; give a Schema, such as that of `infer`, or a file's path"
        )
    return load_schema(schema)


def parse_schema(text: str, *, source: str = "schema") -> Schema:
    """Read a schema from text.

    Args:
        text: YAML or JSON.
        source: Name for messages; text is JSON where it ends in `.json`, and else where it reads as a JSON object.

    Raises:
        SchemaError: The text is no valid schema; all problems are listed, each with its line.
    """
    is_json = source.lower().endswith(".json") or (text.lstrip().startswith("{") and _is_json(text))
    root, problems = (read_json if is_json else read_yaml)(text, source=source)
    plain = root.plain()
    if is_sdv(plain):
        if problems:
            raise SchemaError(listing(problems, source=source))
        try:
            return from_sdv(plain)
        except SchemaError as error:
            raise SchemaError(f"{source}: {error}") from None
    return validate(root, source=source, problems=problems)


def save_schema(schema: Schema, path: str | Path, *, notes: Mapping[tuple[str, str], str] | None = None) -> None:
    """Write a schema file: `.yaml`, `.yml` or `.json`; `notes` as in `format_schema`.

    Raises:
        UsageError: The name has another ending.
        OutputError: The file cannot be written; what was there is unchanged.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".yaml", ".yml", ".json"):
        raise UsageError(f"{path}: a schema file ends in .yaml, .yml or .json")
    text = format_schema(schema, style="json" if suffix == ".json" else "yaml", notes=notes)
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def digest(schema: Schema) -> str:
    """SHA-256 of a schema, whatever its file looks like: of its content as JSON with sorted keys.

    Without defaults, so that keys which later versions add do not change it.
    """
    text = json.dumps(plain_schema(schema), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the file format, with the descriptions that the model carries."""
    described = Schema.model_json_schema(by_alias=True)
    parts = {
        name: part
        for module in (model, columns, constraints, conditions, distributions, scenarios, templates)
        for name, part in vars(module).items()
        if inspect.isclass(part) and issubclass(part, BaseModel)
    }
    for name, definition in [("Schema", described), *described["$defs"].items()]:
        if name in parts:
            for field, text in _field_docstrings(parts[name]).items():
                key = parts[name].model_fields[field].alias or field
                definition["properties"][key].setdefault("description", text)
    about = "One or more tables, how they hang together, and what protects the people in them."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:tabsynth:schema:{FORMAT_VERSION}",
        **described,
        "title": "tabsynth schema",
        "description": about,
    }


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _field_docstrings(part: type[BaseModel]) -> dict[str, str]:
    """The text below each field in the source of a model and of the models it extends, nearest first."""
    found: dict[str, str] = {}
    for owner in part.__mro__:
        if not (issubclass(owner, BaseModel) and owner.__module__.startswith("tabsynth.")):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        statements = body.body if isinstance(body, ast.ClassDef) else []
        for statement, below in itertools.pairwise(statements):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                value = below.value if isinstance(below, ast.Expr) else None
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found.setdefault(statement.target.id, " ".join(value.value.split()))
    return found
