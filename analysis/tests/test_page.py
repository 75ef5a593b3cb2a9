# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import re

import pytest

from analysis.report.charts import style
from analysis.report.charts.drawing import DrawnChart
from analysis.report.html.page import render_page
from analysis.report.model.answer import Answer, AnswerBlock
from analysis.report.model.answer_table import AnswerRow, AnswerTable, Cell
from analysis.report.model.report_model import ReportModel
from analysis.report.model.table import Table

HOSTILE = "<img src=x>&"
ESCAPED = "&lt;img src=x&gt;&amp;"
FILL = style.PART_COLOURS["checks"]
SVG = f"""<?xml version="1.0"?>
<svg><metadata>who drew it</metadata><path id="lone"/><path
id="used" style="fill: {style.INK}; stroke: {FILL}"/><use href="#used"/></svg>"""


def table(*rows) -> Table:
    return Table("table", "Heading", "Caption", ("case", "cost"), rows)


def page(title="T", charts=(), answer=Answer("C"), **said) -> str:
    return render_page(ReportModel("N", title, answer, **said), charts)


def answer_of(cell: Cell) -> Answer:
    rows = (AnswerRow("page", (Cell(5), cell)),)
    return Answer("C", blocks=[AnswerBlock("", AnswerTable(("a", "b"), "u", rows), True)])


def test_every_name_is_escaped_wherever_it_stands():
    shown = DrawnChart("<svg></svg>", HOSTILE, table((HOSTILE, 1)))
    answered = AnswerTable((HOSTILE,), HOSTILE, (AnswerRow(HOSTILE, (Cell(5),)),))
    hostile = Answer(
        HOSTILE, [HOSTILE], [AnswerBlock(HOSTILE, answered, True)], columns={HOSTILE: HOSTILE}
    )
    html = page(
        title=HOSTILE,
        facts=[HOSTILE],
        answer=hostile,
        charts=[shown],
        tables=[Table("name", HOSTILE, HOSTILE, ("case", HOSTILE), ((HOSTILE, HOSTILE),))],
        diagnostics={HOSTILE: [HOSTILE]},
        notes=[HOSTILE],
    )
    assert "<img" not in html
    assert html.count(ESCAPED) >= 15


def test_a_figure_of_the_answer_has_the_digits_that_matter():
    for value, shown in (
        (2098755, "2,098,755"),
        (5.25, "5.25"),
        (None, "-"),
        (378595.5, "378,596"),
    ):
        assert f"<td>{shown}</td>" in page(answer=answer_of(Cell(value)))
    assert "<td>~7</td>" in page(answer=answer_of(Cell(7, exact=False)))
    assert '<td class="added">+2 <small>40 %</small></td><td>2</td>' in page(
        answer=answer_of(Cell(7, writes=2))
    )


def test_what_has_no_figure_is_shown_as_a_dash_and_sorts_as_nothing():
    html = page(tables=[table(("a", None), ("b", 1234.56789))])
    assert '<td data-sort="">-</td>' in html and '<td data-sort="1234.56789">1,235</td>' in html


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2098668.2, "2,098,668"),
        (381.23, "381.2"),
        (1.000234, "1.0002"),
        (0.9992449, "0.99924"),
        (0.0000132348, "0.000013235"),
        (-66.4876, "-66.488"),
        (0.0, "0"),
    ],
)
def test_figures_have_separators_and_no_exponent(value, shown):
    assert f'data-sort="{value}">{shown}</td>' in page(tables=[table(("a", value))])


def test_a_difference_of_counts_stands_as_a_figure_does():
    html = page(tables=[table(("a", "+48"), ("b", "more"))])
    assert '<td data-sort="+48">' in html and '<td class="text" data-sort="more">' in html


def test_the_data_of_a_table_is_in_the_page_in_full():
    (link,) = re.findall(
        r'download="table.csv" href="data:text/csv;charset=utf-8;base64,([^"]*)"',
        page(tables=[table(('a,"b"', 1234.56789), ("c", None))]),
    )
    assert base64.b64decode(link).decode() == 'case,cost\n"a,""b""",1234.56789\nc,\n'


def test_only_the_pages_own_script_may_run_and_nothing_may_be_loaded():
    html = page()
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy
    assert not re.search(r"(src|href)=\"?(https?:)?//", html)


def test_a_chart_takes_the_pages_colours_and_leaves_out_what_has_no_use_in_it():
    html = page(charts=[DrawnChart(SVG, "d", table(("a", 1)))])
    ink = style.INK.removeprefix("#")
    assert f"fill: var(--{ink}); stroke: {FILL}" in html
    assert f"--{ink}: {style.INK};" in html and f"--{ink}: {style.ON_DARK[style.INK]};" in html
    assert 'id="used"' in html and 'id="lone"' not in html
    assert "<?xml" not in html and "who drew it" not in html
