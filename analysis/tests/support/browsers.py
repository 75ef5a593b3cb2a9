# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium without a window, and pages in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver

_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)


@contextmanager
def started(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser until the block ends. profile: an empty folder."""
    options = webdriver.ChromeOptions()
    for flag in [*_FLAGS.split(), f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(
        service=webdriver.chrome.service.Service("/usr/bin/chromedriver"), options=options
    )
    try:
        yield driver
    finally:
        driver.quit()


def look(
    browser: webdriver.Chrome, address: str, width: int = 1280, scheme: str = "light", height=900
) -> None:
    """Opens a page in a window of that size, in pixels. scheme: light or dark."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    for log in ("browser", "performance"):
        browser.get_log(log)  # of the page before
    browser.get(address)
