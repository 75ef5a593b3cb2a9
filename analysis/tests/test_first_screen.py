# SPDX-License-Identifier: Apache-2.0
"""What a reader sees of the reference campaigns without scrolling, unfolding or turning a page:
the five questions of the project, each with its answer.
"""

import shutil
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from analysis.report import writer
from analysis.report.text.mail import MOST_LINES
from analysis.tests.support import browsers, comparisons

pytestmark = pytest.mark.program

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
FIRST_ROWS = "section div:first-of-type tbody tr:nth-child(-n+2) > *:not(:empty)"
SCREENS = [(390, 844), (1280, 800)]
# Campaign; which row answers; how many of its cells are kernels.
ROWS = {
    "what protection adds to a pair for a pmem page": ("pks-6.12", "answer-1-pmem-page", 4),
    "what it costs who does not use it": ("pks-6.12", "answer-1-dram-page", 4),
    "the price of an interrupt": ("elsewhere-6.12", "answer-1-interrupt", 4),
}
# What the first sentence of each has in it.
CLAIMS = {
    "pks-6.12": "for a pmem page",
    "elsewhere-6.12": "for an interrupt",
    "dax-6.12": "for an ext4 read 4 KiB",
    "stock-6.12": "for a pmem page as published",
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsers.started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Makes the report of a reference campaign by the code as it is, once."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            folder = tmp_path_factory.mktemp("reference") / name
            shutil.copytree(REFERENCE / name, folder)
            writer.write_report(folder)
            made[name] = folder
        return made[name]

    return make


def boxes(browser, selector: str) -> list[tuple[str, float, float, float, float]]:
    """Of the text in each element that a selector finds: (words, left, right, top, bottom)."""
    return browser.execute_script(
        """return [...document.querySelectorAll(arguments[0])].map((one) => {
            const range = document.createRange();
            range.selectNodeContents(one);
            const box = range.getBoundingClientRect();
            return [one.innerText, box.left, box.right, box.top, box.bottom];
        })""",
        selector,
    )


def assert_seen(found, width: int, height: int) -> None:
    assert found
    for words, left, right, top, bottom in found:
        assert words and 0 <= left < right <= width and 0 <= top < bottom <= height, words


@pytest.mark.parametrize(("width", "height"), SCREENS)
@pytest.mark.parametrize("question", ROWS)
def test_a_question_is_answered_on_the_first_screen(browser, report, question, width, height):
    name, row, kernels = ROWS[question]
    page = (report(name) / "report" / "index.html").as_uri()
    browsers.look(browser, page, width, height=height)
    found = boxes(browser, f"#{row} > *")
    assert_seen(found, width, height)
    first, *between, last, added, _ = (words.split()[0].lstrip("~") for words, *_ in found[1:])
    assert len([first, *between, last]) == kernels
    assert float(added) == float(last) - float(first) != 0


@pytest.mark.parametrize(("width", "height"), SCREENS)
@pytest.mark.parametrize("name", CLAIMS)
def test_the_first_sentence_answers_and_its_caveat_is_below_it(
    browser, report, name, width, height
):
    page = (report(name) / "report" / "index.html").as_uri()
    browsers.look(browser, page, width, height=height)
    (claim,), (caveat,) = boxes(browser, "h1"), boxes(browser, "p.setting")
    assert_seen([claim, caveat], width, height)
    assert CLAIMS[name] in claim[0] and "+" in claim[0]
    assert "NOT time" in caveat[0] and claim[4] <= caveat[3]


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("name", CLAIMS)
def test_no_figure_of_the_answer_is_beside_the_screen(browser, report, name, width):
    browsers.look(browser, (report(name) / "report" / "index.html").as_uri(), width)
    cells = boxes(browser, "table.answer th, table.answer td")
    assert len(cells) > 20
    inside = [(words, left, right, 0, 1) for words, left, right, *_ in cells]
    assert_seen(inside, width, 1)


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_whether_b_is_worse_than_a_and_where_most_is_on_the_first_screen(
    browser, tmp_path, width, height
):
    sides = [f"{REFERENCE}/pks-6.12:{variant}" for variant in ("off", "protected")]
    page = tmp_path / "comparison.html"
    page.write_text(comparisons.run(*sides, "--format", "html").stdout)
    browsers.look(browser, page.as_uri(), width, height=height)
    (summary,) = boxes(browser, "h1")
    assert_seen([summary, *boxes(browser, FIRST_ROWS)], width, height)
    assert all(words in summary[0] for words in ("more", "most: pmem page", "PKRS writes 0 → 2"))
    rows = [row.text.split() for row in browser.find_elements(By.CSS_SELECTOR, "tbody tr")[:2]]
    assert [row[:2] for row in rows] == [["pmem", "page"], ["pmem", "page:"]]
    text = comparisons.run(*sides).stdout.splitlines()
    assert any("most: pmem page" in " ".join(text[at : at + 2]) for at in range(MOST_LINES))


@pytest.mark.parametrize("name", CLAIMS)
def test_the_mail_answers_in_its_first_lines(report, name):
    text = (report(name) / "report.txt").read_text()
    claim, setting = (" ".join(block.split()) for block in text.split("\n\n")[:2])
    assert CLAIMS[name] in claim and "NOT time" in setting
    assert len(text.splitlines()) <= MOST_LINES


def test_names_can_be_read_in_the_tables_of_a_narrow_page(browser, report):
    browsers.look(browser, (report("pks-6.12") / "report" / "index.html").as_uri(), 390)
    browser.find_element(By.ID, "unfold").click()
    for cell in browser.find_elements(By.CSS_SELECTOR, "table.all tbody tr:first-child th"):
        assert cell.rect["width"] > 100 and cell.rect["height"] < 80
