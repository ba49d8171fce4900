"""How events reach the collector: batches, failures, leaving, several tabs, hostile pages."""

from __future__ import annotations

import json

import pytest
from collector_stub import HOLD, refuse

pytestmark = pytest.mark.browser


def record(page) -> dict:
    """Return the visitor's record in the browser's storage."""
    return json.loads(page.evaluate("localStorage.welltimed"))


def ids(requests) -> list[str]:
    return [e["id"] for r in requests for e in r.events]


class TestBatches:
    def test_a_burst_goes_in_few_batches_within_the_limits(self, collector, page):
        """No batch is over 64 KiB or 100 events, and none is lost or sent twice."""
        page.goto(collector.page("/"))
        collector.wait_for("page_view")
        page.evaluate(
            "const t = 'é'.repeat(400);"
            "for (let i = 0; i < 150; i++) welltimed('event', 'quote_started', { i, t })"
        )
        events = collector.wait_for("quote_started", 150)
        assert [e["i"] for e in events] == list(range(150))
        assert all(len(r.raw) < 64 * 1024 and len(r.events) <= 100 for r in collector.batches)
        sent = ids(collector.batches)
        assert len(sent) == len(set(sent))

    def test_everything_said_while_leaving_arrives(self, collector, page):
        """30 events of 3 kB at pagehide: what the browser refuses goes with the next page."""
        address = collector.page("/next")
        page.goto(collector.page("/"))
        collector.wait_for("page_view")
        page.evaluate("""() => addEventListener("pagehide", () => {
          for (let i = 0; i < 30; i++) {
            const part = "x".repeat(1000);
            welltimed("event", "quote_started", { i, a: part, b: part, c: part });
          }
        })""")
        page.goto(address)
        events = collector.wait_for("quote_started", 30)
        assert sorted(e["i"] for e in events) == list(range(30))

    def test_the_token_of_a_reply_goes_with_the_next_batch(self, collector, page):
        """Every reply's token is kept with the id, and sent from then on, on later pages too."""
        page.goto(collector.page("/"))
        collector.wait_for("page_view")
        page.wait_for_function("localStorage.welltimed.includes('token-of')")
        page.goto(collector.page("/next"))
        collector.wait_for("page_view", 2)
        first, *_, last = collector.batches
        assert "token" not in first.body
        assert last.body["token"] == f"token-of-{first.body['visitor']}"

    def test_without_a_token_an_event_that_the_server_holds_proves_who_we_are(
        self, collector, page
    ):
        """A page that was left before its first reply came is the same visitor on the next."""
        collector.replies = [lambda body: (202, {}, {"accepted": len(body["events"])})] * 2
        page.goto(collector.page("/"))
        first = collector.wait_for("page_view")[0]
        page.goto(collector.page("/next"))
        collector.wait_for("page_view", 2)
        opened, left, arrived = collector.batches
        assert len({r.body["visitor"] for r in collector.batches}) == 1
        assert not any("token" in r.body for r in collector.batches)
        assert ids([opened]) == [first["id"]]
        assert first["id"] in ids([left])
        assert set(ids([arrived])) & set(ids([opened, left]))

    @pytest.mark.parametrize("code", ["token_required", "bad_token"])
    def test_a_token_that_is_refused(self, collector, page, code):
        """Once more without it, with an event the server holds; refused again: a new visitor."""
        page.goto(collector.page("/"))
        held = collector.wait_for("page_view")[0]
        page.wait_for_function("localStorage.welltimed.includes('token-of')")
        old = record(page)["v"]
        collector.replies = [refuse(403, code), refuse(403, code)]
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        with_token, proving, afresh = collector.batches[-3:]
        assert with_token.body["token"]
        assert "token" not in proving.body
        assert proving.body["visitor"] == old
        assert held["id"] in ids([proving])
        assert afresh.body["visitor"] != old
        assert "token" not in afresh.body
        assert {e["event"] for r in (with_token, afresh) for e in r.events} == {"quote_started"}


class TestFailures:
    @pytest.mark.parametrize(
        "failure",
        [
            refuse(503, "store_unavailable"),
            refuse(500),
            refuse(408),
            lambda _: (200, {}, b"<h1>a captive portal</h1>"),
            lambda _: (200, {}, b"null"),
            lambda _: (200, {}, [1, 2]),
        ],
        ids=["503", "500", "408", "html", "null", "list"],
    )
    def test_the_same_events_come_again(self, collector, page, failure):
        """After a failure the batch is sent again as it was, and once only."""
        collector.replies = [failure]
        page.goto(collector.page("/"))
        collector.wait_for("page_view")
        failed, again = collector.batches[:2]
        assert ids([failed]) == ids([again])
        assert again.body.get("ask")

    def test_failures_are_spaced_out_and_retry_after_is_kept(self, collector, page):
        """Ever longer waits between tries; a server that names a time is heard."""
        page.clock.install()
        collector.replies = [refuse(503)] * 4 + [refuse(429, "slow_down", Retry_After="100")]
        page.goto(collector.page("/"))
        for count in range(1, 6):
            for _ in range(400):
                if len(collector.batches) >= count:
                    break
                page.clock.run_for(100)
        collector.wait(lambda: len(collector.batches) == 5)
        page.evaluate("0")  # the reply is in
        page.clock.run_for(90_000)
        assert len(collector.batches) == 5
        page.clock.run_for(20_000)
        collector.wait_for("page_view")

    def test_a_batch_the_server_cannot_read_is_dropped(self, collector, page):
        """400: not sent for ever; what comes later goes its way."""
        collector.replies = [refuse(400, "not_json")]
        page.goto(collector.page("/"))
        collector.wait(lambda: collector.batches)
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert not collector.of("page_view")

    def test_offline_then_online(self, collector, context, page):
        """Events wait for the line and arrive in order, each once."""
        page.goto(collector.page("/"))
        collector.wait_for("page_view")
        context.set_offline(True)
        page.evaluate("for (let i = 0; i < 5; i++) welltimed('event', 'quote_started', { i })")
        page.evaluate("navigator.onLine")
        context.set_offline(False)
        events = collector.wait_for("quote_started", 5)
        assert [e["i"] for e in events] == list(range(5))
        sent = ids(collector.accepted)
        assert len(sent) == len(set(sent))

    def test_what_a_closed_tab_could_not_send_goes_with_the_next_once(self, collector, context):
        """Kept in the browser's storage; of two tabs one takes it over."""
        address = collector.page("/")
        lost = context.new_page()
        lost.goto(address)
        collector.wait_for("page_view")
        other = context.new_page()
        other.goto(address)
        collector.wait_for("page_view", 2)
        context.set_offline(True)
        lost.evaluate("welltimed('event', 'quote_started')")
        with lost.expect_event("close"):
            lost.close(run_before_unload=True)
        context.set_offline(False)  # the other tab may notice, or the next page finds it
        again = context.new_page()
        again.goto(address)
        collector.wait_for("page_view", 3)
        collector.wait_for("quote_started")
        sent = ids(collector.accepted)
        assert len(sent) == len(set(sent))
        assert not again.evaluate("localStorage['welltimed.queue']")

    def test_the_kept_queue_is_bounded(self, collector, context, page):
        """However long the line is down, at most 60 kB are kept, the newest."""
        page.goto(collector.page("/"))
        collector.wait_for("page_view")
        context.set_offline(True)
        page.evaluate(
            "const t = 'x'.repeat(500);"
            "for (let i = 0; i < 900; i++) welltimed('event', 'quote_started', { i, t })"
        )
        page.evaluate("dispatchEvent(new Event('pagehide'))")
        kept = json.loads(page.evaluate("localStorage['welltimed.queue']"))
        assert sum(map(len, kept)) <= 60_000
        assert max(json.loads(k).get("i", 0) for k in kept) == 899

    def test_a_dead_server_is_never_noticed(self, collector, page):
        """No error in the page, whatever is down."""
        page.route("**/v1/events", lambda route: route.abort())
        page.goto(collector.page("/", "<form name=f><input name=a></form>"))
        page.fill("input", "x")
        page.evaluate("welltimed('event', 'quote_started')")
        assert page.evaluate("document.readyState") in ("interactive", "complete")


class TestTabs:
    def test_tabs_share_visitor_and_token(self, collector, context, page):
        """A second tab is the same visitor, with the token that the first one was given."""
        address = collector.page("/")
        page.goto(address)
        collector.wait_for("page_view")
        page.wait_for_function("localStorage.welltimed.includes('token-of')")
        other = context.new_page()
        other.goto(address)
        collector.wait_for("page_view", 2)
        assert len({r.body["visitor"] for r in collector.batches}) == 1
        assert collector.batches[-1].body["token"]
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")


class TestAsking:
    def test_the_page_asks_again_when_told(self, collector, page):
        """check_again_in: an ask without events, at that time, with what the page measured."""
        page.clock.install()
        waits = [{**HOLD, "check_again_in": 40.0}]
        collector.decide = lambda _: waits.pop() if waits else HOLD
        page.goto(collector.page("/"))
        page.clock.run_for(2000)
        collector.wait(lambda: collector.asks)
        page.evaluate("0")
        page.clock.run_for(35_000)
        assert len(collector.asks) == 1
        page.clock.run_for(8_000)
        ask = collector.wait(lambda: len(collector.asks) == 2 and collector.asks[1])
        assert ask["events"] == []
        assert ask["state"]["on_page"] >= 40

    def test_it_does_not_ask_while_nobody_looks(self, collector, page):
        """Hidden, the timer rests; shown again, the page asks at once."""
        page.clock.install()
        collector.decide = lambda _: {**HOLD, "check_again_in": 40.0}
        page.goto(collector.page("/"))
        page.clock.run_for(2000)
        collector.wait(lambda: collector.asks)
        hide = """hidden => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
        page.evaluate(hide, True)
        collector.wait_for("page_hidden")
        page.clock.run_for(300_000)
        assert len(collector.asks) == 1
        page.evaluate(hide, False)
        page.clock.run_for(500)
        collector.wait(lambda: len(collector.asks) == 2)
        assert "page_visible" in [e["event"] for e in collector.events]

    def test_a_server_that_says_at_once_for_ever_is_not_asked_for_ever(self, collector, page):
        """A wait of nothing is still a wait."""
        page.clock.install()
        collector.decide = lambda _: {**HOLD, "check_again_in": 0.001}
        page.goto(collector.page("/"))
        for _ in range(20):
            page.clock.run_for(100)
        assert len(collector.asks) <= 9


HOSTILE = {
    "storage denied": """for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, { get() { throw new Error("denied") } })""",
    "storage full": "Storage.prototype.setItem = () => { throw new Error('full') }",
    "rubbish stored": "localStorage.welltimed = '{'; localStorage['welltimed.queue'] = '7'",
    "rubbish of another kind": "localStorage.welltimed = '[1]'",
    "frozen dataLayer": "window.dataLayer = Object.freeze([{ event: 'view_item' }])",
    "dataLayer of another kind": "window.dataLayer = 'none'",
    "hostile dataLayer": """window.dataLayer = [null, 7, { get event() { throw new Error("no") } },
        { event: "view_item" }, { event: "view_item", ecommerce: { items: "x" } },
        { event: "add_to_cart", ecommerce: { items: [null, {}] } }, ["event"],
        new Proxy({}, { get() { throw new Error("no") } })]""",
    "frozen history": "Object.freeze(history); Object.freeze(History.prototype)",
    "no crypto.randomUUID": "delete Crypto.prototype.randomUUID",
    "welltimed taken": "window.welltimed = 'something else'",
}


class TestHostilePages:
    @pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE.keys())
    def test_the_page_never_notices(self, collector, page, script):
        """Whatever the page is like: a page view arrives and nothing is thrown into it."""
        page.add_init_script(script)
        page.goto(collector.page("/", '<script type="application/ld+json">[null, 7, {}]</script>'))
        collector.wait_for("page_view")
        page.evaluate("window.dataLayer?.push?.call && Object.isFrozen(window.dataLayer) || 0")
        page.mouse.click(5, 5)
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")

    def test_a_page_without_a_site_or_a_known_script_is_left_alone(self, collector, page):
        """Loaded as a module, without currentScript or data-site: silence, no error."""
        collector.pages["/"] = '<script type="module">await import("/tracker.js")</script><p>x'
        page.goto(collector.url)
        assert page.evaluate("document.readyState")
        assert not collector.batches
