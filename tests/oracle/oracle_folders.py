"""Random rules folders as YAML text, over the whole language of LANGUAGE.md."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

V = TypeVar("V")

EXAMPLES = int(os.environ.get("WELLTIMED_TEST_ORACLE", "1500"))

DURATIONS = {
    "1 second": 1_000, "20 seconds": 20_000, "90 seconds": 90_000, "5 minutes": 300_000,
    "30 minutes": 1_800_000, "1 hour": 3_600_000, "5 hours": 18_000_000, "1 day": 86_400_000,
    "2 days": 172_800_000,
}  # fmt: skip
SHORT = list(DURATIONS)[:6]
LONG = list(DURATIONS)[3:]

KINDS = (
    "search", "search", "product_view", "product_view", "page_view", "quote", "purchase",
    "add_to_cart", "checkout_started", "login", "chat_started", "chat_ended", "chat_message",
    "page_hidden", "page_visible", "prompt_shown", "prompt_dismissed", "prompt_accepted",
)  # fmt: skip
FIELDS = {
    "search": ("query", "results"), "product_view": ("product", "price", "category"),
    "add_to_cart": ("product", "cart_value"), "quote": ("amount", "code"),
    "purchase": ("value",),
}  # fmt: skip
COMPARES = {
    "query": ["boots", "[Boots, hats]", "{ contains: [red boots, hat] }", "{ not: boots }"],
    "results": ["0", "{ at_least: 1 }", "{ at_most: 5, not: 3 }", "[0, 3]"],
    "product": ["a", "[a, b]", "{ not: a }", "5"],
    "price": ["{ at_least: 10 }", "{ at_most: 10 }", "10"],
    "category": ["shoes", "{ not: shoes }"],
    "cart_value": ["{ at_least: 100 }"],
    "amount": ["5", "{ at_least: 5 }", "true", '{ is: [5, "five"], at_most: 9 }', '{ not: "5" }'],
    "code": ["x", "{ contains: x }", "{ not: [x, y] }", "{ is: x, contains: y }"],
    "value": ["{ at_least: 10 }"],
}
GROUPS = ("home", "product", "checkout", "sale", "listed", "shop")
PAGE_GROUPS = """
page_groups:
  home: "/"
  product: "**/p/{product}"
  checkout: ["**/basket", "**/checkout/**"]
  sale: ["/sale/{category}/*", "/sale/{category}"]
  listed: "/list?sort=price"
  shop: "shop.example/**"
"""
AUDIENCES = {
    "trial": "{ plan: trial }",
    "not-british": "{ country: { not: GB } }",
    "regular": "{ visits: { at_least: 2 } }",
    "away": "{ days_since_last_visit: { at_least: 1 } }",
    "soon-back": "{ days_since_last_visit: { at_most: 0.5 } }",
    "french": "{ language: fr }",
    "spender": "{ cart_value: { at_least: 100 } }",
    "newcomer": "{ visits: 1, on_site: { at_most: 5 minutes } }",
    "sampled": "{ tags: [a, c], trial_day: { at_least: 7 } }",
    "from-news": "{ referrer: news.example }",
    "landed": "{ landing: { not: [home, sale] } }",
    "spring": "{ campaign: spring, logged_in: { not: true } }",
}
HOURS = (
    "{ mon-fri: 09:00-17:30 }",
    "{ mon-thu: [08:00-12:00, 13:00-18:00], fri: 22:00-02:00, sat: 02:00-04:00 }",
    "{ mon-sun: 00:00-24:00 }",
    "{ sat: 22:00-01:30, sun: [01:30-02:30, 09:00-10:00] }",
    "{ mon-sun: [00:00-01:00, 01:00-01:30, 23:00-24:00] }",
    "{ tue: 10:00-10:01, sun: 00:30-02:15 }",
)
STATES = (
    "form_stuck", "form_stuck, not: true", "chat_active", "chat_active, is: false",
    "cart_value, at_least: 100", "cart_value, at_most: 99.5", "cart_items, is: 2",
    "free_slots, at_most: 0", "free_slots, at_least: 2", "agents_available, at_least: 1",
    "queue_wait, at_least: 20 seconds", "queue_length, not: [1, 2]", "visits, at_least: 2",
    "days_since_last_visit, at_least: 0.25", "failed_submits, at_least: 1",
    "scroll_depth, at_least: 50", "form, is: Quote", "form, contains: [quote]", "language, is: fr",
    "language, not: fr", "device, is: [mobile, tablet]", "landing, is: product",
    "referrer, is: news.example", "campaign, not: spring", "logged_in", "plan, not: trial",
    "trial_day, at_least: 7", "tags, is: a", "tags, not: a", "vip", "tags, contains: b",
)  # fmt: skip
DATES = ("2026-12-01", "2026-03-29", "2026-10-25", "2026-03-28", "2026-12-24")
ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
SCHEDULES = ("desk", "late")


# What a folder may be about: the kinds of event and the states that work upon each other.
TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cart": (
        ("add_to_cart", "checkout_started", "purchase", "page_view"),
        ("cart_value, at_least: 100", "cart_value, at_most: 99.5", "cart_items, is: 2"),
    ),
    "page": (
        ("page_view", "page_hidden", "page_visible", "search"),
        ("on_page, for: 20 seconds", "on_page, at_most: 5 minutes", "idle, for: 90 seconds",
         "scroll_depth, at_least: 50"),
    ),
    "form": (
        ("page_view", "page_hidden", "page_visible"),
        ("form_stuck", "form_stuck, is: false", "idle_in_field, for: 90 seconds",
         "field_time, for: 90 seconds", "field_returns, at_least: 1"),
    ),
    "visits": (
        ("search", "login", "prompt_shown", "page_hidden"),
        ("visits, at_least: 2", "visits, is: 3", "days_since_last_visit, at_least: 0.25",
         "days_since_last_visit, at_most: 0.5", "landing, is: product", "campaign, is: spring",
         "referrer, is: news.example", "on_site, for: 5 minutes"),
    ),
    "chat": (
        ("chat_started", "chat_ended", "chat_message", "prompt_accepted", "prompt_dismissed"),
        ("chat_active", "chat_active, is: false"),
    ),
    "groups": (("product_view", "search", "quote"), ()),
}  # fmt: skip


class Pick:
    """Random choices, of which `number(n)` is any whole number below n."""

    def __init__(self, number: Callable[[int], int]) -> None:
        self.number = number

    def one(self, choices: Sequence[V]) -> V:
        """Return one of them."""
        return choices[self.number(len(choices))]

    def chance(self, percent: int) -> bool:
        """Return True in as many of a hundred cases; the simplest case is False."""
        return self.number(100) >= 100 - percent


class Writer:
    """Writes one random folder; a rule counts no further than `keep_events`."""

    def __init__(self, pick: Pick) -> None:
        self.pick = pick
        self.keep_events = 3 if pick.chance(12) else None
        self.topic = pick.one(list(TOPICS)) if pick.chance(50) else None
        self.plain = pick.chance(40)  # few gates, so that much is shown, now or later
        self.timeout = pick.one(["30 minutes", "30 minutes", "5 minutes", "1 hour"])

    # --- expressions ------------------------------------------------------------------------

    def names(self, known: Sequence[str], depth: int = 1) -> str:
        """Return an expression of page groups or audiences."""
        pick = self.pick
        shape = pick.number(5) if depth else 0
        if shape < 2:
            return pick.one(known)
        if shape == 2:
            return f"[{pick.one(known)}, {pick.one(known)}]"
        if shape == 3:
            return f"{{ not: {self.names(known, depth - 1)} }}"
        word = pick.one(["all", "any"])
        return f"{{ {word}: [{self.names(known, depth - 1)}, {self.names(known, depth - 1)}] }}"

    def filters(self, event: str) -> str:
        """Return `with` and `where` of an event."""
        pick, found = self.pick, ""
        known = FIELDS.get(event, ())
        if known and pick.chance(20):
            name = pick.one(known)
            found += f", with: {{ {name}: {pick.one(COMPARES[name])} }}"
        if pick.chance(15):
            found += f", where: {self.names(GROUPS)}"
        return found

    def within(self) -> str:
        """Return a window."""
        pick = self.pick
        shape = pick.number(6)
        if shape == 0:
            return ""
        word = "session" if shape == 1 else "page" if shape == 2 else pick.one(list(DURATIONS)[1:])
        return f", within: {word}"

    # --- conditions -------------------------------------------------------------------------

    def condition(self, depth: int = 2) -> str:
        """Return a condition."""
        return f"{{ {self.parts(depth)} }}"

    def parts(self, depth: int = 2) -> str:
        """Return the keys of a condition."""
        pick = self.pick
        shape = pick.number(13 if depth else 9)
        if self.topic and TOPICS[self.topic][1] and pick.chance(40):
            return "state: " + self.state()
        if shape < 4 or (shape < 9 and self.topic == "groups"):
            return self.counted()
        if shape < 6:
            return self.stall()
        if shape == 6:
            return self.sequence()
        if shape < 9:
            return "state: " + self.state()
        if shape == 12:
            return f"not: {self.condition(depth - 1)}"
        word = pick.one(["all", "any"])
        return f"{word}: [{self.condition(depth - 1)}, {self.condition(depth - 1)}]"

    def kind(self) -> str:
        """Return a kind of event, mostly of the topic."""
        ours = TOPICS[self.topic][0] if self.topic and self.pick.chance(70) else KINDS
        return self.pick.one(ours)

    def counted(self) -> str:
        """Return a counted event."""
        pick = self.pick
        event = self.kind()
        found = f"event: {event}{self.filters(event)}"
        most = self.keep_events or 4
        known = FIELDS.get(event, ())
        grouped = False
        if known and pick.chance(70 if self.topic == "groups" else 35):
            same = pick.one(known)
            found += f", same: {same}"
            grouped = True
            if pick.chance(40):
                others = [name for name in known if name != same]
                if others and pick.chance(50):
                    found += f", different: {pick.one(others)}"
                else:
                    return found + f", different: session, at_least: 2, within: {self.past()}"
        elif pick.chance(20):
            if known and pick.chance(60):
                found += f", different: {pick.one(known)}"
            else:
                least = pick.one(["at_least: 2", "at_most: 1"])
                return found + f", different: session, {least}, within: {self.past()}"
        found += self.within()
        shape = pick.number(5)
        if shape == 0 or grouped:
            return found + f", at_least: {1 + pick.number(pick.number(most) + 1)}"
        if shape == 1:
            return found + f", at_most: {pick.number(3)}"
        if shape == 2:
            low = 1 + pick.number(2)
            return found + f", at_least: {low}, at_most: {min(low + pick.number(2), most - 1)}"
        return found + (", at_least: 2" if shape == 3 else "")

    def past(self) -> str:
        """Return a window that is longer than a session."""
        timeout = DURATIONS[self.timeout]
        return self.pick.one([word for word, span in DURATIONS.items() if span > timeout])

    def stall(self) -> str:
        """Return a stall."""
        pick = self.pick
        event = self.kind()
        found = f"event: {event}, not_followed_by: {self.kind()}{self.filters(event)}"
        if pick.chance(70):
            wait = pick.one(SHORT)
            longer = [word for word, span in DURATIONS.items() if span > DURATIONS[wait]]
            within = pick.one(["", ", within: page", f", within: {pick.one(longer)}"])
            return found + f", for: {wait}{within}"
        return found + self.within()

    def sequence(self) -> str:
        """Return a sequence."""
        pick = self.pick
        steps = []
        for _ in range(2 + pick.number(2)):
            event = self.kind()
            steps.append(f"{{ event: {event}{self.filters(event)} }}" if pick.chance(40) else event)
        return f"sequence: [{', '.join(steps)}]{self.within()}"

    def state(self) -> str:
        """Return a state and what it is compared with."""
        pick = self.pick
        ours = TOPICS[self.topic][1] if self.topic else ()
        if ours and pick.chance(70):
            return pick.one(ours)
        shape = pick.number(16)
        if shape < 5:
            clock = pick.one(
                ["on_page", "on_page", "on_site", "idle", "idle_in_field", "field_time",
                 "hesitation"]
            )  # fmt: skip
            return clock + pick.one(
                [f", for: {pick.one(SHORT)}", f", at_most: {pick.one(SHORT)}",
                 ", for: 20 seconds, at_most: 5 minutes"]
            )  # fmt: skip
        return pick.one(STATES)

    # --- rules ------------------------------------------------------------------------------

    def cap(self) -> str:
        """Return a cap."""
        pick = self.pick
        times = 1 + pick.number(2)
        return f"{times} " + pick.one(
            ["per session", "prompts per session", f"per {pick.one(LONG)}", "ever"]
        )

    def rule(self, name: str) -> str:
        """Return a rule as lines of a list."""
        pick = self.pick
        if self.plain:
            limit = f"\n    limit: {self.cap()}" if pick.chance(20) else ""
            during = f"\n    during: {pick.one(SCHEDULES)}" if pick.chance(20) else ""
            lines = f"rule: {name}\n    when: {self.condition(1)}\n    show: {self.show()}"
            return f"  - {lines}{limit}{during}"
        lines = [f"rule: {name}"]
        if not pick.chance(15):
            lines.append(f"when: {self.condition()}")
        if pick.chance(20):
            lines.append(f"where: {self.names(GROUPS)}")
        if pick.chance(25):
            lines.append(f"who: {self.names(list(AUDIENCES))}")
        if pick.chance(20):
            lines.append(f"unless: {self.condition(1)}")
        if pick.chance(15):
            lines.append(f"during: {pick.one(SCHEDULES)}")
        if pick.chance(20):
            lines.append("department: sales")
        if pick.chance(10):
            lines.append(f"mode: {pick.one(['shadow', 'shadow', 'paused'])}")
        if pick.chance(10):
            lines.append(f"active: {self.active()}")
        if pick.chance(30):
            lines.append(f"priority: {pick.one([40, 50, 60])}")
        if pick.chance(35):
            caps = [self.cap() for _ in range(1 + pick.number(2))]
            lines.append(f"limit: [{', '.join(caps)}]")
        if pick.chance(12):
            lines.append(f"rollout: {pick.one(['50%', '99.5%', '0%'])}")
        if pick.chance(15):
            lines.append(f"holdout: {pick.one(['50%', '0.07%', '100%'])}")
        lines.append("show: " + self.show())
        return "  - " + "\n    ".join(lines)

    def active(self) -> str:
        """Return the dates of a rule."""
        return self.pick.one(
            ["{ from: 2026-12-01 }", "{ until: 2026-12-01 }", "{ until: 2026-12-01 10:00 }",
             "{ from: 2026-12-01 14:00, until: 2026-12-02 }", "{ from: 2026-03-29 01:30 }",
             "{ until: 2026-10-25 01:30 }", "{ until: 2026-03-28 }"]
        )  # fmt: skip

    def show(self) -> str:
        """Return a prompt."""
        return self.pick.one(
            ["Hello", "{ message: Hello, delay: 3 seconds }",
             "{ variants: { one: { weight: 1, message: A }, two: { weight: 2, message: B } } }"]
        )  # fmt: skip

    # --- the site ---------------------------------------------------------------------------

    def schedule(self) -> str:
        """Return a schedule."""
        pick = self.pick
        found = f"open: {pick.one(HOURS)}"
        if pick.chance(30):
            found += f", time_zone: {pick.one(ZONES)}"
        if pick.chance(50):
            found += f", wind_down: {pick.one(['15 minutes', '90 minutes', '30 seconds'])}"
        closed = pick.one(DATES) if pick.chance(25) else None
        if closed:
            found += f", closed: [{closed}]"
        opened = pick.one(DATES)
        if opened != closed and pick.chance(20):
            hours = pick.one(["10:00-16:00", "[09:30-10:00, 10:00-10:30]", "20:00-03:00"])
            found += f", open_on: {{ {opened}: {hours} }}"
        if pick.chance(10):
            found += ", holidays: { country: GB, subdivision: ENG }"
        return f"{{ {found} }}"

    def suppression(self, name: str) -> str:
        """Return a suppression."""
        pick = self.pick
        hide = pick.one(["prompt", "prompt", "[prompt, widget]", "widget"])
        parts = []
        shape = pick.number(6)
        if shape == 0 or pick.chance(10):
            parts.append(f"where: {self.names(GROUPS)}")
        if shape == 1 or pick.chance(10):
            parts.append(f"who: {self.names(list(AUDIENCES))}")
        if shape == 2 or pick.chance(10):
            parts.append(f"outside: {pick.one(SCHEDULES)}")
        if shape == 3:
            parts.append("state: " + pick.one(
                ["free_slots, at_most: 0", "queue_wait, at_least: 20 seconds", "chat_active",
                 "agents_available, at_most: 1"]
            ))  # fmt: skip
        elif shape == 4 or not parts:
            parts.append(self.bare_parts())
        return f"  - {{ name: {name}, {', '.join(parts)}, hide: {hide} }}"

    def bare_parts(self) -> str:
        """Return a condition's keys without `where`, which is the page now in a suppression."""
        while True:
            found = self.parts(1)
            top = found.partition("[")[0]
            if "where:" not in top and (
                "where:" not in found or found[:3] in ("any", "all", "seq")
            ):
                return found

    def site(self) -> str:
        """Return site.yaml."""
        pick = self.pick
        lines = ["site:", "  name: shop", f"  time_zone: {pick.one(ZONES[:2])}"]
        lines.append(f"  session_timeout: {self.timeout}")
        if pick.chance(8):
            lines.append(f"  holdout: {pick.one(['50%', '100%'])}")
        if pick.chance(40):
            caps = [self.cap() for _ in range(1 + pick.number(2))]
            lines.append(f"  caps: [{', '.join(caps)}]")
        if pick.chance(40):
            lines.append(f"  cooldown: {self.cooldown()}")
        if self.keep_events:
            lines.append(f"  keep_events: {self.keep_events}")
        lines.append(PAGE_GROUPS.strip("\n"))
        lines.append("audiences:")
        lines += [f"  {name}: {facts}" for name, facts in AUDIENCES.items()]
        lines.append("schedules:")
        lines += [f"  {name}: {self.schedule()}" for name in SCHEDULES]
        lines.append("departments:")
        hours = " { schedule: late }" if pick.chance(30) else ""
        lines.append(f"  sales:{hours}")
        if pick.chance(5):
            lines.append("  default: { schedule: desk }")
        lines.append("events: { quote: [amount, code] }")
        if vetoes := pick.one([0, 0, 1, 2]):
            lines.append("suppress:")
            lines += [self.suppression(f"veto-{n}") for n in range(vetoes)]
        return "\n".join(lines) + "\n"

    def cooldown(self) -> str:
        """Return the cooldowns."""
        pick = self.pick
        found = []
        if pick.chance(50):
            found.append(f"after_dismissal: {pick.one(LONG)}")
        if pick.chance(50):
            found.append(f"after_chat: {pick.one(LONG)}")
        if pick.chance(50) or not found:
            times = 1 + pick.number(2)
            found.append(f"after_ignored: {{ times: {times}, for: {pick.one(LONG)} }}")
        return f"{{ {', '.join(found)} }}"

    def folder(self) -> dict[str, str]:
        """Return the files of a folder."""
        site = self.site()
        rules = [self.rule(f"rule-{n}") for n in range(self.pick.one([1, 1, 2, 3]))]
        return {"site.yaml": site, "a.yaml": "rules:\n" + "\n".join(rules) + "\n"}
