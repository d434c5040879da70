"""What pages are made of: templates, our own scripts and style, and the script of Plotly's package."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

__all__ = ["environment", "own_file", "plotly_script"]


def environment() -> Environment:
    """Give the templates; every value is escaped, and a missing one is an error."""
    return Environment(
        loader=PackageLoader("bt_run.reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def own_file(name: str) -> Markup:
    """Read a file of ours; none of them holds what would end the element that it stands in."""
    return Markup((resources.files("bt_run.reports.page") / "static" / name).read_text(encoding="utf-8"))  # noqa: S704


def plotly_script() -> Markup:
    """Read the script that the plotly package carries."""
    text = (resources.files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    return Markup(text.replace("</script", "<\\/script"))  # noqa: S704 - a package's own file
