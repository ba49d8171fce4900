"""An example for each standard event and state: a condition, and what makes it true.

The reference page shows them, and the tests run them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """A condition and the lines of a rule test after which it first holds.

    `at` is the instant at which it does, where that is later than the last line. `given` is what
    the test gives; `note` is what there is to know beside the meaning.
    """

    when: str
    timeline: tuple[str, ...] = ()
    at: str = ""
    given: str = ""
    note: str = ""


_E = Example

EVENTS: dict[str, Example] = {
    "page_view": _E(
        "{ event: page_view, where: pricing, at_least: 2 }",
        ("{ at: 0s, event: page_view, page: /pricing }",
         "{ at: 1m, event: page_view, page: /pricing }"),
        note="It begins the window `page` and the clock `on_page`.",
    ),
    "page_hidden": _E(
        "{ event: page_hidden, at_least: 2, within: page }",
        ("{ at: 0s, event: page_view, page: /pricing }",
         "{ at: 20s, event: page_hidden }", "{ at: 50s, event: page_visible }",
         "{ at: 70s, event: page_hidden }"),
        note="Clocks of visible time stand still from here on. It neither starts nor extends a "
             "session.",
    ),
    "page_visible": _E(
        "{ event: page_visible, within: page }",
        ("{ at: 0s, event: page_view, page: /pricing }",
         "{ at: 20s, event: page_hidden }", "{ at: 50s, event: page_visible }"),
        note="Clocks of visible time run on from here.",
    ),
    "search": _E(
        "{ event: search, with: { results: 0 }, different: query, at_least: 2 }",
        ("{ at: 0s, event: search, query: crampons, results: 0 }",
         "{ at: 20s, event: search, query: ice axe, results: 0 }"),
    ),
    "product_view": _E(
        "{ event: product_view, same: product, different: session, at_least: 2, within: 30 days }",
        ("{ at: 0s, event: product_view, product: 4471, page: /p/4471, session: one }",
         "{ at: 9d, event: product_view, product: 4471, page: /p/4471, session: two }"),
        note="Where a page declares no product itself, the page script takes it from the "
             "`{product}` of a page group.",
    ),
    "add_to_cart": _E(
        "{ event: add_to_cart, different: product, at_least: 2 }",
        ("{ at: 0s, event: add_to_cart, product: 4471, price: 129, quantity: 1 }",
         "{ at: 60s, event: add_to_cart, product: 8120, price: 18, cart_value: 147 }"),
    ),
    "remove_from_cart": _E(
        "{ event: remove_from_cart, with: { price: { at_least: 100 } } }",
        ("{ at: 0s, event: remove_from_cart, product: 4471, price: 129, cart_value: 18 }",),
    ),
    "cart_view": _E(
        "{ event: cart_view, at_least: 2, within: 1 day }",
        ("{ at: 0s, event: cart_view, cart_value: 147, cart_items: 2 }",
         "{ at: 5h, event: cart_view, cart_value: 147, cart_items: 2 }"),
    ),
    "checkout_started": _E(
        "{ event: checkout_started, not_followed_by: purchase, for: 20 minutes, within: 1 day }",
        ("{ at: 0s, event: checkout_started, cart_value: 147 }",),
        at="20m",
    ),
    "purchase": _E(
        "{ event: purchase, with: { value: { at_least: 200 } }, within: 30 days }",
        ("{ at: 0s, event: purchase, value: 249.5 }",),
        note="It clears `cart_value` and `cart_items`.",
    ),
    "form_started": _E(
        "{ event: form_started, with: { form: quote }, not_followed_by: form_submitted, "
        "for: 3 minutes }",
        ("{ at: 0s, event: form_started, form: quote }",),
        at="3m",
    ),
    "field_edit": _E(
        "{ event: field_edit, with: { form: quote, field: iban }, at_least: 2 }",
        ("{ at: 0s, event: field_edit, form: quote, field: iban }",
         "{ at: 20s, event: field_edit, form: quote, field: iban }"),
        note="It tells which field, never what was typed.",
    ),
    "field_return": _E(
        "{ event: field_return, same: field, at_least: 2, within: 10 minutes }",
        ("{ at: 0s, event: field_return, form: quote, field: iban }",
         "{ at: 40s, event: field_return, form: quote, field: iban }"),
    ),
    "submit_failed": _E(
        "{ event: submit_failed, same: form, at_least: 2, within: 10 minutes }",
        ("{ at: 0s, event: submit_failed, form: quote }",
         "{ at: 30s, event: submit_failed, form: quote }"),
    ),
    "form_submitted": _E(
        "{ event: form_submitted, with: { form: [quote, apply] }, within: 10 minutes }",
        ("{ at: 0s, event: form_submitted, form: quote }",),
    ),
    "form_abandoned": _E(
        "{ event: form_abandoned, with: { form: quote }, within: 1 day }",
        ("{ at: 0s, event: form_abandoned, form: quote, field: iban }",),
        note="`field` is the one that was left last.",
    ),
    "verification_started": _E(
        "{ event: verification_started, not_followed_by: verification_passed, for: 90 seconds }",
        ("{ at: 0s, event: verification_started }",),
        at="90s",
    ),
    "verification_passed": _E(
        "{ event: verification_passed, within: 5 minutes }",
        ("{ at: 0s, event: verification_passed }",),
    ),
    "rage_click": _E(
        "{ event: rage_click, at_least: 2, within: page }",
        ("{ at: 0s, event: page_view, page: /pricing }",
         "{ at: 10s, event: rage_click }", "{ at: 14s, event: rage_click }"),
    ),
    "dead_click": _E(
        "{ event: dead_click, at_least: 2, within: page }",
        ("{ at: 0s, event: page_view, page: /pricing }",
         "{ at: 10s, event: dead_click }", "{ at: 14s, event: dead_click }"),
    ),
    "js_error": _E(
        "{ event: js_error, where: pricing }",
        ("{ at: 0s, event: js_error, page: /pricing }",),
    ),
    "help_view": _E(
        "{ event: help_view, different: article, at_least: 2, within: 15 minutes }",
        ("{ at: 0s, event: help_view, article: returns }",
         "{ at: 2m, event: help_view, article: delivery }"),
    ),
    "scroll": _E(
        "{ event: scroll, with: { depth: { at_least: 75 } }, within: page }",
        ("{ at: 0s, event: page_view, page: /pricing }",
         "{ at: 30s, event: scroll, depth: 75 }"),
    ),
    "exit_intent": _E(
        "{ event: exit_intent, within: page }",
        ("{ at: 0s, event: page_view, page: /pricing }", "{ at: 30s, event: exit_intent }"),
    ),
    "link_click": _E(
        "{ event: link_click, with: { url: { contains: compare } } }",
        ("{ at: 0s, event: link_click, url: /plans/compare }",),
    ),
    "login": _E(
        "{ event: login, within: 2 minutes }",
        ("{ at: 0s, event: login }",),
        note="Whether the visitor *is* logged in is the state [`logged_in`](#logged_in).",
    ),
    "signup": _E(
        "{ event: signup, within: 1 day }",
        ("{ at: 0s, event: signup }",),
    ),
    "chat_started": _E(
        "{ event: chat_started, at_least: 2, within: 30 days }",
        ("{ at: 0s, event: chat_started }", "{ at: 8d, event: chat_started }"),
        note="Any chat event starts the cooldown `after_chat`.",
    ),
    "chat_ended": _E(
        "{ event: chat_ended, within: 1 day }",
        ("{ at: 0s, event: chat_started }", "{ at: 8m, event: chat_ended }"),
    ),
    "chat_message": _E(
        "{ event: chat_message, with: { text_signals: [refund, angry] }, within: 14 days }",
        ("{ at: 0s, event: chat_message, text_signals: [refund, size] }",),
        note="Signals are words of your chat system's own choice; a message carries any number.",
    ),
    "chat_rated": _E(
        "{ event: chat_rated, with: { rating: { at_most: 2 } }, within: 14 days }",
        ("{ at: 0s, event: chat_rated, rating: 2 }",),
    ),
    "prompt_shown": _E(
        "{ event: prompt_shown, at_least: 2, within: 30 days }",
        ("{ at: 0s, event: prompt_shown, rule: three-searches }",
         "{ at: 3d, event: prompt_shown, rule: three-searches }"),
        note="In a rule test it counts as that rule's prompt, without a `rule` towards the "
             "site's caps only. It neither starts nor extends a session.",
    ),
    "prompt_accepted": _E(
        "{ event: prompt_accepted, with: { rule: three-searches }, within: 7 days }",
        ("{ at: 0s, event: prompt_accepted, rule: three-searches }",),
    ),
    "prompt_dismissed": _E(
        "{ event: prompt_dismissed, at_least: 2, within: 90 days }",
        ("{ at: 0s, event: prompt_dismissed, rule: three-searches }",
         "{ at: 9d, event: prompt_dismissed, rule: three-searches }"),
        note="It starts the cooldown `after_dismissal`.",
    ),
}  # fmt: skip

_ON_PRICING = "{ at: 0s, event: page_view, page: /pricing }"
_PART_OF_STUCK = "Part of [`form_stuck`](#form_stuck)."

STATES: dict[str, Example] = {
    "on_page": _E(
        "{ state: on_page, for: 40 seconds }",
        (_ON_PRICING,),
        at="40s",
        note="Time seen, not time open: it stands still while the tab is hidden, and begins anew "
             "with each `page_view`, of the same page too.",
    ),
    "idle": _E(
        "{ state: idle, for: 30 seconds }",
        (_ON_PRICING, "{ at: 20s, state: { idle: 15 } }"),
        at="35s",
    ),
    "scroll_depth": _E(
        "{ state: scroll_depth, at_least: 50 }",
        (_ON_PRICING, "{ at: 20s, state: { scroll_depth: 70 } }"),
    ),
    "idle_in_field": _E(
        "{ state: idle_in_field, for: 45 seconds }",
        (_ON_PRICING, "{ at: 60s, state: { form: quote, idle_in_field: 45 } }"),
        note="It counts from entering the field where nothing was typed yet. Think twice: people "
             "fetch a card. [`form_stuck`](#form_stuck) is kinder.",
    ),
    "field_time": _E(
        "{ state: field_time, for: 1 minute }",
        (_ON_PRICING, "{ at: 90s, state: { form: quote, field_time: 60 } }"),
    ),
    "hesitation": _E(
        "{ state: hesitation, for: 20 seconds }",
        (_ON_PRICING, "{ at: 40s, state: { form: quote, hesitation: 20 } }"),
        note="Once it is measured it stands.",
    ),
    "field_returns": _E(
        "{ state: field_returns, at_least: 2 }",
        (_ON_PRICING, "{ at: 60s, state: { form: quote, field_returns: 2 } }"),
        note=_PART_OF_STUCK,
    ),
    "corrections": _E(
        "{ state: corrections, at_least: 10 }",
        (_ON_PRICING, "{ at: 60s, state: { form: quote, corrections: 12 } }"),
        note=_PART_OF_STUCK,
    ),
    "failed_submits": _E(
        "{ state: failed_submits, at_least: 2 }",
        (_ON_PRICING, "{ at: 60s, state: { form: quote, failed_submits: 2 } }"),
        note=_PART_OF_STUCK,
    ),
    "same_field_errors": _E(
        "{ state: same_field_errors, at_least: 2 }",
        (_ON_PRICING, "{ at: 60s, state: { form: quote, same_field_errors: 2 } }"),
        note="An error of one field counts once an attempt. " + _PART_OF_STUCK,
    ),
    "submit_no_progress": _E(
        "{ state: submit_no_progress, at_least: 2 }",
        (_ON_PRICING, "{ at: 60s, state: { form: quote, submit_no_progress: 2 } }"),
        note=_PART_OF_STUCK,
    ),
    "form_stuck": _E(
        "{ state: form_stuck }",
        (_ON_PRICING, "{ at: 60s, state: { form: quote, idle_in_field: 30, field_returns: 2 } }"),
        note="That is: two failed submits; or one field invalid in two attempts; or two submits "
             "without progress; or 30 seconds idle in a field together with two returns or ten "
             "corrections; or a minute in one field after a return. Idleness alone never is.",
    ),
    "form": _E(
        "{ state: form, is: [quote, apply] }",
        (_ON_PRICING, "{ at: 30s, state: { form: quote } }"),
    ),
    "on_site": _E(
        "{ state: on_site, for: 5 minutes }",
        (_ON_PRICING,),
        at="5m",
    ),
    "cart_value": _E(
        "{ state: cart_value, at_least: 100 }",
        ("{ at: 0s, event: add_to_cart, product: 4471, cart_value: 129.9 }",),
        note="The newest of what cart events and the page say in this visit; a `purchase` clears "
             "it.",
    ),
    "cart_items": _E(
        "{ state: cart_items, at_least: 3 }",
        ("{ at: 0s, event: cart_view, cart_items: 3 }",),
    ),
    "referrer": _E(
        "{ state: referrer, contains: news }",
        ("{ at: 0s, event: page_view, page: /, referrer: https://www.news.example/today }",),
        note="Here it is `www.news.example`.",
    ),
    "campaign": _E(
        "{ state: campaign, is: spring }",
        ('{ at: 0s, event: page_view, page: "/?utm_campaign=spring" }',),
    ),
    "landing": _E(
        "{ state: landing, is: [pricing, product] }",
        (_ON_PRICING,),
        note="A page may be in several groups; one of them is enough.",
    ),
    "visits": _E(
        "{ state: visits, at_least: 2 }",
        ("{ at: 0s, event: page_view, page: / }", "{ at: 1d, event: page_view, page: / }"),
    ),
    "days_since_last_visit": _E(
        "{ state: days_since_last_visit, at_least: 7 }",
        ("{ at: 0s, event: page_view, page: / }", "{ at: 8d, event: page_view, page: / }"),
        note="With fractions: half a day is 0.5. On a first visit it is missing.",
    ),
    "logged_in": _E("{ state: logged_in }", given="{ logged_in: true }"),
    "device": _E("{ state: device, is: [mobile, tablet] }", given="{ device: mobile }"),
    "browser": _E("{ state: browser, is: Firefox }", given="{ browser: Firefox }"),
    "language": _E("{ state: language, is: fr }", given="{ language: fr-CA }"),
    "country": _E(
        "{ state: country, not: GB }",
        given="{ country: FR }",
        note="Your server tells it; while it is unknown, `not: GB` is false as well.",
    ),
    "agents_available": _E(
        "{ state: agents_available, at_least: 2 }",
        given="{ agents_available: 2 }",
        note="0 while the desk is unknown.",
    ),
    "free_slots": _E(
        "{ state: free_slots, at_least: 3 }",
        given="{ free_slots: 3 }",
        note="`agents_online` × `chats_per_agent` − `active_chats` − `reserve`, never below 0; 0 "
             "while the desk is unknown.",
    ),
    "queue_wait": _E(
        "{ state: queue_wait, at_least: 60 seconds }",
        given="{ queue_wait: 75 }",
        note="Missing while the desk is unknown.",
    ),
    "queue_length": _E(
        "{ state: queue_length, at_least: 3 }",
        given="{ queue_length: 3 }",
        note="Missing while the desk is unknown.",
    ),
    "chat_active": _E(
        "{ state: chat_active }",
        ("{ at: 0s, event: chat_started }",),
        note="From `chat_started` to `chat_ended`; where no end is told, until 4 hours after the "
             "last chat event.",
    ),
}  # fmt: skip
