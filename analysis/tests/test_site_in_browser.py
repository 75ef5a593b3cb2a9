# SPDX-License-Identifier: Apache-2.0
"""A site in a real browser: Debian's Chromium, without a window."""

import functools
import http.server
import json
import random
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from analysis.compare import compatibility, engine, from_campaign
from analysis.data.load import load
from analysis.prediction.predicted_cycles import FENCE
from analysis.site.site_build import build_site
from analysis.tests.conftest import path, record
from analysis.tests.support import browsers
from analysis.tests.support.browsers import look
from analysis.tests.support.comparisons import timed
from analysis.tests.support.predictions import MODEL, document, launches, predicted
from analysis.tests.support.sites import case_file, data

pytestmark = pytest.mark.program

ROOT = Path(__file__).parents[2]
DRAM, PROTECTED, DEVMAP = (f"kernel/kmap_local/{name}" for name in ("dram", "protected", "devmap"))
HOSTILE = 'model/<img src=x onerror="document.title=1">__proto__'
TIMED = "user/kmap_local/off"
# Bytes of the front page with all that it loads by itself.
MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsers.started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def site(campaign, tmp_path, monkeypatch):
    """Twelve campaigns in counts and time, one of another QEMU, one with a prediction; and a
    hostile name.
    """
    monkeypatch.setenv("KMAPBENCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "results").mkdir()
    for number in range(12):
        records = [
            one
            for boot in (1, 2)
            for one in (
                record(DRAM, boot, 5 if number < 6 else 7),
                record(HOSTILE, boot, 6),
                record(DRAM, boot, 12, variant="protected"),
                timed("host", boot, 200 + random.Random(number).gauss(0, 1), TIMED),
            )
        ]
        header = {"started": f"2026-01-{number + 1:02d}T00:00:00Z"}
        if number == 11:
            header["tools"] = {"qemu": "QEMU emulator version 9.0 <b>"}
        if number == 5:
            records += [*launches(FENCE, 17, 17, 17), *launches(MODEL, 27, 28, 26)]
        folder = campaign(f"c{number:02d}", records, header=header)
        if number == 5:
            (folder / "predicted").mkdir()
            (folder / "predicted" / "llvm-mca.json").write_text(json.dumps(predictions()))
        (folder / "stock" / "boot-01" / "path.jsonl").write_text(
            json.dumps(path(kmap_local_page=5 if number < 6 else 7)) + "\n"
        )
        folder.rename(tmp_path / "results" / folder.name)
    build_site([tmp_path / "results"], tmp_path / "public")
    return tmp_path / "public"


def predictions() -> dict:
    """A path that writes twice, one that does not, and a model that was measured."""
    return document(
        predicted(PROTECTED, 44, writes=2),
        predicted(DRAM, 10),
        predicted(MODEL, 15, "host"),
    )


@pytest.fixture
def served(site):
    """The site below a path of a server."""
    under = site.parent / "web" / "some" / "where"
    under.parent.mkdir(parents=True)
    under.symlink_to(site)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site.parent / "web")
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/some/where"
        server.shutdown()


def until(browser, script: str, *arguments):
    """What a script returns once that is something."""
    return WebDriverWait(browser, 20).until(
        lambda _: browser.execute_script(f"return {script}", *arguments)
    )


def requested(browser) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def pages(site: Path) -> list[str]:
    one = data(site, "campaigns")["rows"][0][0]
    case = f"case/{case_file(site, DRAM)}.html"
    names = ["index.html", "cases.html", "campaigns.html", "changes.html", "left-out.html"]
    names.append("predictions.html")
    return [*names, case, f"campaign.html#c={one}", link_to(site, "c00:stock", "c11:stock")]


def link_to(site: Path, old: str, new: str) -> str:
    """The address of a comparison of NAME:VARIANT with another."""
    ids = {row[1]: row[0] for row in data(site, "campaigns")["rows"]}
    a, b = (f"{ids[name]}:{variant}" for name, variant in (s.split(":") for s in (old, new)))
    return f"compare.html#a={quote(a)}&b={quote(b)}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_each_page_fits_is_silent_and_asks_nobody_else(browser, site, width, scheme):
    top = site.as_uri()
    for page in pages(site):
        look(browser, f"{top}/{page}", width, scheme)
        until(browser, "document.readyState === 'complete'")
        needed, there = browser.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert needed <= there <= width, page
        assert browser.get_log("browser") == [], page
        assert {url for url in requested(browser) if not url.startswith((top, "data:"))} == set()
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        red = int(colour.removeprefix("rgb(").split(",")[0])
        assert red > 200 if scheme == "light" else red < 60


def test_all_links_of_all_pages_lead_to_a_page_or_a_part_of_one(browser, site):
    for page in pages(site):
        look(browser, f"{site.as_uri()}/{page}")
        time.sleep(0.2)
        links = browser.execute_script("return [...document.links].map((link) => link.href)")
        assert links
        for link in links:
            name, _, part = link.partition("#")
            assert name.startswith(site.as_uri()), link
            target = site / name.removeprefix(f"{site.as_uri()}/")
            assert target.is_file(), link
            if part and "=" not in part:
                assert f'id="{part}"' in target.read_text(), link


@pytest.mark.parametrize("place", ["file", "server"])
def test_the_search_finds_cases_and_campaigns_and_has_a_link(browser, site, served, place):
    top = site.as_uri() if place == "file" else served
    look(browser, f"{top}/index.html")
    assert not any("/data/" in url for url in requested(browser))  # nothing before it is asked
    box = browser.find_element(By.ID, "words")
    box.send_keys("DRAM kernel")
    until(browser, "document.getElementById('found').textContent === '1 found'")
    (result,) = browser.find_elements(By.CSS_SELECTOR, "#results a")
    assert result.text == DRAM
    box.clear()
    box.send_keys("c05")
    until(browser, "document.querySelector('#results a')?.textContent === 'c05'")
    address = browser.current_url
    assert address.endswith("#q=c05")
    look(browser, "about:blank")
    look(browser, address)
    until(browser, "document.querySelector('#results a')?.textContent === 'c05'")
    browser.find_element(By.CSS_SELECTOR, "#results a").click()
    until(browser, "document.getElementById('name')?.textContent === 'c05'")
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("place", ["file", "server"])
def test_a_history_is_drawn_and_told_by_the_keyboard_and_as_a_table(browser, site, served, place):
    top = site.as_uri() if place == "file" else served
    look(browser, f"{top}/case/{case_file(site, DRAM)}.html")
    until(browser, "document.querySelectorAll('.chart canvas').length === 1")
    drawn = """
        const canvas = document.querySelector('.chart canvas');
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const colours = new Set();
        for (let at = 0; at < pixels.length; at += 4)
            if (pixels[at + 3] === 255) colours.add([...pixels.slice(at, at + 3)].join());
        return [...colours];"""
    colours = browser.execute_script(drawn)
    assert "95,111,125" in colours and "11,61,120" in colours  # of stock and protected
    chart = browser.find_element(By.CSS_SELECTOR, ".chart")
    chart.send_keys(Keys.HOME)
    readout = browser.find_element(By.CSS_SELECTOR, ".readout")
    assert readout.text == "c00, 2026-01-01: protected 12; stock 5"
    chart.send_keys(Keys.ARROW_RIGHT, Keys.PAGE_DOWN)
    assert readout.text == "c11, 2026-01-12: protected 12; stock 7"
    browser.find_element(By.CSS_SELECTOR, "figure summary").click()
    until(browser, "document.querySelectorAll('figure tbody tr').length === 12")
    rows = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "figure tbody tr")]
    assert rows[0] == "c11 2026-01-12 12 7" and rows[-1] == "c00 2026-01-01 12 5"
    browser.find_element(By.CSS_SELECTOR, "figure input[type=checkbox]").click()
    assert "11,61,120" not in browser.execute_script(drawn)
    assert "c06" in browser.find_element(By.CSS_SELECTOR, ".changes").text
    # What is said of rendering is of the pixels that were read here.
    assert [one for one in browser.get_log("browser") if one["source"] != "rendering"] == []


def test_predictions_are_drawn_and_told_by_the_keyboard(browser, site):
    look(browser, f"{site.as_uri()}/predictions.html")
    until(browser, "document.querySelectorAll('.chart canvas').length === 3")
    (one, other, models) = browser.find_elements(By.CSS_SELECTOR, ".chart")
    said = [figure.text for figure in browser.find_elements(By.CSS_SELECTOR, "figcaption")]
    assert "kernel/kmap_local (stock) on sapphirerapids, predicted" in said[0]
    assert "znver4" in said[1] and "predicted and measured" in said[2]
    readout = browser.find_elements(By.CSS_SELECTOR, ".readout")
    one.send_keys(Keys.HOME)
    assert readout[0].text == "W = 20: protected 80 (42 to 80); dram 6 (2 to 6)"  # 44 - 4 + 2 * 20
    one.send_keys(Keys.END)
    assert readout[0].text.startswith("W = 300: protected 640 ")
    models.send_keys(Keys.HOME)
    assert readout[2].text == f"{MODEL}: measured 10, predicted 11 (2 to 11), +10%"
    assert [one for one in browser.get_log("browser") if one["source"] != "rendering"] == []


def test_all_records_of_a_case_are_shown_when_asked_for(browser, site):
    look(browser, f"{site.as_uri()}/case/{case_file(site, DRAM)}.html")
    button = browser.find_element(By.ID, "more-records")
    button.click()
    rows = "document.querySelectorAll('#records-of-case tbody tr').length"
    until(browser, f"{rows} === 40")  # ten campaigns, two kernels, two boots
    button.click()
    until(browser, f"{rows} === 48")
    assert not button.is_displayed()
    first = browser.find_element(By.CSS_SELECTOR, "#records-of-case tbody tr").text.split()
    assert first[:5] == ["c11", "protected", "1", "1", "12"]


def verdicts(browser) -> dict[str, list[str]]:
    until(browser, "document.querySelector('#comparison code')")
    rows = browser.find_elements(By.CSS_SELECTOR, "#comparison tbody tr")
    cells = [[cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")] for row in rows]
    return {case: said for case, *said in cells}


def test_a_link_compares_two_kernels_and_a_changed_machine_is_refused(browser, site):
    look(browser, f"{site.as_uri()}/{link_to(site, 'c00:stock', 'c07:stock')}")
    found = verdicts(browser)
    assert found[DRAM] == ["5", "7", "more: +2"] and found[HOSTILE] == ["6", "6", "same"]
    code = browser.find_element(By.CSS_SELECTOR, "#comparison code").text
    assert code == "./kmapbench compare results/c00:stock results/c07:stock"
    look(browser, f"{site.as_uri()}/{link_to(site, 'c00:stock', 'c11:stock')}")
    assert verdicts(browser)[DRAM] == ["5", "7", "refused"]
    note = browser.find_element(By.CSS_SELECTOR, ".note").text
    assert "compare refuses these two: they differ in tools.qemu" in note and "9.0 <b>" in note
    look(browser, f"{site.as_uri()}/{link_to(site, 'c00:host', 'c01:host')}")
    (said,) = verdicts(browser).values()
    assert said[2] == "./kmapbench compare says" and said[0].startswith("~") and "[" in said[0]
    look(browser, f"{site.as_uri()}/compare.html#a=nothing:stock&b=nothing:stock")
    until(browser, "document.getElementById('status').textContent.includes('no such campaign')")
    assert browser.get_log("browser") == []


def test_two_kernels_are_chosen_compared_and_swapped_by_the_keyboard_alone(browser, site):
    look(browser, f"{site.as_uri()}/index.html")
    keys = browser.switch_to.active_element
    keys.send_keys(Keys.TAB)
    skip = browser.switch_to.active_element
    assert skip.text == "Skip to the content" and skip.rect["x"] >= 0
    for _ in range(8):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.text == "Compare":
            break
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    until(browser, "location.pathname.endsWith('compare.html')")
    box = browser.find_element(By.ID, "a")
    for _ in range(15):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element == box:
            break
    until(browser, "document.getElementById('choices').childElementCount === 36")
    browser.switch_to.active_element.send_keys("c00: stock", Keys.ESCAPE, Keys.TAB)
    browser.switch_to.active_element.send_keys("c08: stock", Keys.ESCAPE, Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert verdicts(browser)[DRAM] == ["5", "7", "more: +2"]
    browser.switch_to.active_element.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    until(
        browser, "document.querySelector('#comparison td:last-child')?.textContent === 'fewer: -2'"
    )
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(outline) != "none"


FAULTS = """
const faults = [];
const all = (what) => [...document.querySelectorAll(what)];
if (document.documentElement.lang !== 'en' || !document.title) faults.push('head');
if (all('h1').length !== 1 || all('main').length !== 1) faults.push('h1, main');
for (const table of all('table')) {
  if (!table.caption?.textContent) faults.push('caption');
  if (table.querySelector('thead th:not([scope])')) faults.push('scope');
  if (table.querySelector('tbody tr > :first-child:not(th[scope=row])')) faults.push('row');
}
for (const field of all('input')) if (!field.labels.length) faults.push(`label of ${field.id}`);
for (const place of all('.scroll'))
  if (place.tabIndex !== 0 || !place.ariaLabel) faults.push('scroll');
const levels = all('h1, h2, h3').map((one) => Number(one.tagName[1]));
levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) faults.push('levels'); });
const ids = all('[id]').map((one) => one.id);
if (new Set(ids).size !== ids.length) faults.push('ids');
if (all('[onclick], [onload], [onerror]').length) faults.push('inline');
return faults;
"""


def test_each_page_has_what_a_screen_reader_needs(browser, site):
    for page in pages(site):
        look(browser, f"{site.as_uri()}/{page}")
        time.sleep(0.3)
        faults = browser.execute_script(FAULTS)
        assert faults == [], page


def test_a_hostile_name_stays_text_in_what_scripts_write(browser, site):
    one = data(site, "campaigns")["rows"][0][0]
    for page in (f"campaign.html#c={one}", link_to(site, "c00:stock", "c01:stock")):
        look(browser, f"{site.as_uri()}/{page}")
        until(browser, "document.body.textContent.includes(arguments[0])", HOSTILE)
        assert browser.find_elements(By.CSS_SELECTOR, "img, iframe, object") == []
    look(browser, f"{site.as_uri()}/index.html")
    browser.find_element(By.ID, "words").send_keys("onerror")
    until(browser, "document.querySelector('#results a')?.textContent === arguments[0]", HOSTILE)
    assert "kmapbench" in browser.title


# ---- the published campaigns


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The site of what is published, with the campaigns in it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("reference")
        patch.setenv("KMAPBENCH_CACHE", str(folder / "cache"))
        given = ROOT / "results" / "reference"
        build_site([given], folder / "public")
        names = [path.parent for path in sorted(given.glob("*/campaign.json"))]
        loaded = {path.name: load(path, with_paths=False) for path in names}
        yield folder / "public", loaded


def test_the_front_page_of_the_published_campaigns_is_small_and_has_their_answers(
    browser, reference
):
    site, _ = reference
    look(browser, f"{site.as_uri()}/index.html")
    names = {url.removeprefix(f"{site.as_uri()}/") for url in requested(browser)}
    loaded = [name for name in names if not name.startswith("data:")]
    assert "index.html" in loaded and "assets/site.css" in loaded
    assert sum((site / name).stat().st_size for name in loaded) < MOST_BYTES
    text = " ".join(browser.find_element(By.TAG_NAME, "main").text.split())
    for folder in ("pks-6.12", "pks-7.3", "stock-6.12"):
        mail = (ROOT / "results" / "reference" / folder / "report.txt").read_text()
        claim = " ".join(mail.partition("\n\n")[0].split())
        assert claim in text, folder
        row = next(line for line in mail.splitlines() if line.strip().startswith("pmem page "))
        assert " ".join(row.split()) in text, folder


ASKED = """
const [old, next] = [arguments[0], arguments[1]].map(([variant, emulated, described, facts]) => (
  { variant, emulated, described, facts: new Map(facts) }));
return [...compatibility.differences(arguments[2], old, next)];
"""


def test_the_browser_finds_the_differences_that_compare_finds(browser, reference):
    site, loaded = reference
    rows = data(site, "campaigns")
    look(browser, f"{site.as_uri()}/compare.html")
    rules = data(site, "rules")
    sides = {}
    for _, name, _, _, kind, _ in rows["rows"]:
        for variant, _, _, _, _, facts, config, emulated, described, _ in rows["kinds"][kind]:
            told = data(site, f"facts/{facts}") + data(site, f"facts/{config}")
            source = from_campaign.source(loaded[name], variant, f"{name}:{variant}")
            sides[name, variant] = ([variant, emulated, described, told], source)
    pairs = [(a, b) for a in sides for b in sides if a != b]
    assert len(pairs) > 200
    for a, b in random.Random(1).sample(pairs, 60):
        (told, old), (other, new) = sides[a], sides[b]
        found = browser.execute_script(ASKED, told, other, rules)
        assert {name for name, _ in found} == set(compatibility.differences(old, new)), (a, b)


PAIRS = """
const [oldId, oldName, nextId, nextName, done] = arguments;
const side = async (id, variant) => {
  const one = (await kmapbench.campaigns()).find((known) => known.id === id);
  const at = one.variants.findIndex((known) => known.name === variant);
  const { figures, without } = await kmapbench.need(`campaign/${id}`);
  const byCase = new Map();
  for (const row of figures[at]) {
    byCase.set(row.case, (byCase.get(row.case) ?? new Map()).set(row.metric, row));
  }
  return { figures: byCase, without: new Map(without[at]) };
};
Promise.all([side(oldId, oldName), side(nextId, nextName), kmapbench.need("rules")])
  .then(([old, next, rules]) => done(compatibility.pairs(rules, old, next).map((pair) => [
    pair.name, pair.metric, pair.old.exact && pair.next.exact, pair.next.median - pair.old.median,
  ])));
"""


def test_the_browser_compares_the_figures_that_compare_compares(browser, reference):
    site, loaded = reference
    ids = {row[1]: row[0] for row in data(site, "campaigns")["rows"]}
    look(browser, f"{site.as_uri()}/compare.html")
    for name, before, after in (
        ("pks-6.12", "plain", "protected"),
        ("pks-7.3", "off", "protected-two"),
        ("dax-6.12", "off", "idle"),
    ):
        sources = [
            from_campaign.source(loaded[name], variant, f"{name}:{variant}")
            for variant in (before, after)
        ]
        (group,) = engine.compare([tuple(sources)])
        expected = {
            (row.case, row.pair.metric.name): (row.exact, row.difference) for row in group.rows
        }
        found = browser.execute_async_script(PAIRS, ids[name], before, ids[name], after)
        assert {(case, metric) for case, metric, _, _ in found} == set(expected)
        exact = [one for one in found if one[2]]
        assert exact
        for case, metric, is_exact, difference in found:
            assert is_exact == expected[case, metric][0]
            if is_exact:
                assert difference == expected[case, metric][1], case


def test_a_case_of_the_published_campaigns_is_ready_at_once_and_weighs_little(browser, reference):
    site, _ = reference
    for case in ("kernel/kmap_local/protected", "elsewhere/fork_exit"):
        look(browser, f"{site.as_uri()}/case/{case_file(site, case)}.html")
        until(browser, "document.querySelector('.chart canvas')")
        loaded = {url for url in requested(browser) if url.startswith(site.as_uri())}
        names = [url.removeprefix(f"{site.as_uri()}/") for url in loaded]
        assert sum((site / name).stat().st_size for name in names) < 2 * MOST_BYTES
        assert browser.get_log("browser") == []
