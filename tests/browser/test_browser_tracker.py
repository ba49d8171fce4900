"""The tracker in a real Chromium, against a stand-in collector: what it sees, sends, and never."""

from __future__ import annotations

import re
import shutil

import pytest
from collector_stub import html, refuse

pytestmark = pytest.mark.browser

HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
STORED = "() => [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie].flat()"


def follow(page, path: str) -> None:
    """Go there as by a link: the next page knows where the visitor came from."""
    with page.expect_navigation():
        page.evaluate("path => { location.href = path }", path)


class TestPageViews:
    def test_a_page_view_arrives_as_plain_text_without_cookie_or_preflight(
        self, collector, context, page
    ):
        """The collector, on another origin, is told who, where and when, and nothing is added."""
        address = collector.page("/shoes", snippet='data-consent="granted"')
        shop = html("", snippet='data-consent="granted"', src=f"{collector.elsewhere}/tracker.js")
        collector.pages["/shoes"] = shop
        context.add_cookies([{"name": "session", "value": "secret", "url": collector.elsewhere}])
        page.goto(f"{address}?size=9#reviews")
        event = collector.wait_for("page_view")[0]
        request = collector.batches[0]
        assert event["page"] == f"{collector.url}/shoes?size=9"
        assert request.headers["content-type"].startswith("text/plain")
        assert "cookie" not in request.headers
        assert not [r for r in collector.requests if r.method == "OPTIONS"]
        body = request.body
        assert re.fullmatch(r"[\w-]{22,64}", body["visitor"])
        assert (body["site"], body["consent"], body["language"]) == ("shop", "full", "en")
        assert body["attributes"]["language"]
        assert body["page"] == event["page"]

    @pytest.mark.parametrize("tail", ["", "/", "/v1/events"])
    def test_the_snippets_attributes_are_heard(self, collector, page, tail):
        """Where to send, which language, which group of pages."""
        snippet = (
            f'data-consent="granted" data-endpoint="{collector.elsewhere}{tail}"'
            ' data-language="pl" data-page-group="landing"'
        )
        page.goto(collector.page("/", snippet=snippet))
        collector.wait_for("page_view")
        request = collector.batches[0]
        assert request.headers["host"] == collector.elsewhere.removeprefix("http://")
        assert (request.body["language"], request.body["page_group"]) == ("pl", "landing")

    def test_times_and_ids_never_tie(self, collector, page):
        """Events made in one millisecond still have an order, and sent_at is later than all."""
        page.goto(collector.page("/"))
        page.evaluate("for (let i = 0; i < 40; i++) welltimed('event', 'quote_started', { i })")
        events = collector.wait_for("quote_started", 40)
        times = [e["at"] for e in collector.events]
        assert len(set(times)) == len(times)
        assert [e["i"] for e in events] == list(range(40))
        for request in collector.batches:
            assert request.body["sent_at"] > max(e["at"] for e in request.events)

    def test_single_page_navigation_counts_pushes_and_back_but_not_replaced_queries(
        self, collector, page
    ):
        """PushState and popstate are views; replacing the query, or the same URL, is none."""
        page.goto(collector.page("/a"))
        collector.wait_for("page_view")
        page.evaluate("history.replaceState({}, '', '/a?sort=price')")
        page.evaluate("history.pushState({}, '', '/b')")
        page.evaluate("history.pushState({}, '', '/b')")
        page.evaluate("history.replaceState({}, '', '/c')")
        page.evaluate("location.hash = 'place'")
        collector.wait_for("page_view", 3)
        page.evaluate("history.back()")
        page.evaluate("history.back()")
        page.evaluate("history.back()")
        views = collector.wait_for("page_view", 4)
        paths = [v["page"].removeprefix(collector.url) for v in views]
        assert paths[:3] == ["/a", "/b", "/c"]
        assert paths[-1] in ("/b", "/a?sort=price")

    def test_going_back_through_the_cache_is_a_view(self, playwright, collector):
        """A page restored from the back-forward cache tells of its view again."""
        launched = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            ignore_default_args=["--disable-back-forward-cache"],
        )
        try:
            page = launched.new_page()
            page.goto(collector.page("/first"))
            collector.wait_for("page_view")
            page.goto(collector.page("/second"))
            collector.wait_for("page_view", 2)
            page.go_back(wait_until="commit")
            views = collector.wait_for("page_view", 3)
            assert [v["page"][-6:] for v in views] == ["/first", "second", "/first"]
        finally:
            launched.close()

    def test_a_prerendered_page_waits_until_it_is_shown(self, collector, page):
        """Nothing is sent while nobody can see the page."""
        page.add_init_script(
            "Object.defineProperty(document, 'prerendering', { value: true, configurable: true })"
        )
        page.clock.install()
        page.goto(collector.page("/"))
        page.clock.run_for(30_000)
        assert not collector.batches
        page.evaluate("""() => {
          Object.defineProperty(document, 'prerendering', { value: false });
          document.dispatchEvent(new Event('prerenderingchange'));
        }""")
        page.clock.run_for(2000)
        collector.wait_for("page_view")
        assert len(collector.of("page_view")) == 1

    def test_only_visible_time_counts(self, collector, page):
        """The report's clocks stand still while the tab is hidden; hiding and showing are told."""
        page.clock.install()
        page.goto(collector.page("/"))
        page.clock.run_for(2000)
        collector.wait_for("page_view")
        page.clock.run_for(8000)
        page.evaluate(HIDE, True)
        collector.wait_for("page_hidden")
        page.clock.run_for(60_000)
        page.evaluate(HIDE, False)
        page.clock.run_for(1000)
        collector.wait_for("page_visible")
        assert 10 <= collector.asks[-1]["state"]["on_page"] < 12
        assert 10 <= collector.asks[-1]["state"]["idle"] < 12

    def test_two_snippets_are_one_tracker(self, collector, page):
        """A page that includes the script twice is seen once."""
        again = (
            '<script async src="/tracker.js?2" data-site="shop" data-consent="granted"></script>'
        )
        page.goto(collector.page("/", head=again))
        collector.wait_for("page_view")
        page.wait_for_load_state()
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert len(collector.of("page_view")) == 1

    def test_addresses_lose_mail_addresses_and_long_numbers_in_searches(self, collector, page):
        """What a person types into an address or a search box does not travel with it."""
        page.goto(collector.page("/find") + "?mail=ann%40mail.example&q=4111%201111%201111%201111")
        search = collector.wait_for("search")[0]
        assert search["query"] == "(number)"
        sent = b"".join(r.raw for r in collector.batches)
        assert b"ann" not in sent
        assert b"1111" not in sent


class TestConsent:
    def test_nothing_is_stored_or_sent_before_a_grant(self, collector, page):
        """With consent required, a page that nobody agreed to leaves no trace at all."""
        page.clock.install()
        page.goto(collector.page("/", "<input name=a><p>x", snippet="data-chat='url:#chat'"))
        page.wait_for_function("window.welltimed?.live")
        page.fill("input", "something")
        page.mouse.click(5, 5)
        page.evaluate("welltimed('event', 'quote_started')")
        page.clock.run_for(120_000)
        page.evaluate(HIDE, True)
        page.evaluate(HIDE, False)
        page.clock.run_for(60_000)
        assert page.evaluate(STORED) == [""]
        assert not collector.batches
        page.evaluate("welltimed('consent', 'grant')")
        page.clock.run_for(2000)
        assert [e["event"] for e in collector.wait_for("page_view")] == ["page_view"]
        assert "quote_started" not in [e["event"] for e in collector.events]

    def test_a_grant_lasts_until_it_is_denied(self, collector, page):
        """The next page goes on as the same visitor; denying deletes id and queue, and stops."""
        address = collector.page("/", snippet=" ")
        page.goto(address)
        page.evaluate(
            "window.welltimed ||= function () { (welltimed.q ||= []).push(arguments) };"
            "welltimed('consent', 'grant')"
        )
        collector.wait_for("page_view")
        page.goto(collector.page("/next", snippet=" "))
        collector.wait_for("page_view", 2)
        assert len({r.body["visitor"] for r in collector.batches}) == 1
        page.clock.install()
        page.evaluate("welltimed('event', 'a'); welltimed('consent', 'deny')")
        assert page.evaluate(STORED) == [""]
        before = len(collector.batches)
        page.evaluate("welltimed('event', 'b')")
        page.goto(address)
        page.wait_for_function("window.welltimed?.live")
        page.clock.run_for(60_000)
        assert len(collector.batches) == before
        assert page.evaluate(STORED) == [""]

    def test_a_search_opened_from_a_bookmark_keeps_the_visitor(self, collector, page):
        """A page whose first deed is a search writes nothing over what is known."""
        page.goto(collector.page("/"))
        collector.wait_for("page_view")
        page.wait_for_function("localStorage.welltimed.includes('token-of')")
        for count, word in enumerate(("boots", "hats", "gloves"), 1):
            page.goto(f"{collector.url}/?q={word}")
            collector.wait_for("search", count)
        assert len({r.body["visitor"] for r in collector.batches}) == 1

    def test_denying_in_one_tab_stops_the_other(self, collector, context, page):
        """The other tab neither writes the id again nor sends under it."""
        page.goto(collector.page("/"))
        other = context.new_page()
        other.goto(collector.url)
        collector.wait_for("page_view", 2)
        page.evaluate("welltimed('consent', 'deny')")
        other.wait_for_function("localStorage.welltimed == '0'")
        before = len(collector.batches)
        other.clock.install()
        other.evaluate("welltimed('event', 'quote_started')")
        other.clock.run_for(10_000)
        assert len(collector.batches) == before
        assert "token" not in other.evaluate("JSON.stringify(localStorage)")

    def test_a_denial_from_before_the_script_came_comes_in_time(self, collector, page):
        """A consent tool that was faster than the script: nothing is stored or sent."""
        stub = "<script>window.welltimed = { q: [['consent', 'deny']] }</script>"
        page.clock.install()
        page.goto(collector.page("/", head=stub))
        page.wait_for_function("window.welltimed?.live")
        page.clock.run_for(30_000)
        assert not collector.batches
        assert page.evaluate("localStorage.welltimed") == "0"

    def test_a_denial_is_remembered_where_pages_begin_by_themselves(self, collector, page):
        """With consent granted by the page, a visitor who said no stays out; a bare 0 is kept."""
        address = collector.page("/")
        page.goto(address)
        collector.wait_for("page_view")
        page.evaluate("welltimed('consent', 'deny')")
        page.clock.install()
        page.goto(address)
        page.wait_for_function("window.welltimed?.live")
        page.clock.run_for(30_000)
        assert len(collector.of("page_view")) == 1
        assert page.evaluate("localStorage.welltimed") == "0"

    def test_memory_stores_nothing(self, collector, page):
        """Consent for this page only: events flow, the browser's storage stays empty."""
        page.goto(collector.page("/s", snippet='data-consent="memory"') + "?q=boots")
        collector.wait_for("search")
        assert collector.batches[0].body["consent"] == "memory"
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert page.evaluate(STORED) == [""]
        assert len({r.body["visitor"] for r in collector.batches}) == 1

    def test_global_privacy_control_is_a_denial(self, collector, page):
        """A browser that says so is left alone, whatever the page says."""
        page.add_init_script(
            "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true });"
            'localStorage.welltimed = \'{"v":"an-old-visitor-of-long-ago"}\''
        )
        page.clock.install()
        page.goto(collector.page("/"))
        page.wait_for_function("window.welltimed?.live")
        page.evaluate("welltimed('consent', 'grant')")
        page.clock.run_for(60_000)
        assert not collector.batches
        assert page.evaluate(STORED) == [""]

    def test_a_server_that_refuses_is_left_alone(self, collector, page):
        """After consent_required, a wrong origin or an unknown site nothing more is sent."""
        collector.replies = [refuse(403, "consent_required")]
        page.clock.install()
        page.goto(collector.page("/"))
        page.clock.run_for(3000)
        collector.wait(lambda: collector.batches)
        page.evaluate("welltimed('event', 'quote_started')")
        page.clock.run_for(600_000)
        assert len(collector.batches) == 1


class TestSearches:
    def test_searches_are_normalised_and_page_two_is_none(self, collector, page):
        """Matomo's keywords; blanks and case do not matter; the next page is the same search."""
        box = "<form><input type=search name=q></form>"
        collector.page("/search", f"{box}<p data-welltimed-results=0>")
        page.goto(collector.url + "/search?q=%20Walking%20%20BOOTS")
        collector.wait_for("search")
        follow(page, "/search?q=walking+boots&page=2")
        collector.wait_for("page_view", 2)
        page.reload()
        collector.wait_for("page_view", 3)
        follow(page, "/search?q=hats")
        searches = collector.wait_for("search", 2)
        assert [(s["query"], s["results"]) for s in searches] == [("walking boots", 0), ("hats", 0)]

    @pytest.mark.parametrize(
        "field", ['<input type=hidden name=s value="price">', "<select name=s><option>price"]
    )
    def test_a_sort_order_is_no_search(self, collector, page, field):
        """A keyword that is a hidden field or a list on the page is a filter."""
        page.goto(collector.page("/listing", f"<form>{field}</form>") + "?s=price")
        collector.wait(lambda: collector.asks)
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert not collector.of("search")

    def test_a_search_told_by_the_data_layer(self, collector, page):
        """GA4's view_search_results brings the results count; the address adds no second one."""
        layer = (
            "<script>dataLayer = [{event: 'view_search_results', search_term: 'Boots',"
            " results: 12}]</script>"
        )
        page.goto(collector.page("/search", head=layer) + "?q=boots")
        collector.wait(lambda: collector.asks)
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert [(s["query"], s["results"]) for s in collector.of("search")] == [("boots", 12)]

    def test_searching_in_a_single_page_app(self, collector, page):
        """A pushed query is a search; going back to one is not a new one."""
        page.goto(collector.page("/"))
        collector.wait_for("page_view")
        page.evaluate("history.pushState({}, '', '/?q=boots')")
        collector.wait_for("search", 1)
        page.evaluate("history.pushState({}, '', '/?q=hats')")
        collector.wait_for("search", 2)
        page.evaluate("history.back()")
        collector.wait_for("page_view", 4)
        page.evaluate("history.pushState({}, '', '/?q=gloves')")
        assert [s["query"] for s in collector.wait_for("search", 3)] == ["boots", "hats", "gloves"]


def ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


class TestShop:
    @pytest.mark.parametrize(
        ("head", "body", "expected"),
        [
            pytest.param(
                "<script>dataLayer = [{event: 'view_item', ecommerce: {items: [{item_id: 'B1',"
                " price: '49.5', item_category: 'Boots'}]}}]</script>" + ld('{"@type":"Product"}'),
                "",
                {"product": "B1", "price": 49.5, "category": "Boots"},
                id="GA4",
            ),
            pytest.param(
                "<script>dataLayer = []; function gtag() { dataLayer.push(arguments) }"
                " gtag('event', 'view_item', {items: [{item_id: 7}]})</script>",
                "",
                {"product": "7"},
                id="gtag",
            ),
            pytest.param(
                ld("{ broken")
                + ld(
                    '{"@graph": [{"@type": "WebPage"}, {"@type": ["Product", "Shoe"], "sku": "B2",'
                    ' "category": "Boots", "offers": [{"price": "12.00", "availability":'
                    ' "https://schema.org/OutOfStock"}]}]}'
                ),
                "",
                {"product": "B2", "price": 12, "category": "Boots", "available": False},
                id="JSON-LD",
            ),
            pytest.param(
                "",
                '<div itemscope itemtype="https://schema.org/Product"><b itemprop="sku">B3</b>'
                '<meta itemprop="price" content="5"><link itemprop="availability"'
                ' href="https://schema.org/InStock"></div>',
                {"product": "B3", "price": 5, "available": True},
                id="microdata",
            ),
            pytest.param(
                '<meta property="product:retailer_item_id" content="B4">'
                '<meta property="product:price:amount" content="8.25">',
                "",
                {"product": "B4", "price": 8.25},
                id="OpenGraph",
            ),
        ],
    )
    def test_the_product_that_a_page_declares(self, collector, page, head, body, expected):
        """One view of it, by its id, with what the page says."""
        collector.values = {"product": "from-the-address"}
        page.goto(collector.page("/p/1", body, head))
        view = collector.wait_for("product_view")[0]
        assert {
            k: v
            for k, v in view.items()
            if k in {"product", "price", "category", "available"} and v is not None
        } == expected
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert len(collector.of("product_view")) == 1

    def test_the_address_is_asked_where_the_page_declares_none(self, collector, page):
        """The server reads the product in the address; a listing of products is not one."""
        listing = ld('{"@type": "ItemList", "itemListElement": [{"@type": "Product", "sku": "A"}]}')
        several = ld('[{"@type": "Product", "sku": "A"}, {"@type": "Product", "sku": "B"}]')
        collector.values = {"product": "4471"}
        page.goto(collector.page("/p/4471", head=listing + several))
        assert collector.wait_for("product_view")[0]["product"] == "4471"

    def test_markup_left_over_from_the_last_page_is_not_seen_again(self, collector, page):
        """A single-page app that leaves its JSON-LD in place did not show the product twice."""
        page.goto(collector.page("/p/1", head=ld('{"@type": "Product", "sku": "A"}')))
        collector.wait_for("product_view")
        page.evaluate("history.pushState({}, '', '/list')")
        collector.wait(lambda: collector.asks and collector.asks[-1]["page"].endswith("/list"))
        page.evaluate("welltimed('event', 'quote_started')")
        collector.wait_for("quote_started")
        assert len(collector.of("product_view")) == 1

    def test_carts_and_purchases_come_from_the_data_layer(self, collector, page):
        """GA4's names, before and after the tracker came, each item its own event."""
        page.goto(collector.page("/", head="<script>dataLayer = [{event: 'login'}]</script>"))
        collector.wait_for("login")
        page.evaluate("""() => {
          const items = [{item_id: 'A', price: 5, quantity: 2}, {item_id: 'B', price: '7'}];
          dataLayer.push({event: 'add_to_cart', ecommerce: {value: 17, items}});
          dataLayer.push({event: 'remove_from_cart', ecommerce: {items: [items[1]]}});
          dataLayer.push({event: 'view_cart', ecommerce: {value: 10, items: [items[0]]}});
          dataLayer.push({event: 'begin_checkout', ecommerce: {value: 10, items: [items[0]]}});
          dataLayer.push({event: 'purchase', ecommerce: {value: 10, items: [items[0]]}});
          dataLayer.push({event: 'constructor'}, {event: 'gtm.js'});
        }""")
        collector.wait_for("purchase")
        kinds = [e["event"] for e in collector.events]
        assert kinds == [
            "page_view", "login", "add_to_cart", "add_to_cart", "remove_from_cart", "cart_view",
            "checkout_started", "purchase",
        ]  # fmt: skip
        added = collector.of("add_to_cart")
        assert [(a["product"], a["price"], a["quantity"]) for a in added] == [
            ("A", 5, 2), ("B", 7, 1),
        ]  # fmt: skip
        cart = collector.of("cart_view")[0]
        assert (cart["cart_value"], cart["cart_items"]) == (10, 2)
        assert collector.of("purchase")[0]["value"] == 10
