"""Columns of SDV metadata: an `sdtype` and its keys, to a column of the schema and back."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any

from tabsynth.errors import SchemaError
from tabsynth.schema.columns import (
    Boolean,
    Categorical,
    Column,
    DateTime,
    Identifier,
    Integer,
    Number,
    Ordinal,
    Provenance,
    Role,
    reads_back,
)

ONLY_OLD = frozenset({"computer_representation", "order", "order_by"})
ONLY_NEW = frozenset(
    {"range_min", "range_max", "range_values", "range_is_nullable", "decimal_places", "high_cardinality"}
)
_PLAIN_TYPES: dict[str, tuple[str, ...]] = {
    "numerical": ("number", "integer"),
    "datetime": ("datetime",),
    "categorical": ("categorical", "ordinal"),
    "ordinal": ("ordinal", "categorical"),
    "boolean": ("boolean",),
}
_TEXTS = frozenset({"text", "texts", "paragraph", "paragraphs", "sentence", "sentences"})
_PLACES = frozenset({"latitude", "longitude"})
_SURROGATES: dict[str, tuple[str, ...]] = {
    # The first name is the one written.
    "key": ("id",),
    "uuid": ("uuid4",),
    "name": ("name", "name_female", "name_male"),
    "first_name": ("first_name", "first_name_female", "first_name_male"),
    "last_name": ("last_name", "last_name_female", "last_name_male"),
    "email": ("email", "ascii_email", "company_email", "free_email", "safe_email", "ascii_company_email"),
    "phone": ("phone_number", "msisdn", "basic_phone_number"),
    "ssn": ("ssn",),
    "address": ("address", "street_address"),
    "postcode": ("postcode", "zipcode", "postalcode", "zipcode_plus4", "postalcode_plus4"),
    "user_name": ("user_name",),
    "company": ("company",),
    "url": ("url", "uri"),
    "ip_address": ("ipv4_public", "ipv4", "ipv4_private", "ipv4_address", "ipv6", "ipv6_address"),
    "mac_address": ("mac_address",),
    "iban": ("iban",),
    "card_number": ("credit_card_number",),
}
_SURROGATE_OF = {sdtype: surrogate for surrogate, sdtypes in _SURROGATES.items() for sdtype in sdtypes}
_RESOLUTIONS = (("f", "microsecond"), ("STXcsrp", "second"), ("M", "minute"), ("HI", "hour"), ("djxDaAuw", "day"))


def read_column(fields: Any, where: str, ranges: Provenance) -> dict[str, Any]:
    """The fields of a column, from the keys that SDV writes; a key that fits no field is left aside.

    Raises:
        SchemaError: The column has no `sdtype`.
    """
    if not isinstance(fields, dict):
        raise SchemaError(f"SDV metadata: {where}: must be a mapping of keys to values")
    sdtype = fields.get("sdtype")
    if not isinstance(sdtype, str):
        raise SchemaError(f"SDV metadata: {where}: has no sdtype; add one such as numerical or categorical")
    column = _by_sdtype(sdtype, fields)
    if column["type"] != "identifier" and isinstance(fields.get("range_is_nullable"), bool):
        column["nullable"] = fields["range_is_nullable"]
    read = [key for key in ("lower", "upper", "categories") if key in column and "order" not in fields]
    if read and ranges is not Provenance.DECLARED:
        column["provenance"] = dict.fromkeys(read, str(ranges))
    return column


def _by_sdtype(sdtype: str, fields: dict[str, Any]) -> dict[str, Any]:
    if sdtype == "numerical":
        return _numerical(fields)
    if sdtype == "datetime":
        return _datetime(fields)
    if sdtype in ("categorical", "ordinal"):
        return _listed(sdtype, fields)
    if sdtype == "boolean":
        return {"type": "boolean"}
    if sdtype in _TEXTS:
        return {"type": "text"}
    if sdtype == "id":
        pattern = fields.get("regex_format")
        return {"type": "identifier", **({"pattern": pattern} if isinstance(pattern, str) else {})}
    if fields.get("pii") is False:
        return {"type": "number" if sdtype in _PLACES else "categorical", "role": str(Role.QUASI_IDENTIFIER)}
    if sdtype in _SURROGATE_OF:
        return {"type": "identifier", "surrogate": _SURROGATE_OF[sdtype]}
    if sdtype == "unknown":
        question = "SDV did not know what this column is; every value is replaced by a key. Is it an identifier?"
    else:
        question = (
            f"There are no invented values of SDV's type {sdtype}; every value is replaced by a key. Is this right?"
        )
    return {"type": "identifier", "question": question}


def _numerical(fields: dict[str, Any]) -> dict[str, Any]:
    decimals, stored = fields.get("decimal_places"), fields.get("computer_representation")
    is_count = type(decimals) is int and 0 <= decimals <= 15
    whole = (is_count and decimals == 0) or (isinstance(stored, str) and re.fullmatch("U?Int[0-9]*", stored))
    column: dict[str, Any] = {"type": "integer" if whole else "number"}
    if is_count and not whole:
        column["decimals"] = decimals
    for key, name in (("range_min", "lower"), ("range_max", "upper")):
        bound = fields.get(key)
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
            continue
        if not whole or float(bound).is_integer():
            column[name] = int(bound) if whole else bound
    return column


def _listed(sdtype: str, fields: dict[str, Any]) -> dict[str, Any]:
    for key, kind in (("order", "ordinal"), ("range_values", sdtype)):
        if _is_category_list(fields.get(key)):
            return {"type": kind, "categories": fields[key]}
    return {"type": "categorical"}


def _is_category_list(values: Any) -> bool:
    if not isinstance(values, list) or not values:
        return False
    kinds = {type(value) for value in values}
    distinct = len({str(value) for value in values}) == len(values)
    finite = all(not isinstance(value, float) or math.isfinite(value) for value in values)
    return distinct and finite and (kinds == {str} or kinds <= {int, float})


def _datetime(fields: dict[str, Any]) -> dict[str, Any]:
    column: dict[str, Any] = {"type": "datetime"}
    spelling = fields.get("datetime_format")
    if isinstance(spelling, str) and reads_back(spelling):
        column["format"] = spelling
        directives = set(re.findall("%[-#]?(.)", spelling))
        column["resolution"] = next(
            (name for letters, name in _RESOLUTIONS if directives & set(letters)),
            "month" if directives & set("mbB") else "year",
        )
        if "z" in directives:
            column["time_zone"] = "UTC"
    for key, name in (("range_min", "lower"), ("range_max", "upper")):
        moment = _iso(fields.get(key), column.get("format"))
        if moment is not None:
            column[name] = moment
    return column


def _iso(text: Any, spelling: str | None) -> str | None:
    """A bound as ISO 8601, where it can be written back as it was."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text) if spelling is None else datetime.strptime(text, spelling)
        if spelling is None:
            return text
        return moment.isoformat() if moment.strftime(spelling) == text else None
    except ValueError:
        return None


def write_column(column: Column, version: str) -> dict[str, Any]:
    """The keys that SDV's `version` has for a column."""
    new = version == "V2"
    match column:
        case Identifier(surrogate="key"):
            fields: dict[str, Any] = {"sdtype": "id", "regex_format": column.pattern}
        case Identifier():
            fields = {"sdtype": _SURROGATES[column.surrogate][0], "pii": True}
        case Ordinal():
            values = list(column.categories)
            fields = (
                {"sdtype": "ordinal", "range_values": values} if new else {"sdtype": "categorical", "order": values}
            )
        case Categorical():
            seen = None if column.categories is None else list(column.categories)
            fields = {"sdtype": "categorical", "range_values": seen}
        case Integer() | Number():
            fields = {"sdtype": "numerical", "range_min": column.lower, "range_max": column.upper}
            if isinstance(column, Number):
                fields["decimal_places"] = column.decimals
            else:
                fields |= {"decimal_places": 0} if new else {"computer_representation": "Int64"}
        case DateTime():
            spelling = column.format if isinstance(column.format, str | None) else column.format[0]
            bounds = (_spelled(column.lower, spelling), _spelled(column.upper, spelling))
            fields = {"sdtype": "datetime", "datetime_format": spelling}
            fields |= {"range_min": bounds[0], "range_max": bounds[1]}
        case Boolean():
            fields = {"sdtype": "boolean"}
        case _:
            fields = {"sdtype": "text", "pii": True}
    if not column.nullable and fields["sdtype"] in _PLAIN_TYPES and not isinstance(column, Boolean):
        fields["range_is_nullable"] = False
    known = {key: value for key, value in fields.items() if value is not None}
    return known if new else {key: value for key, value in known.items() if key not in ONLY_NEW}


def _spelled(moment: str | None, spelling: str | None) -> str | None:
    return moment if moment is None or spelling is None else datetime.fromisoformat(moment).strftime(spelling)


def could_be(sdtype: Any, column: Column) -> bool:
    """Whether a column may have been read from this `sdtype`, so that it is still the right word for it."""
    if isinstance(column, Identifier):
        return sdtype not in _PLAIN_TYPES and _SURROGATE_OF.get(sdtype, "key") == column.surrogate
    if sdtype in _PLAIN_TYPES:
        return column.type in _PLAIN_TYPES[sdtype]
    if sdtype in _TEXTS:
        return column.type == "text"
    return column.type == ("number" if sdtype in _PLACES else "categorical") and sdtype != "id"
