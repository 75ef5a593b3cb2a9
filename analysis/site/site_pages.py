# SPDX-License-Identifier: Apache-2.0
"""Renders the pages of a site; those of which nothing has changed are left as they are."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.report.charts import style
from analysis.report.html import page as report_page
from analysis.site.site_data import encode_shard, hash_value, shard_path
from analysis.site.site_folder import SiteFolder

_ROOM = Path(__file__).parent
_ROOT = _ROOM.parents[1]
_LIBRARY = _ROOT / "third_party" / "uplot"
# What a site is made by: if a byte of these changes, all of it is made anew.
_MAKERS = (
    ("analysis", "*.py"),
    ("analysis/site", "*/*.*"),
    ("analysis/report/html", "*/*.*"),
    ("analysis/summary", "*.toml"),
    ("formats", "*.py"),
    ("third_party/uplot", "*"),
    ("kernel-bench-module", "*.[ch]"),
    ("docs", "cases.md"),
)
_NOT_MAKERS = frozenset({"tests", "__pycache__"})


def hash_makers() -> str:
    """A hash of all that decides what a site looks like, beside its campaigns."""
    whole = hashlib.sha256()
    for folder, pattern in _MAKERS:
        for path in sorted((_ROOT / folder).rglob(pattern)):
            if path.is_file() and not _NOT_MAKERS.intersection(path.parts):
                whole.update(f"{path.relative_to(_ROOT)}\n".encode() + path.read_bytes())
    return whole.hexdigest()


class SitePages:
    """Pages of one build."""

    def __init__(self, site: SiteFolder, common: dict[str, Any]):
        """common: what all pages need to know."""
        self._site = site
        self._old = site.kept.get("pages", {})
        self._common = common
        self._environment = report_page.new_environment(_ROOM / "templates", report_page.TEMPLATES)
        self.keys: dict[str, str] = {}  # by page: a hash of what is on it

    def render(
        self,
        name: str,
        template: str,
        context: dict[str, Any],
        late: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        """Writes a page, unless it is there. context: JSON, and decides what is on it; late: what
        else the template needs, which follows from the context.
        """
        key = hash_value([self._common, context])
        self.keys[name] = key
        if self._old.get(name) == key and self._site.keep(name):
            return
        top = "../" * name.count("/")
        text = self._environment.get_template(template).render(
            **self._common, **context, **late(), top=top
        )
        self._site.write(name, text.encode(errors="replace"))

    def write_data(self, name: str, value: Any) -> None:
        """Writes data that pages load."""
        self._site.write(shard_path(name), encode_shard(name, value))

    def write_assets(self) -> None:
        """Writes scripts, styles and the library of charts with its licence."""
        for path in sorted((_ROOM / "assets").glob("*.js")):
            self._site.write(f"assets/{path.name}", path.read_bytes())
        for path in sorted(_LIBRARY.glob("uPlot.*")):
            self._site.write(f"assets/{path.name}", path.read_bytes())
        self._site.write("assets/uPlot.LICENSE.txt", (_LIBRARY / "LICENSE").read_bytes())
        sheets = [
            _colours(),
            (report_page.TEMPLATES / "page.css").read_text(),
            (_ROOM / "assets" / "site.css").read_text(),
        ]
        self._site.write("assets/site.css", "\n".join(sheets).encode())


def _colours() -> str:
    """The colours of charts as variables, as the page of a report has them."""
    light = " ".join(f"{report_page.name_variable(one)}: {one};" for one in style.ON_DARK)
    dark = " ".join(
        f"{report_page.name_variable(one)}: {other};" for one, other in style.ON_DARK.items()
    )
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
