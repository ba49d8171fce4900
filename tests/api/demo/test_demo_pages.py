"""The demo's pages over HTTP: what they carry, what they refuse, and where they are not."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from uuid import uuid4

import pytest

from api.app import build
from api.demo import extend, run
from api.demo.catalogue import ARTICLES, PRODUCTS
from api.demo.controls import HEADER
from api.demo.desk import DemoDesk, Keeper
from api.guard import Origins
from api.keys import load as load_keys
from api.wiring import Wiring
from engine.clock import DAY, now
from engine.errors import SettingsInvalid
from engine.ruleset import open_sites
from engine.service import Service
from engine.store import open_store

VISITOR = "v" * 22
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
PAGES = [
    "/demo/",
    "/demo/products",
    "/demo/search",
    "/demo/search?q=boots",
    "/demo/search?q=crampons",
    "/demo/basket",
    "/demo/checkout",
    "/demo/checkout/payment",
    "/demo/quote",
    "/demo/verify",
    "/demo/pricing",
    "/demo/privacy",
    "/demo/help",
    "/demo/help/contact",
    *(f"/demo/p/{product.id}" for product in PRODUCTS),
    *(f"/demo/help/{article.slug}" for article in ARTICLES),
]


@contextmanager
def wired(folder):
    """Yield the parts of a demo in a folder of its own."""
    desk = DemoDesk(folder)
    desk.prepare()
    with closing(open_store(f"sqlite:///{folder / 'demo.db'}")) as store:
        sites = open_sites(desk.rules)
        yield Wiring(Service(store, sites, now), load_keys(folder, list(sites)), Origins(None))
        for holder in sites.values():
            holder.current.close()


@pytest.fixture
def wiring(tmp_path):
    with wired(tmp_path) as parts:
        yield parts


def opened(wiring, folder):
    app = build(wiring)
    extend(app, home=folder)
    return app.test_client()


@pytest.fixture
def client(wiring, tmp_path):
    return opened(wiring, tmp_path)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Return a client for pages that change nothing; all tests of them share it."""
    folder = tmp_path_factory.mktemp("demo")
    with wired(folder) as parts:
        yield opened(parts, folder)


class Links(HTMLParser):
    """Collects what a page loads and leads to, its ids, and what a strict policy would block."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.blocked: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        given = dict(attrs)
        self.loads += [given[k] for k in ("src",) if k in given]
        if "href" in given:
            (self.loads if tag == "link" else self.leads).append(given["href"])
        self.leads += [given["action"]] if "action" in given else []
        self.ids += [given["id"]] if "id" in given else []
        self.blocked += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "script" and "src" not in given and given.get("type") != "application/ld+json":
            self.blocked.append("an inline script")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole(reader, path) -> None:
    """Each page answers, carries the snippet, loads from here only; its links lead somewhere."""
    reply = reader.get(path)
    assert reply.status_code == 200
    links = Links(reply.text)
    assert "/tracker.js" in links.loads
    assert all(url.startswith("/") and not url.startswith("//") for url in links.loads)
    assert links.blocked == []
    assert len(links.ids) == len(set(links.ids))
    own = {url.split("#")[0].split("?")[0] for url in links.leads if url.startswith("/")}
    assert all(url.startswith(("/", "#")) for url in links.leads)
    assert [url for url in own if reader.get(url).status_code != 200] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_held_to_a_strict_policy(reader, path) -> None:
    """Nothing from elsewhere, nothing inline, no frame around it, nothing kept without asking."""
    headers = reader.get(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-cache"


def test_what_is_searched_for_is_text(reader) -> None:
    """A search that looks like markup is shown as the text that it is, wherever it is echoed."""
    evil = "\"><script>alert(1)</script>'<img src=x onerror=alert(1)>"
    text = reader.get("/demo/search", query_string={"q": evil}).text
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_what_is_typed_into_the_form_is_text(reader) -> None:
    """A refused form shows what was typed as text."""
    evil = '"><script>alert(1)</script>'
    reply = reader.post("/demo/quote", data={"name": evil, "phone": evil})
    assert reply.status_code == 422
    assert "<script>alert" not in reply.text
    assert "&#34;&gt;&lt;script&gt;" in reply.text


def test_a_product_page_says_which_product_it_is(reader) -> None:
    """A product page carries JSON-LD with the id that the address has."""
    text = reader.get("/demo/p/4471").text
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', text)
    told = json.loads(found[1])
    assert (told["@type"], told["sku"]) == ("Product", "4471")


@pytest.mark.parametrize("path", ["/demo/nowhere", "/demo/p/1", "/demo/help/nothing", "/demo/a/b"])
def test_what_is_not_there_is_a_page_too(reader, path) -> None:
    """An address below /demo/ that leads nowhere answers 404 with a page for people."""
    reply = reader.get(path)
    assert reply.status_code == 404
    assert "No such page" in reply.text


def test_elsewhere_errors_keep_their_one_shape(client) -> None:
    """Outside /demo/ the demo changes no error."""
    reply = client.get("/nowhere")
    assert reply.status_code == 404
    assert reply.content_type == "application/problem+json"


def test_a_search_without_luck_says_nothing(reader) -> None:
    """Nothing, one thing and several things are said as people say them."""
    headings = {
        query: re.search("<h1>(.*?)</h1>", reader.get(f"/demo/search?q={query}").text)[1]
        for query in ("crampons", "torch", "boots")
    }
    assert headings == {
        "crampons": "Nothing for “crampons”",
        "torch": "1 thing for “torch”",
        "boots": "2 things for “boots”",
    }


def test_a_taken_port_is_one_sentence_and_nothing_is_written(tmp_path) -> None:
    """Where the port is taken the demo says so, and leaves a running demo's folder alone."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SettingsInvalid, match="cannot listen on"):
            run({"data": str(tmp_path), "port": taken.getsockname()[1]})
    assert list(tmp_path.iterdir()) == []


def test_the_root_leads_to_the_shop(client) -> None:
    """Whoever opens the bare address is led to the shop."""
    assert client.get("/").headers["Location"] == "/demo/"


def test_serve_has_no_demo(wiring) -> None:
    """Without `welltimed demo` there is nothing below /demo/."""
    plain = build(wiring).test_client()
    assert plain.get("/demo/").status_code == 404
    assert plain.get("/demo/controls/why", headers={HEADER: "1"}).status_code == 404
    assert plain.post("/demo/controls/forget", headers={HEADER: "1"}).status_code == 404


# --- buying ---------------------------------------------------------------------------------


def test_a_basket_is_filled_paid_and_empty(client) -> None:
    """What is put into the basket is there, is paid, and is gone."""
    client.post("/demo/basket", data={"product": "4471", "change": "add"})
    client.post("/demo/basket", data={"product": "8120", "change": "add"})
    client.post("/demo/basket", data={"product": "8120", "change": "remove"})
    text = client.get("/demo/basket").text
    assert "£159" in text
    assert "Ember stove" not in text
    done = client.post("/demo/checkout/payment").headers["Location"]
    events = json.loads(Body(client.get(done).text).events)
    assert [(name, fields) for name, fields, _ in events] == [("purchase", {"value": 159.0})]
    assert "Nothing in it yet" in client.get("/demo/basket").text


class Body(HTMLParser):
    """Reads what the page says that it is."""

    events = "[]"

    def __init__(self, text: str) -> None:
        super().__init__()
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        if tag == "body":
            self.events = dict(attrs).get("data-events", "[]")


@pytest.mark.parametrize(
    "query", ["", "?order=a-b&value=1", "?order=ab&value=-1", "?order=ab&value=nan"]
)
def test_a_made_up_order_is_refused(reader, query) -> None:
    """An order whose number or value cannot be ours is no purchase."""
    assert reader.get(f"/demo/checkout/done{query}").status_code == 400


@pytest.mark.parametrize(
    ("path", "events"),
    [
        ("/demo/help/delivery", [["help_view", {"article": "delivery"}]]),
        ("/demo/verify", [["verification_started", {}]]),
        ("/demo/basket", [["cart_view", {"cart_value": 0.0, "cart_items": 0}]]),
        ("/demo/", []),
    ],
)
def test_pages_say_which_event_they_are(reader, path, events) -> None:
    """A page that is an event in itself says so, for the tracker to tell."""
    assert json.loads(Body(reader.get(path).text).events) == events


# --- forms ----------------------------------------------------------------------------------


def test_a_script_is_answered_in_json(client) -> None:
    """The page's own script gets the faults, or where to go next."""
    json_please = {"Accept": "application/json"}
    refused = client.post("/demo/verify", data={"code": "1"}, headers=json_please)
    assert (refused.status_code, set(refused.json["faults"])) == (422, {"code"})
    passed = client.post("/demo/verify", data={"code": "246 810"}, headers=json_please)
    assert passed.json == {"next": "/demo/verify/done", "events": [["verification_passed", {}]]}


def test_without_a_script_the_forms_work_too(client) -> None:
    """A browser that runs no scripts is shown the page again, or the next one."""
    assert client.post("/demo/verify", data={"code": "1"}).status_code == 422
    assert client.post("/demo/verify", data={"code": "246810"}).status_code == 303


# --- the strip ------------------------------------------------------------------------------


def ask(client, wiring, path, **body):
    return client.post(f"/demo/controls/{path}", json=body, headers={HEADER: "1"})


def collect(client, *events, token=None):
    """Send events as a browser would, asking; the reply."""
    sent = {
        "visitor": VISITOR,
        "token": token,
        "consent": "full",
        "page": "http://localhost/demo/p/4471",
        "ask": True,
        "events": [{"id": str(uuid4()), **event} for event in events],
    }
    reply = client.post("/v1/events", json=sent, headers={"User-Agent": PERSON})
    assert reply.status_code == 202, reply.json
    return reply.json


@pytest.mark.parametrize("path", ["desk", "another-day", "forget"])
def test_the_controls_answer_their_own_pages_only(client, path) -> None:
    """Without the header that foreign pages cannot send, the controls refuse."""
    reply = client.post(f"/demo/controls/{path}", json={"visitor": VISITOR, "open": True})
    assert (reply.status_code, reply.json["code"]) == (403, "demo_only")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("desk", {"open": "yes"}),
        ("desk", {}),
        ("forget", {}),
        ("forget", {"visitor": 5}),
        ("another-day", {"visitor": "short"}),
    ],
)
def test_the_controls_say_what_they_want(client, wiring, path, body) -> None:
    """A control that is asked wrongly answers 400 with a sentence."""
    assert ask(client, wiring, path, **body).status_code == 400


def test_the_switch_shuts_and_opens_the_desk(client, wiring) -> None:
    """With the switch off the desk is shut at once and says when it opens; on, it is open."""
    assert client.get("/v1/hours").json["open"] is True
    assert ask(client, wiring, "desk", open=False).json == {"open": False}
    hours = client.get("/v1/hours").json
    assert hours["open"] is False
    assert "We are back" in hours["message"]
    assert 'aria-checked="false"' in client.get("/demo/").text
    assert ask(client, wiring, "desk", open=True).json == {"open": True}
    assert client.get("/v1/hours").json["open"] is True


def test_why_lists_every_rule_and_reserves_nothing(client, wiring) -> None:
    """Why answers with a trace of every rule, as often as it is asked."""
    collect(client, {"event": "search"}, {"event": "search"})
    query = {"visitor": VISITOR, "page": "http://localhost/demo/search?q=a"}
    for _ in range(2):
        told = client.get("/demo/controls/why", query_string=query, headers={HEADER: "1"}).json
        rules = {entry["rule"] for entry in told["trace"]}
        assert rules == {rule.id for rule in wiring.service.ruleset("shop").rules}
        assert told["rules"] == {"ok": True, "problems": []}


def test_why_tells_of_a_mistake_in_the_rules(client, wiring) -> None:
    """A mistake on disk keeps the old rules, and Why says where it is."""
    holder = wiring.service.sites["shop"]
    (holder.path / "wrong.yaml").write_text("rules:\n  - { rule: wrong }\n", encoding="utf-8")
    wiring.reloads.reload(wiring.service.sites)
    query = {"visitor": VISITOR}
    told = client.get("/demo/controls/why", query_string=query, headers={HEADER: "1"}).json
    assert told["rules"]["ok"] is False
    assert any("wrong.yaml:2:" in problem for problem in told["rules"]["problems"])


def test_why_about_a_stranger_is_an_answer(client) -> None:
    """Nothing held is an answer too."""
    query = {"visitor": VISITOR}
    told = client.get("/demo/controls/why", query_string=query, headers={HEADER: "1"}).json
    assert told["reason"] == "unknown_visitor"


def test_two_days_make_a_third_visit(client, wiring) -> None:
    """A look at a product, a day, a look, a day: the third look brings the offer, not before."""
    _staff(wiring)
    look = {"event": "product_view", "product": "4471"}
    told, reasons = collect(client, look), []
    for _ in range(2):
        reasons.append(told["decision"]["reason"])
        assert ask(client, wiring, "another-day", visitor=VISITOR).json == {"done": True}
        told = collect(client, look, token=told["token"])
    assert reasons == ["needs_more_events", "needs_more_events"]
    assert (told["decision"]["decision"], told["decision"]["rule"]) == ("show", "third-look")


def test_a_day_does_not_go_by_for_a_stranger(client, wiring) -> None:
    """Of whom nothing is held, nothing can be moved."""
    assert ask(client, wiring, "another-day", visitor="w" * 22).json == {"done": False}


def _staff(wiring) -> None:
    keeper = Keeper(DemoDesk(wiring.service.sites["shop"].path.parent), wiring.service)
    keeper.start()
    keeper.stop()


def test_forgetting_leaves_nothing(client, wiring) -> None:
    """After Forget me nothing is held."""
    collect(client, {"event": "search"})
    assert wiring.service.visitor("shop", VISITOR) is not None
    assert ask(client, wiring, "forget", visitor=VISITOR).json == {"done": True}
    assert wiring.service.visitor("shop", VISITOR) is None


# --- the desk in the background -------------------------------------------------------------


def test_the_keeper_follows_the_starter_rules(wiring, tmp_path) -> None:
    """A file added to the starter rules, or taken away, reaches the demo's folder."""
    starter = tmp_path / "starter"
    starter.mkdir()
    for path in DemoDesk(tmp_path).starter.glob("*.yaml"):
        (starter / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    desk = DemoDesk(tmp_path, starter=starter)
    desk.retell()
    assert not desk.retell()
    extra = starter / "extra.yaml"
    extra.write_text('rules:\n  - { rule: extra, where: help, show: "Hi" }\n', encoding="utf-8")
    assert desk.retell()
    assert (desk.rules / "extra.yaml").exists()
    extra.unlink()
    assert desk.retell()
    assert not (desk.rules / "extra.yaml").exists()


def test_switching_from_everywhere_at_once_ends_well(tmp_path) -> None:
    """Many hands on the switch, while the keeper follows the rules, leave one whole folder."""
    desks = [DemoDesk(tmp_path) for _ in range(8)]
    desks[0].prepare()

    def press(number: int) -> None:
        for turn in range(10):
            desks[number].switch(is_open=bool((number + turn) % 2))
            desks[number].retell()

    with ThreadPoolExecutor(8) as hands:
        list(hands.map(press, range(8)))
    text = (desks[0].rules / "site.yaml").read_text(encoding="utf-8")
    assert ("closed: [" in text) is not desks[0].is_open
    assert not desks[0].retell()
    assert list(desks[0].rules.glob("*.draft")) == []


def test_the_day_turns_for_a_closed_desk(tmp_path) -> None:
    """A desk that stays shut over midnight is shut for the new day too, until it is switched on."""
    clock = [now()]
    desk = DemoDesk(tmp_path, clock=lambda: clock[0])
    desk.prepare()
    desk.switch(is_open=False)
    before = (desk.rules / "site.yaml").read_text(encoding="utf-8")
    clock[0] += DAY
    assert desk.retell()
    assert (desk.rules / "site.yaml").read_text(encoding="utf-8") != before


def test_the_keeper_reports_the_desk(wiring, tmp_path) -> None:
    """As soon as it starts, every department has somebody free."""
    keeper = Keeper(DemoDesk(tmp_path), wiring.service)
    keeper.start()
    try:
        for department in ("default", "sales"):
            report = wiring.service.availability("shop", department)
            assert report.free_slots >= 3
    finally:
        keeper.stop()
    assert not keeper._thread.is_alive()
