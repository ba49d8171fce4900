"""Signs of the visitor on the page, in a real Chromium: forms, clicks, errors, the site's own."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

FORM = """<form name="quote" action="/sent" method="post">
  <input name="mail" type="email" required><input name="phone"><button>Send</button></form>"""


class TestForms:
    def test_no_value_ever_leaves(self, collector, page):
        """Sentinels in every kind of field, in every way they can be put there: in no request."""
        kinds = [
            "text",
            "password",
            "email",
            "tel",
            "url",
            "search",
            "number",
            "date",
            "time",
            "color",
            "range",
        ]
        fields = "".join(f'<input type="{k}" name="f-{k}" id="i-{k}">' for k in kinds)
        address = collector.page(
            "/form",
            f'<form name="all" novalidate onsubmit="event.preventDefault()">{fields}'
            '<input type="hidden" name="h" value="SENTINEL-hidden"><textarea name="t"></textarea>'
            '<select name="s"><option>x<option value="SENTINEL-option">y</select>'
            '<input type="checkbox" name="c" value="SENTINEL-check">'
            '<input type="radio" name="r" value="SENTINEL-radio"><input type="file" name="file">'
            '<div contenteditable id="ce"></div><button value="SENTINEL-button">Send</button>'
            "</form>",
        )
        page.goto(address)
        collector.wait_for("page_view")
        for kind in ("text", "password", "email", "tel", "url", "search"):
            page.fill(f"#i-{kind}", f"SENTINEL-{kind}@x.example")
        page.fill("#i-number", "778899001122")
        page.fill("#i-date", "1977-07-07")
        page.fill("#i-time", "07:07")
        page.locator("#i-color").evaluate("e => { e.value = '#7a7b7c'; }")
        page.fill("textarea", "SENTINEL-area")
        page.select_option("select", "SENTINEL-option")
        page.check("[name=c]")
        page.check("[name=r]")
        page.set_input_files(
            "[type=file]", {"name": "SENTINEL.txt", "mimeType": "text/plain", "buffer": b"SENTINEL"}
        )
        page.click("#ce")
        page.keyboard.type("SENTINEL-editable")
        page.click("button")
        collector.wait_for("field_edit", 8)
        page.goto("about:blank")
        collector.wait_for("page_hidden")
        sent = (
            b"".join(r.raw for r in collector.batches)
            + "".join(r.path for r in collector.requests).encode()
        )
        for secret in (b"SENTINEL", b"778899001122", b"1977-07-07", b"07:07", b"7a7b7c"):
            assert secret not in sent

    def test_a_form_is_told_by_names_and_counts(self, collector, page):
        """Started, edited, returned to; the page's report carries the counters with each ask."""
        page.goto(collector.page("/quote", FORM))
        collector.wait_for("page_view")
        page.click("[name=mail]")
        collector.wait_for("form_started")
        page.keyboard.type("ab")
        page.keyboard.press("Backspace")
        page.click("[name=phone]")
        collector.wait_for("field_edit")
        page.click("[name=mail]")
        returned = collector.wait_for("field_return")[0]
        assert (returned["form"], returned["field"]) == ("quote", "mail")
        ask = collector.wait(
            lambda: [a for a in collector.asks if a["state"].get("field_returns")], "a report"
        )[0]
        state = ask["state"]
        assert state["form"] == "quote"
        assert (state["corrections"], state["failed_submits"]) == (1, 0)
        assert state["hesitation"] >= 0
        assert state["idle_in_field"] <= state["field_time"] < state["on_page"] < 60
        assert "scroll_depth" in state
        assert "idle" in state

    def test_the_window_losing_focus_is_no_return(self, collector, page):
        """Another window in between leaves the field entered."""
        page.goto(collector.page("/quote", FORM))
        page.click("[name=mail]")
        page.keyboard.type("ab")
        collector.wait_for("form_started")
        page.evaluate("""() => {
          const field = document.activeElement;
          field.dispatchEvent(new FocusEvent('focusout', {bubbles: true, composed: true}));
          field.dispatchEvent(new FocusEvent('focusin', {bubbles: true, composed: true}));
        }""")
        page.click("[name=phone]")
        collector.wait_for("field_edit")
        assert not collector.of("field_return")

    def test_invalid_submits_fail_once_each(self, collector, page):
        """Two attempts with two invalid fields are two failures, of which one field shares two."""
        form = FORM.replace('name="phone"', 'name="phone" required')
        page.clock.install()
        page.goto(collector.page("/quote", form))
        page.clock.run_for(2000)
        collector.wait_for("page_view")
        for attempt in (1, 2):
            page.click("button")
            collector.wait(lambda: [r for r in collector.requests if "stuck.js" in r.path])
            for _ in range(50):
                if len(collector.of("submit_failed")) == attempt:
                    break
                page.clock.run_for(200)
            collector.wait_for("submit_failed", attempt)
            page.clock.run_for(1000)  # further apart than one press of the button
        assert [f["form"] for f in collector.of("submit_failed")] == ["quote", "quote"]
        state = collector.wait(
            lambda: [a["state"] for a in collector.asks if a["state"].get("failed_submits") == 2]
        )[0]
        assert state["same_field_errors"] == 2

    def test_asking_for_validity_while_typing_is_no_attempt(self, collector, page):
        """A page that calls checkValidity at each key has not been refused."""
        page.goto(collector.page("/quote", FORM))
        page.evaluate("document.forms[0].mail.oninput = e => { e?.target.checkValidity() }; 0")
        page.click("[name=mail]")
        page.keyboard.type("abc")
        page.click("[name=phone]")
        collector.wait_for("field_edit")
        assert not collector.of("submit_failed")

    def test_frameworks_mark_errors_with_aria_invalid(self, collector, page):
        """A novalidate form whose submit leaves a field aria-invalid has failed."""
        form = FORM.replace("<form", "<form novalidate")
        page.goto(collector.page("/quote", form))
        page.evaluate("""() => {
          document.forms[0].onsubmit = e => {
            e.preventDefault();
            setTimeout(() => e.target.mail.setAttribute('aria-invalid', 'true'), 50);
          };
        }""")
        page.click("[name=mail]")
        page.click("button")
        collector.wait_for("submit_failed")

    def test_a_submit_after_which_nothing_happens_is_no_progress(self, collector, page):
        """Five seconds later neither gone nor refused: counted, and the page asks."""
        form = FORM.replace("<form", "<form novalidate onsubmit='event.preventDefault()'")
        page.clock.install()
        page.goto(collector.page("/quote", form))
        page.clock.run_for(1000)
        page.click("[name=mail]")
        page.clock.run_for(1000)
        collector.wait_for("form_started")
        page.click("button")
        page.clock.run_for(6000)
        collector.wait(
            lambda: [a for a in collector.asks if a["state"].get("submit_no_progress") == 1]
        )
        assert not collector.of("form_submitted")

    def test_sent_and_abandoned_forms(self, collector, page):
        """Leaving by the submit is a form sent; leaving otherwise is one abandoned."""
        address = collector.page("/quote", FORM)
        page.goto(address)
        page.fill("[name=mail]", "a@b.example")
        collector.wait_for("form_started")
        page.click("button")
        assert collector.wait_for("form_submitted")[0]["form"] == "quote"
        page.goto(address)
        page.fill("[name=phone]", "1")
        collector.wait_for("form_started", 2)
        page.goto("about:blank")
        left = collector.wait_for("form_abandoned")[0]
        assert (left["form"], left["field"]) == ("quote", "phone")

    def test_search_boxes_are_no_forms(self, collector, page):
        """A form with a search field starts nothing and gets stuck in nothing."""
        box = "<form role=search><input name=q><button>Go</button></form>"
        page.goto(collector.page("/", box + FORM))
        page.click("[name=q]")
        page.keyboard.type("boots")
        page.click("[name=mail]")
        collector.wait_for("form_started")
        assert [f["form"] for f in collector.of("form_started")] == ["quote"]


class TestSignals:
    def test_three_quick_clicks_on_one_spot_are_rage(self, collector, page):
        """Not in fields, on steppers, on icons, nor where a text is selected by it."""
        page.goto(
            collector.page(
                "/",
                "<style>* { user-select: none }</style><button id=dead>Buy now</button><hr>"
                "<button id=plus>+</button><hr><input id=field><hr><button id=next><svg/></button>",
            )
        )
        collector.wait_for("page_view")
        for calm in ("#plus", "#field", "#next"):
            for _ in range(4):
                page.click(calm)
        for _ in range(3):
            page.click("#dead")
        collector.wait_for("rage_click")
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert len(collector.of("rage_click")) == 1

    def test_errors_scrolling_and_leaving_by_the_top(self, collector, page):
        """The page's own errors (without their text), how far it was seen, the pointer leaving."""
        page.goto(collector.page("/", "<div style='height: 4000px'></div>"))
        collector.wait_for("page_view")
        page.evaluate("setTimeout(() => { throw new Error('broken on purpose SECRET') })")
        collector.wait_for("js_error")
        page.evaluate("scrollTo(0, 99999)")
        assert collector.wait_for("scroll")[-1]["depth"] == 100
        page.mouse.move(50, 50)
        page.evaluate(
            "document.documentElement.dispatchEvent("
            "new MouseEvent('mouseout', {bubbles: true, clientY: -3}))"
        )
        collector.wait_for("exit_intent")
        assert b"SECRET" not in b"".join(r.raw for r in collector.batches)

    def test_the_sites_own_events_and_calls(self, collector, page):
        """Calls from before the script came follow the page view; ids and times are our own."""
        stub = """<script>
          window.welltimed = function () { (welltimed.q = welltimed.q || []).push(arguments) };
          welltimed('event', 'help_view', { article: 'returns', id: 'mine', at: 'never' });
          welltimed('identify', 'signed.jwt.here');
          welltimed('chat', 'started');
        </script>"""
        page.goto(collector.page("/", head=stub))
        view = collector.wait_for("help_view")[0]
        assert view["article"] == "returns"
        assert collector.events[0]["event"] == "page_view"
        assert view["id"] != "mine"
        assert view["at"] != "never"
        collector.wait_for("chat_started")
        assert collector.batches[-1].body["identity"] == "signed.jwt.here"
        odd = "x" * 5000
        page.evaluate(
            "odd => { const loop = {}; loop.loop = loop;"
            " welltimed('event', 'quote_started', loop);"
            " welltimed('event', 'quote_started', { odd, half: 'a\\ud83d' });"
            " welltimed('nonsense'); welltimed() }",
            odd,
        )
        event = collector.wait_for("quote_started")[0]
        assert len(event["odd"]) <= 1024
        assert event["half"] == "a"
