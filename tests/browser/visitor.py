"""A person at a browser. Playwright lives in a thread of its own, where Django is never called."""

import re
from concurrent.futures import ThreadPoolExecutor

from tests.services import CHROMIUM, PEERS

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS = 20
# The sidebar is the same on every page: it is looked at once, on the dashboard.
FRAME = "#nav-sidebar"
AXE = """(frame) => axe.run({exclude: frame}, {resultTypes: ["violations"]}).then((found) =>
    found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" "))}`))"""


class Browser:
    """Chromium, started once; every visitor gets a profile of their own in it."""

    def __init__(self):
        self._thread = ThreadPoolExecutor(1)
        self._thread.submit(self._start).result(60)

    def _start(self):
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)

    def stop(self):
        self.run(self._chromium.close)
        self.run(self._playwright.stop)
        self._thread.shutdown()

    def run(self, action, *arguments, **options):
        """Call `action` in the thread of the browser and return what it returns."""
        return self._thread.submit(action, *arguments, **options).result(60)

    def visitor(self, address, *, width, dark):
        return Visitor(self, self.run(self._profile, width, dark), address)

    def _profile(self, width, dark):
        look = {"viewport": {"width": width, "height": 900}, "color_scheme": "dark" if dark else "light"}
        profile = self._chromium.new_context(**look)
        profile.set_default_timeout(1000 * SECONDS)
        return profile


class Visitor:
    """Looks at one page after another, and notes what no visitor should ever meet."""

    def __init__(self, browser, profile, address):
        self.address = address
        self._browser, self._profile = browser, profile
        # Requests to anywhere else, and what the page complained of.
        self.strayed, self.complaints = [], []
        self._page = browser.run(self._opened)

    def _opened(self):
        page = self._profile.new_page()
        page.on("request", self._note)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _note(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.strayed.append(request.url)

    def _hear(self, message):
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def leave(self):
        self._browser.run(self._profile.close)

    def do(self, action, *arguments):
        """Run `action(page, *arguments)` and return what it returns."""
        return self._browser.run(action, self._page, *arguments)

    def bring(self, name, value):
        """Let the visitor have a cookie."""
        self._browser.run(self._profile.add_cookies, [{"name": name, "value": value, "url": self.address}])

    def open(self, path):
        """Go to a page of the server; return its status."""
        return self.do(lambda page: page.goto(self.address + path).status)

    def follow(self, selector):
        """Click what leads to another page, and wait until that has come."""

        def click(page):
            with page.expect_navigation():
                page.click(selector)

        self.do(click)

    def fill(self, **values):
        """Fill fields of a form by their names."""
        for name, value in values.items():
            self.do(lambda page, name=name, value=value: page.fill(f"[name={name}]", value))

    def press(self, *keys):
        """Use the keyboard on whatever has the focus."""
        for key in keys:
            self.do(lambda page, key=key: page.keyboard.press(key))

    def tab_to(self, *texts):
        """Move the focus on, as people without a mouse do, to what says each of `texts` in turn."""

        def move(page, text):
            for _ in range(100):
                page.keyboard.press("Tab")
                if page.evaluate("document.activeElement.textContent.trim()") == text:
                    return
            raise AssertionError(f"no key leads to {text!r}")

        for text in texts:
            self.do(move, text)

    def read(self, selector):
        """Return the text of an element, as people see it."""
        return self.do(lambda page: page.inner_text(selector))

    def sees(self, selector, text):
        """Wait until the element says `text`."""
        self.reads(selector, re.escape(text))

    def reads(self, selector, pattern):
        """Wait until what the element says matches `pattern`."""
        script = "([where, what]) => RegExp(what).test(document.querySelector(where)?.textContent ?? '')"
        self.do(lambda page: page.wait_for_function(script, arg=[selector, pattern]))

    def look(self, *, width, dark):
        """See the same page in another window and with the other theme, as unfold's switch sets it."""

        def change(page):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate("(dark) => document.documentElement.classList.toggle('dark', dark)", dark)

        self.do(change)

    def violations(self, *, with_frame=False):
        """Return what axe-core finds wrong with the page, as `rule: elements`, and whether it is too wide."""
        script = (PEERS / "node_modules" / "axe-core" / "axe.min.js").read_text()

        def ask(page):
            if not page.evaluate("'axe' in window"):
                page.add_script_tag(content=script)
            found = page.evaluate(AXE, [] if with_frame else [[FRAME]])
            return found + ["too wide"] * page.evaluate("document.body.scrollWidth > innerWidth")

        return self.do(ask)
