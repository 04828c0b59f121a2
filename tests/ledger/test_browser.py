"""The page in a browser: nothing is fetched, nothing is said on the console, nothing runs over the edge, and paper shows all of it.

A headless Chromium is spoken to through its DevTools protocol over a pipe (--remote-debugging-pipe: JSON between zero bytes), so
that nothing is put into the page. Skipped where there is no Chromium.
"""

import base64
import fcntl
import io
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ledger import html
from tests.ledger.test_html import full_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome is installed")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 60.0
WIDTHS = {"desktop": 1280, "tablet": 820, "phone": 390}


class Browser:
    """One tab; `events` holds what it has reported since the last `open`."""

    def __init__(self, folder: Path):
        (near_in, ours_out), (ours_in, near_out) = os.pipe(), os.pipe()
        # The protocol is read from descriptor 3 and written to 4; a shell puts the pipes there, from numbers that are neither.
        theirs_in, theirs_out = (fcntl.fcntl(near, fcntl.F_DUPFD, 10) for near in (near_in, near_out))
        words = [str(BROWSER), *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out} 2>/dev/null'
        self.process = subprocess.Popen(["bash", "-c", shell, "browser", *words], pass_fds=(theirs_in, theirs_out))
        for descriptor in (near_in, near_out, theirs_in, theirs_out):
            os.close(descriptor)
        self.sender, self.receiver = os.fdopen(ours_out, "wb", 0), ours_in
        self.rest, self.number, self.session = b"", 0, None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.sender.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            piece = os.read(self.receiver, 1 << 16)
            assert piece, "the browser has gone"
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\0")
        return json.loads(line)

    def open(self, page: Path, width: int, *, dark: bool = False, media: str = "screen") -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        end = time.monotonic() + PATIENCE
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            assert time.monotonic() < end, "the page did not load"
            self.value("0")
            time.sleep(0.02)

    def value(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def picture(self, *, whole: bool = False) -> np.ndarray:
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        raw = base64.b64decode(found["data"])
        if kept := os.environ.get("THREEFOLD_SCREENSHOTS"):  # a folder in which to look at them
            Path(kept, f"{self.number}.png").write_bytes(raw)
        return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"))

    def told(self, *methods: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") in methods]

    def close(self) -> None:
        try:
            self.session = None
            self.call("Browser.close")
        finally:
            self.process.wait(20)
            self.sender.close()
            os.close(self.receiver)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html.page(full_report()))
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


def not_blank(picture: np.ndarray) -> bool:
    some = picture[::3, ::3].astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.uint32)
    return len(np.unique(some)) > 30 and picture[::3, ::3].std() > 5


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_shows_quietly_and_fits(browser, page, width, dark):
    """No line on the console, no request but the page's own, and no sideways scrolling, folded or not."""
    browser.open(page, width, dark=dark)
    assert browser.told("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
    assert [event["request"]["url"] for event in browser.told("Network.requestWillBeSent")] == [page.as_uri()]
    picture = browser.picture()
    assert picture.shape[1] == width and not_blank(picture)
    assert (picture[-1, width // 2].mean() < 60) == dark or picture.mean() < 80
    for _ in range(2):
        assert browser.value("document.documentElement.scrollWidth") <= width
        browser.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert not_blank(browser.picture(whole=True))


def test_formulas_have_a_size(browser, page):
    browser.open(page, WIDTHS["phone"])
    sizes = (
        "Array.from(document.querySelectorAll('math'), m => m.getBoundingClientRect()).map(r => [r.width, r.height])"
    )
    found = np.asarray(browser.value(sizes))
    assert len(found) > 8 and (found > 10).all()
    assert (
        browser.value("document.querySelectorAll('math mfrac').length") > 10
    )  # they are elements of mathematics, not letters
    heights = "Array.from(document.querySelectorAll('math mfrac'), m => m.getBoundingClientRect().height)"
    assert min(browser.value(heights)) > 15


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_a_link_from_a_notebook_arrives(browser, page, width):
    browser.open(page, width)
    browser.value("location.hash = '#eq-19'")
    top = "document.getElementById('lem-25').querySelector('h3').getBoundingClientRect().top"
    above = "innerWidth < 1120 ? document.querySelector('nav').getBoundingClientRect().bottom : 0"  # the bar, not the column
    assert browser.value(above) <= browser.value(top) < 200


def test_the_keyboard_is_enough(browser, page):
    """The first stop is the skip link, in sight and outlined; a layer opens by Enter."""
    browser.open(page, WIDTHS["desktop"])
    press(browser, "Tab")
    assert browser.value("document.activeElement.className") == "skip"
    assert browser.value("document.activeElement.getBoundingClientRect().left") >= 0
    assert browser.value("getComputedStyle(document.activeElement).outlineStyle") != "none"
    browser.value("document.querySelector('#lem-25 summary').focus()")
    press(browser, "Enter")
    assert browser.value("document.querySelector('#lem-25 details').open") is True


def press(browser: Browser, key: str) -> None:
    code = {"Tab": 9, "Enter": 13}[key]
    words = {"key": key, "code": key, "windowsVirtualKeyCode": code}
    browser.call("Input.dispatchKeyEvent", type="keyDown", **words, **({"text": "\r"} if key == "Enter" else {}))
    browser.call("Input.dispatchKeyEvent", type="keyUp", **words)


def test_paper_shows_what_is_folded(browser, page):
    """As many sheets as with every layer opened by hand; were the layers left folded there would be fewer."""
    browser.open(page, WIDTHS["desktop"], media="")
    folded = sheets(browser)
    browser.value("document.querySelectorAll('.layers > details').forEach(each => each.open = true)")
    assert sheets(browser) == folded
    browser.value("document.querySelectorAll('.layers > details').forEach(each => each.remove())")
    assert sheets(browser) < folded - 2


def sheets(browser: Browser) -> int:
    printed = base64.b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    return len(re.findall(rb"/Type\s*/Page\b", printed))
