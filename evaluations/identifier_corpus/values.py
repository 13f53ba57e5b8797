"""Cells of the corpus: identifiers with right check digits, and what only looks like them. All invented.

Every maker takes a random generator and a number of cells, and returns that many texts.
"""

from __future__ import annotations

import base64
import string
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from faker import Faker

Rng = np.random.Generator
Maker = Callable[[Rng, int], list[str]]

LETTERS = string.ascii_uppercase
MBI_LETTERS = "ACDEFGHJKMNPQRTUVWXY"
VIN_SIGNS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_VIN_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9], strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def shaped(*shapes: str) -> Maker:
    """Texts of a shape: 9 a digit, 1 a digit from 1 on, A a capital, H a hexadecimal digit."""

    def make(rng: Rng, n: int) -> list[str]:
        signs = {
            "9": string.digits,
            "1": "123456789",
            "A": LETTERS,
            "H": "0123456789abcdef",
        }
        texts = []
        for _ in range(n):
            shape = shapes[rng.integers(len(shapes))]
            texts.append("".join(signs[c][rng.integers(len(signs[c]))] if c in signs else c for c in shape))
        return texts

    return make


def one_of(*options: str) -> Maker:
    """Texts drawn from a short list."""
    return lambda rng, n: [options[i] for i in rng.integers(len(options), size=n)]


def numbered(template: str, lower: int, upper: int) -> Maker:
    """Numbers between two bounds in a template such as `MRN-{:06d}`."""
    return lambda rng, n: [template.format(int(x)) for x in rng.integers(lower, upper, size=n)]


def decimals(lower: float, upper: float, digits: int) -> Maker:
    """Real numbers."""
    return lambda rng, n: [f"{x:.{digits}f}" for x in rng.uniform(lower, upper, size=n)]


def counting(template: str, start: int = 1) -> Maker:
    """Running numbers in a template."""
    return lambda rng, n: [template.format(start + i) for i in rng.permutation(n)]


def mapped(maker: Maker, change: Callable[[str], str]) -> Maker:
    """The texts of another maker, changed one by one."""
    return lambda rng, n: [change(text) for text in maker(rng, n)]


@cache
def _faker(locale: str) -> Faker:
    return Faker(locale)


def faked(method: str, locale: str = "en_US", **arguments: Any) -> Maker:
    """Texts of a Faker provider."""

    def make(rng: Rng, n: int) -> list[str]:
        fake = _faker(locale)
        fake.seed_instance(int(rng.integers(2**31)))
        return [str(getattr(fake, method)(**arguments)).replace("\n", ", ") for _ in range(n)]

    return make


def luhn_digit(digits: str) -> str:
    """The Luhn check digit of some digits."""
    total = sum(sum(divmod(2 * int(d), 10)) if i % 2 == 0 else int(d) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def with_luhn(prefixes: Sequence[str], length: int, *, right: bool = True, hidden: str = "") -> Maker:
    """Numbers with a right or wrong Luhn digit; `hidden` stands before them in the sum only."""

    def make(rng: Rng, n: int) -> list[str]:
        texts = []
        for _ in range(n):
            prefix = prefixes[rng.integers(len(prefixes))]
            body = prefix + "".join(map(str, rng.integers(0, 10, size=length - 1 - len(prefix))))
            check = int(luhn_digit(hidden + body))
            texts.append(body + str(check if right else (check + rng.integers(1, 10)) % 10))
        return texts

    return make


npi = with_luhn(("1", "2"), 10, hidden="80840")
imei = with_luhn(("35", "86", "01"), 15)
card = with_luhn(("4", "51", "55", "2221"), 16)
amex = with_luhn(("34", "37"), 15)


def dea(rng: Rng, n: int) -> list[str]:
    """Registration numbers of prescribers."""
    texts = []
    for _ in range(n):
        d = rng.integers(0, 10, size=6)
        check = (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10
        texts.append("ABFGM"[rng.integers(5)] + LETTERS[rng.integers(26)] + "".join(map(str, d)) + str(check))
    return texts


def mbi(rng: Rng, n: int) -> list[str]:
    """Medicare beneficiary identifiers without dashes."""

    def sign(kind: str) -> str:
        options = {"C": "123456789", "A": MBI_LETTERS, "N": string.digits, "E": MBI_LETTERS + string.digits}[kind]
        return options[rng.integers(len(options))]

    return ["".join(map(sign, "CAENAENAANN")) for _ in range(n)]


def dashed_mbi(rng: Rng, n: int) -> list[str]:
    """The same with dashes."""
    return [f"{text[:4]}-{text[4:7]}-{text[7:]}" for text in mbi(rng, n)]


def vin(rng: Rng, n: int) -> list[str]:
    """Vehicle identification numbers."""
    texts = []
    for _ in range(n):
        signs = [VIN_SIGNS[i] for i in rng.integers(len(VIN_SIGNS), size=17)]
        values = [int(s) if s.isdigit() else _VIN_VALUES[s] for s in signs]
        rest = sum(v * w for v, w in zip(values, _VIN_WEIGHTS, strict=True)) % 11
        signs[8] = "X" if rest == 10 else str(rest)
        texts.append("".join(signs))
    return texts


def aba(rng: Rng, n: int) -> list[str]:
    """Routing numbers of US banks."""
    texts = []
    for _ in range(n):
        d = [int(c) for c in f"{rng.integers(1, 13):02d}{rng.integers(0, 1_000_000):06d}"]
        check = -(3 * (d[0] + d[3] + d[6]) + 7 * (d[1] + d[4] + d[7]) + d[2] + d[5]) % 10
        texts.append("".join(map(str, d)) + str(check))
    return texts


def udi(rng: Rng, n: int) -> list[str]:
    """Unique device identifiers in GS1 form."""
    texts = []
    for _ in range(n):
        d = rng.integers(0, 10, size=13)
        check = -(3 * d[0::2].sum() + d[1::2].sum()) % 10
        texts.append(f"(01){''.join(map(str, d))}{check}(17)27{rng.integers(1, 13):02d}15(21){rng.integers(10**6)}")
    return texts


def ssn(template: str = "{:03d}-{:02d}-{:04d}") -> Maker:
    """Social security numbers in areas that were issued."""
    return lambda rng, n: [
        template.format(int(a) + (a == 666), int(g), int(s))
        for a, g, s in zip(rng.integers(1, 773, n), rng.integers(1, 100, n), rng.integers(1, 10_000, n), strict=True)
    ]


def phone(template: str) -> Maker:
    """US telephone numbers with areas and exchanges that exist; {0}, {1}, {2} are their three parts."""
    areas = (212, 305, 312, 415, 503, 617, 702, 808, 919, 206)
    return lambda rng, n: [
        template.format(areas[rng.integers(10)], f"{rng.integers(220, 999):03d}", f"{rng.integers(10_000):04d}")
        for _ in range(n)
    ]


def moments(style: str, first: str = "1935-01-01", last: str = "2024-12-31") -> Maker:
    """Dates in a strftime style."""
    low, high = (np.datetime64(day, "s").astype(int) for day in (first, last))
    return lambda rng, n: [np.datetime64(int(x), "s").item().strftime(style) for x in rng.integers(low, high, size=n)]


def excel_serials(rng: Rng, n: int) -> list[str]:
    """Dates as Excel counts them."""
    return [str(x) for x in rng.integers(25_000, 46_000, size=n)]


def unix_times(rng: Rng, n: int) -> list[str]:
    """Dates as seconds since 1970."""
    return [str(x) for x in rng.integers(946_684_800, 1_735_689_600, size=n)]


def vectors(rng: Rng, n: int) -> list[str]:
    """Embeddings as lists."""
    return ["[" + ", ".join(f"{x:.4f}" for x in rng.normal(size=12)) + "]" for _ in range(n)]


def blobs(prefix: bytes = b"") -> Maker:
    """Bytes in base64."""
    return lambda rng, n: [base64.b64encode(prefix + rng.bytes(48)).decode() for _ in range(n)]


def remarks(with_identifier: Callable[[Rng], str] | None = None, share: float = 0.04) -> Maker:
    """Sentences of a clinic, of which a few hold what `with_identifier` makes."""
    plain = (
        "Follow up in two weeks, blood pressure 120/80, no new complaints reported today.",
        "Started metformin 500 mg twice daily for E11.9, tolerated well so far.",
        "NDC 50242-040-62 dispensed, refill in 30 days, counselled on diet and exercise.",
        "Lab panel within limits, LDL 98, HbA1c 6.1 %, eGFR 84, continue present therapy.",
        "Denies chest pain, shortness of breath or syncope; lungs clear on both sides.",
        "Physical therapy three times a week, pain 3/10, gait steady, range improved.",
        "CT of the abdomen without contrast showed a 4 mm stone, version 2.1.3 protocol.",
        "Wound clean and dry, dressing changed, sutures out in 7 to 10 days, room 204.",
    )

    def make(rng: Rng, n: int) -> list[str]:
        texts = []
        for number in range(n):
            text = plain[rng.integers(len(plain))] + f" Visit {rng.integers(1, 40)} of the plan."
            if with_identifier is not None and (number == 3 or rng.random() < share):
                text += " " + with_identifier(rng)
            texts.append(text)
        return texts

    return make


def sentence(template: str, maker: Maker) -> Callable[[Rng], str]:
    """A sentence that holds one text of a maker."""
    return lambda rng: template.format(maker(rng, 1)[0])
