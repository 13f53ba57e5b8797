"""The certificate of a private release as one HTML page: complete in itself, without script, readable on paper."""

from __future__ import annotations

from pathlib import Path

from tabsynth.dp.certificate import Certificate, build_certificate, load_certificate
from tabsynth.errors import ArtifactError
from tabsynth.generators.model import Model
from tabsynth.report.render import environment


def render_certificate(certificate: Certificate) -> str:
    """Render a certificate as one self-contained HTML page; it holds nothing that is not in the certificate."""
    return (
        environment()
        .get_template("certificate.html")
        .render(certificate=certificate, data=certificate.model_dump(mode="json"))
    )


def write_certificate(
    model: Model, model_file: str | Path, folder: Path, *, rows: int | None = None, seed: int = 0
) -> Certificate:
    """Write `certificate.json` and `certificate.html` of a model file into a folder that exists.

    Args:
        model: The model, as loaded from `model_file`.
        model_file: The model file.
        folder: Where to write.
        rows: Rows of the replay; see `build_certificate`.
        seed: Seed of these rows.

    Raises:
        UsageError: The model carries no guarantee.
        ArtifactError: Its transcript claims another cost than its noise has.
    """
    certificate = build_certificate(model, file=model_file, rows=rows, seed=seed)
    (folder / "certificate.json").write_text(certificate.to_json(), encoding="utf-8", newline="\n")
    (folder / "certificate.html").write_text(render_certificate(certificate), encoding="utf-8", newline="\n")
    return certificate


def page_is_of(file: str | Path) -> bool:
    """Whether the page that lies beside a certificate shows that certificate; False where there is none.

    Args:
        file: The certificate, `certificate.json`.

    Raises:
        ArtifactError: The page is another one: it is what people read.
    """
    certificate, page = load_certificate(file), Path(file).with_suffix(".html")
    if not page.exists():
        return False
    try:
        shown = page.read_bytes()
    except OSError as error:
        raise ArtifactError(f"{page}: cannot be read ({error.strerror or type(error).__name__})") from error
    if shown != render_certificate(certificate).encode():
        raise ArtifactError(
            f"{page}: does not show {Path(file).name} as it is; use tabsynth {certificate.tabsynth}, and if it still "
            "differs, do not rely on this page"
        )
    return True
