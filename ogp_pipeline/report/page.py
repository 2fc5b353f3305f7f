"""Writes the page: one file that holds its style, its scripts and its data, and asks nobody for anything.

Text of the data is escaped by the templates (autoescape) and, inside the JSON of the charts, by `as_json`. The page's
policy lets no script run but those that are written here, named by their hashes, and no request leave.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ogp_pipeline.report.charts import VEGA_LITE
from ogp_pipeline.report.origins import data_through, release_facts
from ogp_pipeline.report.pictures import figure_svg, is_synthetic
from ogp_pipeline.report.reading import ReleaseReader, open_release
from ogp_pipeline.report.sections import SECTIONS, chart_data
from ogp_pipeline.report.views import read_figures
from ogp_pipeline.safe_text import of_a_page
from ogp_pipeline.settings import PACKAGE_DIR

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = PACKAGE_DIR / "report" / "templates"
PRODUCT = "OGP Vital Signs, recomputed"


def write_page(database: Path, folder: Path, svgs: Mapping[str, str] | None = None) -> Path:
    """Write `report.html` of a release into `folder`; pages in `folder/members` are linked. The path written.

    `svgs` are the pictures of the figures by their html_id, where they have been drawn already.
    """
    with open_release(database) as release:
        html = page(release, sorted(path.stem for path in (folder / "members").glob("*.html")), svgs or {})
    path = folder / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


def page(release: ReleaseReader, member_pages: list[str], svgs: Mapping[str, str]) -> str:
    """The HTML of the report."""
    figures = read_figures(release)
    names = release.rows("select member_id, member_name from marts.members order by member_name")
    scripts = [vega(), *((TEMPLATES / name).read_text(encoding="utf-8") for name in ("figures.js", "dictionary.js"))]
    return render(
        "report.html",
        release,
        sections=[{"section": section, **section.read(release, figures)} for section in SECTIONS],
        chart_data=as_json(chart_data(figures)),
        scripts=scripts,
        pictures={
            figure.html_id: _data_address(svgs.get(figure.html_id) or figure_svg(release, figure)) for figure in figures
        },
        members=[row for row in names if row["member_id"] in member_pages],
    )


def render(template: str, release: ReleaseReader, **context: Any) -> str:
    """A page of the report from its template, which extends `base.html`: banner, style, policy and footer.

    `scripts` in the context are the scripts the page may run, all else is refused by its policy.
    """
    scripts = context.pop("scripts", [])
    return environment().get_template(template).render(**frame(release, scripts), **context)


def frame(release: ReleaseReader, scripts: Sequence[str] = ()) -> dict[str, Any]:
    """What `base.html` needs of a release: read once, it serves many pages that run the same `scripts`."""
    from markupsafe import Markup

    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return {
        "product": PRODUCT,
        "release": release_facts(release),
        "data_through": data_through(release),
        "is_synthetic": is_synthetic(release),
        "style": Markup(style),
        "policy": content_policy(style, scripts),
        "scripts": [Markup(script) for script in scripts],
    }


@cache
def environment() -> Environment:
    """The templates, in which every text of the data is escaped; made once, as it keeps what it has compiled."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_as_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _as_shown(value: Any) -> Any:
    """Text of the data without what turns the direction of the text around it, or hides in it; markup is ours."""
    return of_a_page(value) if type(value) is str else value


def content_policy(style: str, scripts: Sequence[str]) -> str:
    """The page's Content-Security-Policy: these scripts, this style, pictures within the page, and nothing else."""
    allowed = " ".join(_source_hash(script) for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_source_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def as_json(content: Any) -> Any:
    """JSON that can stand inside a script element whatever its texts hold, as markup for the template."""
    from markupsafe import Markup

    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))  # ASCII alone: U+2028 is escaped too
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed; drawn charts need no network. The first call takes a second and more."""
    import vl_convert

    # inside a string of a script the escape is the same text, and nowhere else do these characters stand
    return vl_convert.javascript_bundle(vl_version=VEGA_LITE).replace("</script", "<\\/script")


def _source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data_address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
