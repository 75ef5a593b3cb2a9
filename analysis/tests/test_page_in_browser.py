# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: Debian's Chromium, without a window."""

import base64
import csv
import functools
import http.server
import io
import json
import threading

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from analysis.report import writer
from analysis.tests.conftest import HEADER, path, record
from analysis.tests.support import browsers, dax_campaign
from analysis.tests.support.browsers import look

pytestmark = pytest.mark.program

# No picture is to be shown for it, no mathematics set, and no title changed.
HOSTILE = 'model/kmap_local/<img src=x onerror="document.title=1">&$x$'
HOSTILE_MODEL = "user/<b>$x$</b>&amp;"
WIDTHS = (390, 1280, 1920)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsers.started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def folder(write_campaign):
    """Two variants in the lab and user models in time, so that every kind of chart and table is
    there.
    """
    records, paths = [], []
    for variant, cost in (("plain", 5), ("protected", 19)):
        of = {"variant": variant}
        records += [
            record(cost=cost, **of),
            record(HOSTILE, cost=6, **of),
            record("kernel/kmap_local/devmap", cost=cost + 9, **of),
        ]
        paths += [path(lowmem_page_address=cost) | of, path(HOSTILE, lowmem_page_address=6) | of]
        records += [
            record("msr/wrpkrs/toggle", cost=6, **of),
            record("kernel/kmap_local/protected", cost=56, **of),
            *dax_campaign.fio("elsewhere/fork_exit", variant, [4000 + cost, 4010 + cost]),
        ]
        for size, jobs in (("512", 1), ("4k", 1), ("4k", 4)):
            records += dax_campaign.fio(
                f"dax/xfs/psync/randread/{size}/jobs{jobs}/latency",
                variant,
                [2000 * jobs + cost, 2010 * jobs + cost],
            )
    stacks = [
        {"stack": ["loop", *above], "instructions": 10 * count, "wrmsr": 0}
        for above, count in ((("enter", "check"), 8), (("enter", "open"), 4), (("leave",), 6))
    ]
    paths.append(
        path("elsewhere/irq/inside", enter=12, leave=6) | {"variant": "protected", "stacks": stacks}
    )
    time = {
        "variant": "host",
        "clock": "tsc",
        "unit": "ticks",
        "exact": False,
        "cost_core_cycles": 30.0,
        "chain": 4 / 3,
    }
    samples = [[400, 820, 410, 830], [400, 840, 400, 850]]
    records += [
        record(HOSTILE_MODEL, boot=1, launch=launch, cost=40.0 + launch, samples=taken, **time)
        for launch, taken in enumerate(samples, 1)
    ]
    kernel = HEADER["variants"]["stock"]
    campaign = write_campaign(
        records,
        paths,
        header={"variants": {"plain": kernel, "protected": kernel | {"patched": True}}},
    )
    writer.write_report(campaign)
    return campaign


@pytest.fixture
def served(folder):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/report/index.html"
        server.shutdown()


def unfold(browser) -> None:
    browser.find_element(By.ID, "unfold").click()


def requested(browser) -> set[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }


def background(browser) -> str:
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("place", ["file", "server"])
def test_it_fits_is_silent_and_asks_nobody(browser, folder, served, place, width, scheme):
    address = served if place == "server" else (folder / "report" / "index.html").as_uri()
    look(browser, address, width, scheme)
    needed, there = browser.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert needed <= there <= width
    assert width < 1280 or browser.execute_script("return document.body.scrollHeight") <= 9600
    assert browser.get_log("browser") == []
    assert {url for url in requested(browser) if not url.startswith("data:")} == {address}
    assert (
        len(browser.find_elements(By.CSS_SELECTOR, "figure svg")) == 7
    )  # verdicts, parts, samples; a flame graph; three of fio
    red = int(background(browser).removeprefix("rgb(").split(",")[0])
    assert red > 200 if scheme == "light" else red < 60


def test_a_charts_words_are_seen_on_a_dark_page(browser, folder):
    look(browser, (folder / "report" / "index.html").as_uri(), scheme="dark")
    unfold(browser)
    red = "Number(getComputedStyle(text).fill.match(/[0-9]+/)[0])"
    reds = "return [...document.querySelectorAll(arguments[0])].map((text) => " + red + ")"
    fills = browser.execute_script(reds, "figure svg text:not(svg.flame g text)")
    assert fills and min(fills) > 120
    # The frames of a flame graph stay light.
    framed = browser.execute_script(reds, "svg.flame g text")
    assert framed and max(framed) < 60


def test_a_name_with_html_in_it_stays_text(browser, folder):
    look(browser, (folder / "report" / "index.html").as_uri())
    assert browser.find_elements(By.CSS_SELECTOR, "img, iframe, object") == []
    assert browser.title.startswith("test: What WRPKRS costs")
    unfold(browser)
    names = [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, "tbody th")]
    assert HOSTILE in names and HOSTILE_MODEL in names
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('svg text')].map(text => text.textContent)"
    )
    assert HOSTILE_MODEL in drawn


def column(browser, table, index: int) -> list[str]:
    return [
        row.find_elements(By.CSS_SELECTOR, "th, td")[index].text
        for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")
    ]


def test_a_table_sorts_by_a_heading_with_mouse_and_keyboard(browser, folder):
    look(browser, (folder / "report" / "index.html").as_uri())
    unfold(browser)
    table = next(one for one in browser.find_elements(By.TAG_NAME, "table") if "oracle" in one.text)
    heading = next(
        one
        for one in table.find_elements(By.CSS_SELECTOR, "thead th")
        if one.text.startswith("cost")
    )
    index = table.find_elements(By.CSS_SELECTOR, "thead th").index(heading)
    heading.find_element(By.TAG_NAME, "button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    # as numbers, not as words
    down = ["4,024", "4,010", "56", "56", "28", "19", "14", *["6"] * 4, "5"]
    assert column(browser, table, index) == down
    heading.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert heading.get_attribute("aria-sort") == "ascending"
    assert column(browser, table, index) == down[::-1]


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_the_answer_is_on_the_first_screen(browser, write_campaign, width, height):
    names, costs = ("plain", "off", "idle", "protected"), (5, 5, 7, 56)
    pairs = list(zip(names, costs, strict=True))
    case = {
        name: f"kernel/kmap_local/{'protected' if cost > 9 else 'devmap'}" for name, cost in pairs
    }
    skipped = {"status": "skipped", "reason": "r", "exact": False}
    records = [record(case[name], cost=cost, variant=name) for name, cost in pairs]
    records += [
        record("kernel/kmap_local/protected", cost=None, variant=name) | skipped
        for name in names[:-1]
    ]
    records += [record(cost=cost, variant=name) for name, cost in pairs]
    paths = [path(case[name], lowmem_page_address=cost) | {"variant": name} for name, cost in pairs]
    kernel = HEADER["variants"]["stock"]
    kernels = {name: kernel | {"patched": name != "plain"} for name in names}
    campaign = write_campaign(records, paths, header={"variants": kernels})
    writer.write_report(campaign)
    look(browser, (campaign / "report" / "index.html").as_uri(), width)
    row = browser.find_element(By.ID, "answer-1-pmem-page")
    assert row.rect["y"] + row.rect["height"] < height
    cells = {cell.text: cell.rect for cell in row.find_elements(By.TAG_NAME, "td")}
    assert {"5", "7", "56", "+51"} <= set(cells)
    assert all(rect["x"] + rect["width"] <= width for rect in cells.values())
    bars = browser.find_element(By.CLASS_NAME, "bars").rect
    assert bars["y"] + bars["height"] < height


def shown_rows(browser, table: str) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, f"#table-{table} tbody tr")
    return [name for row in rows if (name := row.find_element(By.TAG_NAME, "th").text)]


def shown_verdicts(browser) -> list[str]:
    cells = browser.find_elements(By.CSS_SELECTOR, "#table-verdicts-cost tbody td:nth-child(3)")
    return [cell.text for cell in cells if cell.text]


def test_rows_can_be_filtered_and_those_alike_left_out(browser, folder):
    look(browser, (folder / "report" / "index.html").as_uri())
    assert shown_rows(browser, "by-variant") == []  # folded
    unfold(browser)
    every = shown_rows(browser, "by-variant")
    browser.find_element(By.ID, "differing").click()
    alike = {"pmem page", "kernel/kmap_local/protected", "msr/wrpkrs/toggle", HOSTILE}
    assert set(every) - set(shown_rows(browser, "by-variant")) == alike
    verdicts = {row.split()[-1] for row in shown_verdicts(browser)}
    assert verdicts and "same" not in verdicts
    browser.find_element(By.ID, "differing").click()
    assert "same" in {row.split()[-1] for row in shown_verdicts(browser)}
    browser.find_element(By.ID, "filter").send_keys("KMAP_LOCAL dev")
    assert shown_rows(browser, "by-variant") == ["kernel/kmap_local/devmap"]
    assert set(shown_rows(browser, "instructions")) == {"kernel/kmap_local/devmap"}


def test_a_link_opens_what_is_folded_and_ids_are_single(browser, folder):
    address = (folder / "report" / "index.html").as_uri()
    look(browser, f"{address}#instructions-kernel-kmap-local-devmap-protected")
    row = browser.find_element(By.ID, "instructions-kernel-kmap-local-devmap-protected")
    assert row.is_displayed() and row.text.split()[0] == "kernel/kmap_local/devmap"
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    links = browser.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map(link => link.hash.slice(1))"
    )
    assert links and set(links) <= set(ids)


def test_the_data_behind_a_figure_can_be_taken_away(browser, folder):
    look(browser, (folder / "report" / "index.html").as_uri())
    links = {
        link.get_attribute("download"): link.get_attribute("href")
        for link in browser.find_elements(By.CSS_SELECTOR, "a[download]")
    }
    assert len(links) == 7 + 6  # of the charts, and of the tables

    def rows(name: str) -> list[dict[str, str]]:
        kind, _, content = links[name].partition(",")
        assert kind == "data:text/csv;charset=utf-8;base64"
        return list(csv.DictReader(io.StringIO(base64.b64decode(content).decode())))

    costs = {(row["case"], row["variant"]): float(row["cost"]) for row in rows("instructions.csv")}
    assert costs[HOSTILE, "plain"] == 6 and costs["kernel/kmap_local/dram", "protected"] == 19
    (samples,) = [name for name in links if name.startswith("samples-tsc")]
    assert [float(row["cost, ticks"]) for row in rows(samples)] == [41, 42]
    assert [float(row["least"]) for row in rows(samples)] == [40, 42]
    assert [float(row["most"]) for row in rows(samples)] == [40, 43]


# Of each frame of a flame graph: whether it is shown, where it begins, its width, what it says.
FRAMES = """
const size = (frame, name) => Number(frame.querySelector('rect').getAttribute(name));
return [...arguments[0].querySelectorAll('g')].map((frame) => [
  frame.style.display, size(frame, 'x'), size(frame, 'width'),
  frame.querySelector('text').textContent,
])"""


def test_a_frame_that_is_pressed_takes_the_whole_width(browser, served):
    look(browser, served)
    unfold(browser)
    (graph,) = browser.find_elements(By.CSS_SELECTOR, "svg.flame")
    frames = graph.find_elements(By.TAG_NAME, "g")
    before = browser.execute_script(FRAMES, graph)
    (enter,) = (at for at, (*_, words) in enumerate(before) if "enter" in words)
    left, whole = (float(graph.get_attribute(f"data-{name}")) for name in ("left", "width"))
    press = "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    browser.execute_script(press, frames[enter])
    after = browser.execute_script(FRAMES, graph)
    assert after[enter][1:3] == [left, whole]
    # What called it is as wide, what it called has grown with it, and what was beside it is gone.
    shown = {
        frame.get_attribute("data-words").split()[0]: width / whole
        for frame, (display, _, width, _) in zip(frames, after)
        if display != "none"
    }
    grown = {"loop": 1, "enter": 1, "check": 8 / 12, "open": 4 / 12}
    assert shown == pytest.approx(grown, rel=1e-3)  # of coordinates of two decimals
    browser.execute_script(press, frames[enter])
    again = browser.execute_script(FRAMES, graph)
    for old, new in zip(before, again):
        assert new == [old[0], pytest.approx(old[1]), pytest.approx(old[2]), old[3]]
