"""The prompt and the chat button in a real Chromium: what people see, hear, press, and never."""

from __future__ import annotations

import pytest
from collector_stub import HOLD, html, show

pytestmark = pytest.mark.browser

GRANTED = 'data-consent="granted"'
CARD = "welltimed-prompt"
OPENED = {"open": True, "message": None}


def ask_once(collector, decision) -> None:
    """Answer the first ask with `decision`, later ones with a hold."""
    answers = [decision]
    collector.decide = lambda _: answers.pop() if answers else HOLD


def see(collector, page, decision=None, *, body="", head="", snippet=GRANTED, path="/"):
    """Open a page on which the first decision shows a prompt; return the card once it is told."""
    ask_once(collector, decision or show())
    page.goto(collector.page(path, body, head, snippet))
    collector.wait_for("prompt_shown")
    return page.locator(CARD)


def style(locator, name: str) -> str:
    return locator.evaluate("(node, name) => getComputedStyle(node)[name]", name)


class TestShowing:
    def test_it_is_fetched_only_when_a_prompt_fires_and_tells_that_it_was_seen(
        self, collector, page
    ):
        """No prompt, no prompt.js; a prompt is confirmed with its decision, rule and variant."""
        collector.decide = lambda _: HOLD
        page.goto(collector.page("/"))
        collector.wait(lambda: collector.asks)
        page.evaluate("0")
        assert not [r for r in collector.requests if "prompt.js" in r.path]
        ask_once(collector, show("Need a hand?"))
        page.evaluate("welltimed('event', 'quote_started')")
        shown = collector.wait_for("prompt_shown")[0]
        assert (shown["decision_id"], shown["rule"], shown["variant"]) == (
            "decision-1",
            "three-searches",
            "plain",
        )
        assert page.locator(CARD).get_by_text("Need a hand?").is_visible()

    def test_it_is_announced_politely(self, collector, page):
        """The status region stands on the page, empty, before its text; nothing is alarmed."""
        page.add_init_script("""
          window.regions = [];
          new MutationObserver(list => list.forEach(({ addedNodes }) => addedNodes.forEach(node => {
            if (node.localName != "welltimed-prompt") return;
            const region = node.shadowRoot.querySelector("[role=status]");
            regions.push(region.textContent);
            new MutationObserver(() => regions.push(region.textContent))
              .observe(region, { childList: true, characterData: true, subtree: true });
          }))).observe(document, { childList: true, subtree: true });""")
        card = see(collector, page, show("Need a hand?"))
        assert page.evaluate("regions") == ["", "Need a hand?"]
        assert card.get_by_role("status").inner_text() == "Need a hand?"
        assert card.locator("[role=alert], [aria-live=assertive], [aria-modal]").count() == 0
        assert card.get_by_role("region", name="Need a hand?").is_visible()
        assert card.get_by_role("button", name="Close").is_visible()

    def test_a_person_who_types_is_not_disturbed(self, collector, page):
        """The focus stays, the keys go where they went, and the field is not covered."""
        collector.decide = lambda _: HOLD
        field = '<input id=f style="position: fixed; bottom: 40px; right: 40px; width: 300px">'
        page.goto(collector.page("/", field))
        collector.wait_for("page_view")
        page.click("#f")
        page.keyboard.type("abc")
        ask_once(collector, show())
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("prompt_shown")
        page.keyboard.type("def")
        assert page.evaluate("document.activeElement.id") == "f"
        assert page.input_value("#f") == "abcdef"
        card = page.locator(f"{CARD} section").bounding_box()
        box = page.locator("#f").bounding_box()
        assert card["y"] + card["height"] < box["y"]

    def test_markup_in_a_message_is_text(self, collector, page):
        """Nobody's words are read as HTML."""
        attack = "<img src=x onerror=alert(1)><b>bold</b>"
        said = {"articles": [{"title": attack, "url": "/help"}], "button": attack}
        card = see(collector, page, show(attack, **said))
        assert card.get_by_role("status").inner_text() == attack
        assert card.locator("img, b").count() == 0

    def test_addresses_that_are_scripts_are_no_links(self, collector, page):
        """javascript: in an article or a link leads nowhere; such an article is left out."""
        bad = "javascript:document.title='hit'"
        card = see(
            collector, page, show(articles=[{"title": "Read", "url": bad}], open=bad, button="Go")
        )
        assert card.get_by_text("Read").count() == 0
        card.get_by_role("button", name="Go").click()
        collector.wait_for("prompt_accepted")
        assert page.title() == "Shop"

    def test_the_delay_is_kept_and_dropped_when_the_visitor_leaves(self, collector, page):
        """It waits as told; another page of the app, or another tab, and it does not come."""
        page.clock.install()
        ask_once(collector, show(delay=5))
        page.goto(collector.page("/"))
        page.clock.run_for(1500)
        collector.wait(lambda: collector.asks)
        page.evaluate("0")
        page.clock.run_for(3000)
        assert page.locator(CARD).count() == 0
        page.clock.run_for(3000)
        page.locator(CARD).wait_for()
        page.clock.run_for(1000)
        collector.wait_for("prompt_shown")
        ask_once(collector, show(delay=5))
        page.evaluate("history.pushState({}, '', '/other')")
        page.locator(CARD).wait_for(state="detached")
        page.clock.run_for(2000)
        collector.wait(lambda: len(collector.asks) >= 2)
        page.evaluate("history.pushState({}, '', '/third')")
        page.clock.run_for(20_000)
        assert page.locator(CARD).count() == 0

    def test_while_it_is_open_the_page_does_not_ask_for_another(self, collector, page):
        """One prompt at a time; answered, the page asks again."""
        card = see(collector, page)
        asked = len(collector.asks)
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert len(collector.asks) == asked
        card.get_by_role("button", name="Close").click()
        collector.wait(lambda: len(collector.asks) > asked)

    def test_denying_takes_it_down(self, collector, page):
        """No consent, no prompt and no button."""
        see(collector, page, snippet=f"{GRANTED} data-chat='url:#chat'")
        page.locator("welltimed-button").wait_for()
        page.evaluate("welltimed('consent', 'deny')")
        page.locator(CARD).wait_for(state="detached")
        page.locator("welltimed-button").wait_for(state="detached")

    def test_a_strict_content_security_policy_and_trusted_types_hold(self, collector, page):
        """Nonce and nothing else; scripts from another origin; no policy of ours is needed."""
        policy = (
            "default-src 'none'; script-src 'nonce-abc'; style-src 'none'; "
            f"connect-src {collector.elsewhere}; require-trusted-types-for 'script'; "
            "trusted-types 'none'"
        )
        violations: list[str] = []
        page.on("console", lambda m: "Content Security" in m.text and violations.append(m.text))
        ask_once(collector, show("Need a hand?", articles=[{"title": "Help", "url": "/help"}]))
        text = html(
            "<p>x",
            snippet=f"{GRANTED} nonce=abc data-chat='url:#chat'",
            src=f"{collector.elsewhere}/tracker.js",
        )
        collector.pages["/"] = (text, {"Content-Security-Policy": policy})
        page.goto(collector.url)
        collector.wait_for("prompt_shown")
        assert style(page.locator(f"{CARD} section"), "borderRadius") == "16px"
        page.locator("welltimed-button").wait_for()
        assert not violations

    def test_the_pages_own_style_stays_outside(self, collector, page):
        """A page with wild rules does not change the card."""
        wild = (
            "<style>* { font-size: 40px; color: red } button, p, section { display: none }</style>"
        )
        card = see(collector, page, body="<h1>Hi</h1>", head=wild)
        assert style(card.get_by_role("status"), "fontSize") == "16px"
        assert card.get_by_role("button", name="Close").is_visible()

    def test_nothing_on_the_page_moves(self, collector, page):
        """No layout shift, neither of the page nor of the card, however long its message."""
        page.add_init_script("""
          window.shifts = [];
          new PerformanceObserver(list => shifts.push(...list.getEntries().map(e => e.value)))
            .observe({ type: "layout-shift", buffered: true });""")
        see(collector, page, show("A message that takes some lines. " * 6), body="<p>text</p>" * 40)
        page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        assert page.evaluate("shifts") == []


class TestAnswering:
    def test_escape_closes_it(self, collector, page):
        """And counts as dismissed, once."""
        card = see(collector, page)
        page.keyboard.press("Escape")
        dismissed = collector.wait_for("prompt_dismissed")
        assert dismissed[0]["decision_id"] == "decision-1"
        assert card.count() == 0
        page.keyboard.press("Escape")
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert len(collector.of("prompt_dismissed")) == 1

    def test_an_escape_that_another_dialog_took_leaves_it(self, collector, page):
        """A page's own handler goes first."""
        card = see(collector, page)
        page.evaluate("document.addEventListener('keydown', e => e.preventDefault())")
        page.keyboard.press("Escape")
        assert card.count() == 1

    def test_the_focus_goes_back_only_where_it_was_inside(self, collector, page):
        """Tabbing in and closing returns to where one came from; nothing is trapped."""
        card = see(collector, page, body="<input id=f>")
        page.focus("#f")
        for _ in range(2):
            page.keyboard.press("Tab")
        focused = "() => document.querySelector('welltimed-prompt').shadowRoot.activeElement"
        assert page.evaluate(f"({focused})().className") == "close"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement == document.body || !document.hasFocus()")
        page.focus("#f")
        page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        collector.wait_for("prompt_dismissed")
        assert page.evaluate("document.activeElement.id") == "f"
        assert card.count() == 0

    def test_accepting_opens_the_chat(self, collector, page):
        """The button tells, takes the card down, and opens what data-chat names."""
        card = see(collector, page, snippet=f"{GRANTED} data-chat='url:#chat'")
        card.get_by_role("button", name="Chat with us").click()
        accepted = collector.wait_for("prompt_accepted")[0]
        assert accepted["rule"] == "three-searches"
        assert page.evaluate("location.hash") == "#chat"
        assert card.count() == 0
        assert len(collector.of("page_view")) == 1

    def test_another_address_opens_beside_the_page(self, collector, context, page):
        """The shop stays open; the chat's page knows nothing of it."""
        collector.pages["/chat"] = "<p>the chat</p>"
        card = see(collector, page, snippet=f"{GRANTED} data-chat='url:{collector.url}/chat'")
        with context.expect_page() as opened:
            card.get_by_role("button", name="Chat with us").click()
        assert opened.value.url == f"{collector.url}/chat"
        assert opened.value.evaluate("window.opener") is None

    def test_the_site_may_open_its_own_chat(self, collector, page):
        """welltimed("on", "chat") is told what was said, and nothing else is opened."""
        hook = (
            "<script>window.welltimed = function () {"
            " (welltimed.q = welltimed.q || []).push(arguments) };"
            "welltimed('on', 'chat', said => { window.said = said; })</script>"
        )
        card = see(collector, page, show("Need a hand?", department="sales"), head=hook)
        card.get_by_role("button", name="Chat with us").click()
        page.wait_for_function("window.said")
        assert page.evaluate("said") == {"message": "Need a hand?", "department": "sales"}

    @pytest.mark.parametrize(
        ("said", "desk", "href"),
        [
            ({"open": "/offers"}, OPENED, "/offers"),
            ({"open": "contact"}, {**OPENED, "contact": "mailto:help@shop.example"}, "mailto:"),
            ({"open": "contact"}, {**OPENED, "contact": "/contact"}, "/contact"),
        ],
    )
    def test_a_link_is_a_link(self, collector, page, said, desk, href):
        """What leads to a page is an anchor, so that people may open it as they like."""
        card = see(collector, page, {**show(**said, button="Write to us"), "desk": desk})
        link = card.get_by_role("link", name="Write to us")
        assert href in link.evaluate("node => node.href")

    def test_articles_stand_above_the_button(self, collector, page):
        """Help first: each a link with its title."""
        card = see(
            collector, page, show(articles=[{"title": "Delivery times", "url": "/help/delivery"}])
        )
        link = card.get_by_role("link", name="Delivery times")
        assert link.evaluate("node => node.href") == f"{collector.url}/help/delivery"
        assert (
            link.bounding_box()["y"] < card.get_by_role("button", name="Chat").bounding_box()["y"]
        )

    def test_the_expected_wait_stands_beside_the_button_unless_the_message_says_it(
        self, collector, page
    ):
        """Once is enough."""
        card = see(collector, page, show("Hello", wait="about 2 minutes"))
        assert card.get_by_text("about 2 minutes").is_visible()
        card = see(
            collector, page, show("We answer in about 2 minutes", wait="about 2 minutes"), path="/b"
        )
        collector.wait_for("prompt_shown", 2)
        assert card.get_by_text("about 2 minutes").count() == 1


class TestHooks:
    def test_a_site_may_show_its_own_prompt(self, collector, page):
        """The hook that says false gets the whole decision and reports for itself."""
        hook = """<script>
          window.welltimed = function () { (welltimed.q = welltimed.q || []).push(arguments) };
          welltimed('on', 'prompt', decision => {
            window.mine = decision.prompt.message; decision.tell('shown'); return false;
          });
          welltimed('on', 'decision', ({ reason }) => (window.reasons ||= []).push(reason));
          welltimed('on', 'decision', () => { throw new Error('a hook that fails') });
        </script>"""
        ask_once(collector, show("Need a hand?"))
        page.goto(collector.page("/", head=hook))
        assert collector.wait_for("prompt_shown")[0]["decision_id"] == "decision-1"
        assert page.evaluate("mine") == "Need a hand?"
        assert page.evaluate("reasons[0]") == "shown"
        assert page.locator(CARD).count() == 0
        assert not [r for r in collector.requests if "prompt.js" in r.path]

    def test_decisions_only(self, collector, page):
        """data-prompt="off": the page is told, nothing is shown and nothing is fetched."""
        ask_once(collector, show())
        page.goto(collector.page("/", snippet=f"{GRANTED} data-prompt=off data-chat='url:#chat'"))
        collector.wait(lambda: collector.asks)
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        page.evaluate("0")
        assert page.locator(f"{CARD}, welltimed-button").count() == 0
        fetched = {r.path.split("?")[0] for r in collector.requests}
        assert not fetched & {"/prompt.js", "/button.js"}


def luminance(colour: str) -> float:
    """WCAG relative luminance of rgb(…)."""
    parts = [float(x) / 255 for x in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class TestLooks:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_texts_can_be_read_and_targets_hit(self, collector, page, scheme):
        """Contrast of at least 4.5, targets of at least 44 pixels, in light and dark."""
        page.emulate_media(color_scheme=scheme)
        card = see(collector, page, show(articles=[{"title": "Delivery", "url": "/d"}]))
        back = style(card.locator("section"), "backgroundColor")
        assert contrast(style(card.locator("p"), "color"), back) >= 4.5
        assert contrast(style(card.locator("li a"), "color"), back) >= 4.5
        go = card.locator(".go")
        assert contrast(style(go, "color"), style(go, "backgroundColor")) >= 4.5
        assert (luminance(back) > 0.5) == (scheme == "light")
        for target in ("li a", ".go", ".close"):
            box = card.locator(target).bounding_box()
            assert box["height"] >= 44
            assert box["width"] >= 44

    def test_a_phone_gets_a_card_at_the_bottom(self, collector, browser):
        """As wide as the screen, low, and never over the whole page."""
        context = browser.new_context(
            viewport={"width": 390, "height": 760}, is_mobile=True, has_touch=True
        )
        try:
            page = context.new_page()
            card = see(collector, page, body="<p>text</p>" * 50)
            box = card.locator("section").bounding_box()
            assert box["x"] >= 8
            assert box["width"] >= 340
            assert box["x"] + box["width"] <= 390 - 8
            assert box["y"] > 760 / 2
            assert box["y"] + box["height"] <= 760
            card.get_by_role("button", name="Close").tap()
            collector.wait_for("prompt_dismissed")
        finally:
            context.close()

    def test_right_to_left_languages(self, collector, page):
        """The card says its language and direction; the close button is on the other side."""
        card = see(collector, page, show("هل يمكنني مساعدتك؟", language="ar", button="نعم"))
        assert card.get_attribute("lang") == "ar"
        assert card.get_attribute("dir") == "rtl"
        box = card.locator("section").bounding_box()
        close = card.get_by_role("button", name="إغلاق").bounding_box()
        assert close["x"] - box["x"] < 60

    def test_a_message_of_no_language_speaks_the_pages(self, collector, page):
        """Written once, for everybody: the page's language is its language."""
        card = see(collector, page, show(language=None))
        assert card.get_attribute("lang") == "en"
        assert card.get_attribute("dir") == "ltr"

    def test_motion_only_where_it_is_welcome(self, collector, page):
        """With reduced motion the card is simply there."""
        page.emulate_media(reduced_motion="reduce")
        card = see(collector, page)
        assert style(card.locator("section"), "transitionDuration") == "0s"
        assert style(card.locator("section"), "transform") == "none"

    def test_forced_colours_keep_the_edges(self, collector, page):
        """Buttons are seen as buttons in high contrast."""
        page.emulate_media(forced_colors="active")
        card = see(collector, page)
        assert style(card.locator(".go"), "borderTopStyle") == "solid"
        edge = style(card.locator(".go"), "borderTopColor")
        assert contrast(edge, style(card.locator("section"), "backgroundColor")) >= 3

    def test_a_site_may_dress_it(self, collector, page):
        """Custom properties of the page reach the card."""
        dress = "<style>:root { --welltimed-accent: rgb(120, 0, 60) }</style>"
        card = see(collector, page, head=dress)
        assert style(card.locator(".go"), "backgroundColor") == "rgb(120, 0, 60)"


class TestButton:
    SNIPPET = f"{GRANTED} data-chat='url:#chat'"

    def test_it_is_there_as_the_decision_says_and_opens_the_chat(self, collector, page):
        """Shown while the widget is, gone when it is hidden, back when it is shown."""
        widget = {"now": "shown"}
        collector.decide = lambda _: {**HOLD, "widget": widget["now"], "desk": OPENED}
        page.goto(collector.page("/", snippet=self.SNIPPET))
        button = page.locator("welltimed-button").get_by_role("button", name="Chat")
        button.click()
        assert page.evaluate("location.hash") == "#chat"
        widget["now"] = "hidden"
        page.evaluate("welltimed('event', 'quote_started')")
        button.wait_for(state="detached")
        widget["now"] = "shown"
        page.evaluate("welltimed('event', 'quote_started')")
        button.wait_for()

    def test_it_says_when_the_desk_is_back(self, collector, page):
        """Shut, it opens nothing: it says what the desk says, and leads to the contact page."""
        desk = {"open": False, "message": "We are back at 08:00.", "contact": "/contact"}
        collector.decide = lambda _: {**HOLD, "desk": desk}
        page.goto(collector.page("/", snippet=self.SNIPPET))
        link = page.locator("welltimed-button").get_by_role("link", name="We are back at 08:00.")
        link.wait_for()
        assert link.evaluate("node => node.href") == f"{collector.url}/contact"

    def test_without_a_chat_of_ones_own_there_is_no_second_button(self, collector, page):
        """A vendor's launcher is the button; ours would be one too many."""
        page.goto(collector.page("/", snippet=f"{GRANTED} data-chat=zendesk"))
        collector.wait(lambda: collector.asks)
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert page.locator("welltimed-button").count() == 0
        assert not [r for r in collector.requests if "button.js" in r.path]


# A stand-in for each vendor's global that notes the calls, and what opening is to call.
VENDORS = {
    "zendesk": ("zE = (...a) => calls.push(a); zE.widget = 'messenger'", ["messenger", "open"]),
    "intercom": ("Intercom = (...a) => calls.push(a)", ["showNewMessage", None]),
    "chatwoot": ("$chatwoot = { toggle: (...a) => calls.push(a) }", ["open"]),
    "rocketchat": (
        "RocketChat = f => f.call({ maximizeWidget: () => calls.push(['maximize']) })",
        ["maximize"],
    ),
    "crisp": ("$crisp = { push: a => calls.push(a) }", ["do", "chat:open"]),
    "tawk": ("Tawk_API = { maximize: () => calls.push(['maximize']) }", ["maximize"]),
    "livechat": (
        "LiveChatWidget = { call: (...a) => calls.push(a) }",
        ["maximize", {"messageDraft": None}],
    ),
    "tidio": (
        """tidioChatApi = { open() { calls.push(['open']) },
        messageFromOperator(text) { calls.push(text) } }""",
        ["open"],
    ),
    "hubspot": (
        "HubSpotConversations = { widget: { open: () => calls.push(['open']) } }",
        ["open"],
    ),
    "helpscout": ("Beacon = (...a) => calls.push(a)", ["open"]),
    "olark": ("olark = (...a) => calls.push(a)", ["api.box.expand"]),
    "salesforce": (
        "embeddedservice_bootstrap = { utilAPI: { launchChat: () => calls.push(['launch']) } }",
        ["launch"],
    ),
}
OPERATORS = {"crisp", "tidio", "olark"}


class TestVendors:
    @pytest.mark.parametrize("vendor", VENDORS)
    def test_each_is_opened_by_its_documented_call(self, collector, page, vendor):
        """Where it shows the greeting as the operator's, it gets it; nobody else is told."""
        stub, call = VENDORS[vendor]
        card = see(
            collector,
            page,
            show("Need a hand?"),
            head=f"<script>window.calls = []; window.{stub}</script>",
            snippet=f"{GRANTED} data-chat={vendor}",
        )
        assert not [r for r in collector.requests if f"open-{vendor}.js" in r.path]
        card.get_by_role("button", name="Chat with us").click()
        page.wait_for_function("calls.length")
        assert page.evaluate("calls[0]") == call
        said = "Need a hand?" in page.evaluate("JSON.stringify(calls)")
        assert said == (vendor in OPERATORS)

    @pytest.mark.parametrize("vendor", ["zendesk", "nobody"])
    def test_a_vendor_that_does_not_come_falls_back_to_the_contact_page(
        self, collector, page, vendor
    ):
        """After five seconds, or at once where there is no such vendor."""
        collector.pages["/contact"] = "<p>write to us</p>"
        page.clock.install()
        ask_once(collector, {**show(), "desk": {"open": True, "contact": "/contact"}})
        page.goto(collector.page("/", snippet=f"{GRANTED} data-chat={vendor}"))
        page.clock.run_for(2000)
        page.locator(CARD).wait_for()
        page.clock.run_for(1000)
        page.locator(CARD).get_by_role("button", name="Chat with us").click()
        collector.wait(lambda: [r for r in collector.requests if f"open-{vendor}" in r.path])
        for _ in range(40):
            if page.url.endswith("/contact"):
                break
            page.clock.run_for(500)
        page.wait_for_url("**/contact")

    def test_a_hidden_widget_hides_the_vendors_launcher(self, collector, page):
        """And shows it again."""
        widget = {"now": "hidden"}
        collector.decide = lambda _: {**HOLD, "widget": widget["now"]}
        page.goto(
            collector.page(
                "/",
                head="<script>calls = []; zE = (...a) => calls.push(a)</script>",
                snippet=f"{GRANTED} data-chat=zendesk",
            )
        )
        page.wait_for_function("calls.length")
        widget["now"] = "shown"
        page.evaluate("welltimed('event', 'quote_started')")
        page.wait_for_function("calls.length > 1")
        assert page.evaluate("calls") == [["messenger", "hide"], ["messenger", "show"]]
