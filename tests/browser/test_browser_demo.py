"""A person at the demo: each case that it promises, in a real Chromium, on a real server.

Everything is awaited, nothing is slept for. Without a chromium on the machine conftest.py skips
these tests, and says so.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
sync_api = pytest.importorskip("playwright.sync_api", reason="NO BROWSER TESTS: no playwright")
expect = sync_api.expect

# A person's browser: the word HeadlessChrome is taken for a bot.
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
PHONE_AGENT = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)
PATIENCE = 15_000  # ms; two cores are shared
expect.set_options(timeout=PATIENCE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Start a real `welltimed demo` on a port of its own; yield its address."""
    data, port = tmp_path_factory.mktemp("demo"), free_port()
    log = (data / "log").open("w+")
    command = [sys.executable, "-m", "api.cli", "demo", "--data", str(data), "--port", str(port)]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("WELLTIMED_")}
    process = subprocess.Popen(
        [*command, "--workers", "2"], cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/healthz/ready", process, log)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        log.close()


def wait_for(url: str, process: subprocess.Popen, log) -> None:
    """Ask until the server answers, or say what it said before it ended."""
    for _ in range(600):
        if process.poll() is not None:
            log.seek(0)
            pytest.fail(f"the demo ended: {log.read()}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            try:
                process.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    pytest.fail("the demo did not answer")


class Visitor:
    """One person with a browser of their own. Complaints of the page fail the test."""

    def __init__(self, browser, shop: str, **options) -> None:
        size = {"width": 1280, "height": 900}
        options = {"user_agent": AGENT, "viewport": size, "locale": "en-GB"} | options
        self.context = browser.new_context(base_url=shop, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.shop = shop
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)

    def _heard(self, message) -> None:
        # A form that was refused answers 422, which the browser reports as a failed load.
        if message.type == "error" and "422" not in message.text:
            self.complaints.append(message.text)

    def _asked(self, request) -> None:
        if not request.url.startswith((self.shop, "data:")):
            self.complaints.append(f"asked an outside address: {request.url}")

    def agree(self) -> None:
        """Come to the home page and say yes."""
        self.page.goto("/demo/")
        with self.page.expect_response("**/v1/events"):
            self.page.get_by_role("button", name="Yes, that is fine").click()

    def open(self, path: str) -> None:
        """Open a page and wait until the rules have answered it."""
        self.page.goto(path)
        self.answered(".")

    def answered(self, pattern: str) -> None:
        """Wait for an answer: reason, by, rule and widget, as the strip at the top was told."""
        expect(self.page.locator("body")).to_have_attribute("data-answer", re.compile(pattern))

    def search(self, words: str) -> None:
        self.page.get_by_role("searchbox", name="Search the shop").fill(words)
        self.page.get_by_role("button", name="Search", exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(words)

    def search_thrice(self) -> None:
        for words in ("boots", "walking boots", "wide walking boots"):
            with self.page.expect_event("requestfinished", tells("search")):
                self.search(words)

    def shut_or_open_the_desk(self) -> None:
        before = self.desk.get_attribute("aria-checked")
        self.show_controls()
        with self.page.expect_navigation():
            self.desk.click()
        after = "false" if before == "true" else "true"
        expect(self.desk).to_have_attribute("aria-checked", after)

    def let_a_day_pass(self, *, told: int) -> None:
        """Press the button once the server holds what this page told, on so many days."""
        self.page.wait_for_function(LOOKS_AT_THE_BOOTS, arg=told)
        self.show_controls()
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Come back another day").click()

    def show_controls(self) -> None:
        more = self.page.get_by_role("button", name="Controls")
        if more.is_visible() and more.get_attribute("aria-expanded") == "false":
            more.click()

    @property
    def desk(self):
        return self.page.locator("#desk-switch")

    @property
    def prompt(self):
        return self.page.locator(PROMPT)

    @property
    def chat_button(self):
        return self.page.locator(CHAT_BUTTON)

    @property
    def chat(self):
        return self.page.get_by_role("region", name="Chat", exact=True)


# In how many visits the boots were looked at, asked of the rules themselves.
LOOKS_AT_THE_BOOTS = """async (wanted) => {
    const { v } = JSON.parse(localStorage.welltimed);
    const query = new URLSearchParams({ visitor: v, page: location.origin + "/demo/p/4471" });
    const headers = { "X-Welltimed-Demo": "1" };
    const told = await (await fetch(`/demo/controls/why?${query}`, { headers })).json();
    const rule = (told.trace || []).find(({ rule }) => rule === "third-look");
    return rule?.gates.find(({ gate }) => gate === "when").conditions.actual === wanted;
}"""
PROMPT = "welltimed-prompt section"
CHAT_BUTTON = "welltimed-button .pill"


@pytest.fixture
def visitor(browser, shop):
    person = Visitor(browser, shop)
    yield person
    complaints = person.complaints
    person.context.close()
    assert complaints == []


# --- searching ------------------------------------------------------------------------------


def test_the_third_search_brings_the_offer(visitor) -> None:
    """Two searches bring nothing, the third a prompt that keeps its hands off the focus."""
    visitor.agree()
    visitor.search("boots")
    visitor.search("walking boots")
    expect(visitor.prompt).to_have_count(0)
    visitor.search("wide walking boots")
    expect(visitor.prompt).to_contain_text("Can I help you find what you are looking for?")
    assert visitor.page.evaluate("document.activeElement.tagName") == "BODY"


def test_escape_closes_the_offer_for_good(visitor) -> None:
    """Escape closes the prompt, and the next search does not bring it back."""
    visitor.agree()
    visitor.search_thrice()
    expect(visitor.prompt).to_be_visible()
    visitor.page.keyboard.press("Escape")
    expect(visitor.prompt).to_have_count(0)
    visitor.search("boots for wide feet")
    visitor.answered("^(capped|cooling_down) .* three-searches")
    expect(visitor.prompt).to_have_count(0)


def test_the_offer_opens_the_stand_in_chat(visitor) -> None:
    """Accepting opens the chat with the prompt's words; while it is open nothing is offered."""
    visitor.agree()
    visitor.search_thrice()
    with visitor.page.expect_request(tells("chat_started")):
        visitor.prompt.get_by_role("button", name="Ask a person").click()
    expect(visitor.chat).to_be_visible()
    expect(visitor.chat).to_contain_text("Can I help you find what you are looking for?")
    visitor.chat.get_by_label("Your message").fill("Do these come in wide?")
    visitor.chat.get_by_role("button", name="Send").click()
    expect(visitor.chat).to_contain_text("Do these come in wide?")
    visitor.open("/demo/pricing")
    expect(visitor.chat).to_contain_text("Do these come in wide?")
    with visitor.page.expect_request(tells("chat_ended")):
        visitor.chat.get_by_role("button", name="End the chat").click()
    expect(visitor.chat).to_be_hidden()


def test_a_second_tab_is_the_same_visitor(visitor) -> None:
    """Two searches in one tab and one in another bring the offer, to whoever searched last."""
    visitor.agree()
    visitor.search("boots")
    other = visitor.context.new_page()
    with other.expect_event("requestfinished", tells("search")):
        other.goto("/demo/search?q=winter%20boots")
    visitor.search("wide boots")
    expect(visitor.prompt).to_contain_text("Can I help you find")
    expect(other.locator(PROMPT)).to_have_count(0)


def test_an_address_typed_by_hand_keeps_the_visitor(visitor) -> None:
    """Searches that are opened from bookmarks, with no page before them, count as well."""
    visitor.agree()
    for words in ("boots", "walking%20boots", "wide%20boots"):
        with visitor.page.expect_event("requestfinished", tells("search")):
            visitor.page.goto(f"/demo/search?q={words}")
    expect(visitor.prompt).to_contain_text("Can I help you find")


# --- coming back ----------------------------------------------------------------------------


def test_the_third_visit_to_one_product_brings_another_offer(visitor) -> None:
    """One product on three days brings its own prompt; the second day does not yet."""
    visitor.agree()
    visitor.open("/demo/p/4471")
    for day in (1, 2):
        visitor.answered("^(needs_more_events|still_waiting) ")
        expect(visitor.prompt).to_have_count(0)
        visitor.let_a_day_pass(told=day)
    expect(visitor.prompt).to_contain_text("Good to see you back.")


def test_another_product_does_not_count(visitor) -> None:
    """On the third day another product brings nothing."""
    visitor.agree()
    visitor.open("/demo/p/4471")
    visitor.let_a_day_pass(told=1)
    visitor.page.goto("/demo/")
    visitor.let_a_day_pass(told=2)
    with visitor.page.expect_request(tells("product_view")):
        visitor.open("/demo/p/5210")
    visitor.answered("^(needs_more_events|still_waiting) ")
    expect(visitor.prompt).to_have_count(0)


# --- the form -------------------------------------------------------------------------------


def test_two_refusals_bring_a_hand(visitor) -> None:
    """Refused once nothing happens; refused twice somebody offers to fill it in together."""
    visitor.agree()
    visitor.open("/demo/quote")
    fill_in(visitor.page, phone="01539 720049")
    send = visitor.page.get_by_role("button", name="Ask for the quote")
    with visitor.page.expect_request(tells("submit_failed")):
        send.click()
    expect(visitor.page.get_by_label("Telephone")).to_have_attribute("aria-invalid", "true")
    expect(visitor.prompt).to_have_count(0)
    # At a person's pace: two presses within half a second are one attempt.
    visitor.page.get_by_label("Telephone").fill("")
    visitor.page.get_by_label("Telephone").press_sequentially("0044 1539 720049", delay=50)
    with visitor.page.expect_request(tells("submit_failed")):
        send.click()
    expect(visitor.prompt).to_contain_text("We can fill this in together.")
    expect(visitor.prompt).to_contain_text("20 seconds")


def test_a_form_filled_in_right_goes_through_in_peace(visitor) -> None:
    """Whoever gets it right is thanked and not interrupted."""
    visitor.agree()
    visitor.open("/demo/quote")
    fill_in(visitor.page, start=a_monday())
    visitor.page.get_by_role("button", name="Ask for the quote").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Your quote is on its way")
    expect(visitor.prompt).to_have_count(0)


def test_nothing_that_was_typed_leaves(visitor) -> None:
    """No event carries anything that was typed into the form, nor into the chat."""
    bodies: list[str] = []
    visitor.page.on(
        "request",
        lambda r: bodies.append(r.post_data or "") if r.url.endswith("/v1/events") else None,
    )
    visitor.agree()
    visitor.open("/demo/quote")
    secret = "Xylophone"
    fill_in(visitor.page, name=f"{secret} Smith", email=f"{secret}@example.com", phone=secret)
    with visitor.page.expect_request(tells("submit_failed")):
        visitor.page.get_by_role("button", name="Ask for the quote").click()
    visitor.page.get_by_role("button", name="Open the chat").click()
    visitor.chat.get_by_label("Your message").fill(secret)
    visitor.chat.get_by_role("button", name="Send").click()
    with visitor.page.expect_request(tells("chat_ended")):
        visitor.chat.get_by_role("button", name="End the chat").click()
    assert any("submit_failed" in body for body in bodies)
    assert [body for body in bodies if secret.lower() in body.lower()] == []


# --- where nobody is interrupted ------------------------------------------------------------


@pytest.mark.parametrize("path", ["/demo/basket", "/demo/checkout", "/demo/checkout/payment"])
def test_at_the_till_there_is_a_button_and_no_prompt(visitor, path) -> None:
    """With a rule that is ready, basket and checkout show no prompt; the chat button stays."""
    visitor.agree()
    visitor.search("boots")
    visitor.search("walking boots")
    # The third search, told on the page itself: the rule is ready there and held back there.
    visitor.open(path)
    visitor.page.evaluate("welltimed('event', 'search', { query: 'wide boots' })")
    visitor.answered("^suppressed checkout three-searches shown$")
    expect(visitor.chat_button).to_be_visible()
    expect(visitor.prompt).to_have_count(0)
    visitor.open("/demo/products")
    expect(visitor.prompt).to_contain_text("Can I help you find")


def test_a_basket_can_be_paid(visitor) -> None:
    """The way from a product to the thank-you works, and afterwards nobody is bothered."""
    visitor.agree()
    visitor.open("/demo/p/4471")
    visitor.page.get_by_role("button", name="Put in the basket").click()
    expect(visitor.page.get_by_text("Together")).to_contain_text("£159")
    visitor.page.get_by_role("link", name="To the checkout").click()
    visitor.page.get_by_role("button", name="On to the payment").click()
    with visitor.page.expect_request(tells("purchase")):
        visitor.page.get_by_role("button", name="Pay (not really)").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Thank you")
    visitor.search_thrice()
    visitor.answered("^suppressed bought-just-now three-searches shown$")
    expect(visitor.prompt).to_have_count(0)


# --- the desk -------------------------------------------------------------------------------


def test_a_closed_desk_offers_nothing_and_says_when_it_opens(visitor) -> None:
    """With the desk shut the third search is held back, and the chat button says why; open, not."""
    visitor.agree()
    visitor.shut_or_open_the_desk()
    try:
        visitor.search_thrice()
        visitor.answered("^suppressed desk-closed three-searches shown$")
        expect(visitor.prompt).to_have_count(0)
        expect(visitor.chat_button).to_contain_text("We are back")
        expect(visitor.chat_button).to_contain_text("09:00")
        visitor.open("/demo/help/contact")
        expect(visitor.page.locator("#hours-now")).to_contain_text("We are back")
    finally:
        visitor.shut_or_open_the_desk()
    expect(visitor.page.locator("#hours-now")).to_have_text("The chat desk is open now.")
    expect(visitor.prompt).to_contain_text("Can I help you find")


# --- consent, forgetting, why ---------------------------------------------------------------


def test_without_consent_nothing_is_sent(visitor) -> None:
    """Until somebody says yes, and after a no, the tracker sends nothing and keeps nothing."""
    sent: list[str] = []
    visitor.page.on("request", lambda r: sent.append(r.url) if "/v1/events" in r.url else None)
    visitor.page.goto("/demo/")
    visitor.page.get_by_role("button", name="No, thank you").click()
    visitor.search("boots")
    visitor.search("walking boots")
    visitor.search("wide walking boots")
    visitor.page.wait_for_function("window.welltimed?.live")
    assert sent == []
    assert visitor.page.evaluate("localStorage.getItem('welltimed')") in {None, "0"}
    expect(visitor.page.locator("#answer-text")).to_contain_text("no consent")


def test_forget_me_begins_anew(visitor) -> None:
    """Forget me erases the visitor everywhere, and the consent bar asks again."""
    visitor.agree()
    visitor.search_thrice()
    before = visitor.page.evaluate("JSON.parse(localStorage.welltimed).v")
    visitor.show_controls()
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("button", name="Forget me").click()
    expect(visitor.page.get_by_role("button", name="Yes, that is fine")).to_be_visible()
    reply = visitor.context.request.get(
        f"/demo/controls/why?visitor={before}", headers={"X-Welltimed-Demo": "1"}
    )
    assert reply.json()["reason"] == "unknown_visitor"


def test_why_tells_what_is_missing(visitor) -> None:
    """After two searches Why says that one more would do it; Escape closes it."""
    visitor.agree()
    visitor.search("boots")
    visitor.search("walking boots")
    button = visitor.page.get_by_role("button", name="Why?")
    button.click()
    why = visitor.page.get_by_role("region", name="Why, or why not")
    rule = why.locator("details", has_text="three-searches").first
    if rule.get_attribute("open") is None:
        rule.locator("summary").click()
    expect(rule).to_contain_text("2 of 3")
    expect(rule).to_contain_text("would do it")
    visitor.page.keyboard.press("Escape")
    expect(why).to_be_hidden()
    expect(button).to_be_focused()


def test_waiting_is_told_in_seconds(visitor) -> None:
    """A verification that has begun is waited for, and the strip says when it is asked again."""
    visitor.agree()
    visitor.open("/demo/verify")
    answer = visitor.page.locator("#answer-text")
    expect(answer).to_have_text(re.compile(r"again in [5-9]\d s \(verification-waiting\)"))
    visitor.page.get_by_label("The six digits").fill("246 810")
    visitor.page.get_by_role("button", name="Check", exact=True).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("It is you")


# --- a phone --------------------------------------------------------------------------------


@pytest.fixture
def on_a_phone(browser, shop):
    person = Visitor(
        browser,
        shop,
        viewport={"width": 390, "height": 844},
        user_agent=PHONE_AGENT,
        has_touch=True,
        is_mobile=True,
        color_scheme="dark",
    )
    yield person
    complaints = person.complaints
    person.context.close()
    assert complaints == []


def test_on_a_phone_it_fits_and_offers(on_a_phone) -> None:
    """At phone size no page is wider than the screen, and the third search brings the offer."""
    on_a_phone.agree()
    for path in ("/demo/", "/demo/p/4471", "/demo/basket", "/demo/quote", "/demo/pricing"):
        on_a_phone.page.goto(path)
        assert on_a_phone.page.evaluate("document.documentElement.scrollWidth") <= 390, path
    on_a_phone.search_thrice()
    expect(on_a_phone.prompt).to_be_visible()
    box = on_a_phone.prompt.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] + box["height"] <= 844


def test_on_a_phone_the_desk_can_be_shut(on_a_phone) -> None:
    """The controls are there at phone size too, behind their button."""
    on_a_phone.agree()
    on_a_phone.shut_or_open_the_desk()
    on_a_phone.shut_or_open_the_desk()


# --- helpers --------------------------------------------------------------------------------


def tells(event: str):
    """Match a request to the collector that carries an event of that name."""

    def matches(request) -> bool:
        if not request.url.endswith("/v1/events"):
            return False
        sent = json.loads(request.post_data or "{}")
        return any(item.get("event") == event for item in sent.get("events", []))

    return matches


def fill_in(page, **other: str) -> None:
    """Fill in the quote form, by hand as it were, with some answers of one's own."""
    answers = {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "phone": "+441539720049",
        "postcode": "LA9 4DL",
        "people": "8",
        "start": "01/01/2030",
    }
    for name, text in (answers | other).items():
        page.locator(f"#{name}").fill(text)


def a_monday() -> str:
    """Return a Monday at least five days ahead, as the form wants it."""
    day = datetime.now(UTC).date() + timedelta(days=7)
    day += timedelta(days=-day.weekday() % 7)
    return f"{day:%d/%m/%Y}"
