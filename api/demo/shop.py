"""The pages of the demo shop: a home page, a shelf, a basket, a checkout, forms and help.

Nothing here knows of rules. What a page tells the tracker stands in the page: JSON-LD on product
pages, `data-cart-event` on the basket's buttons, `page_events` where a page itself is an event.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from api.demo import basket as baskets
from api.demo import quote as quotes
from api.demo.basket import Basket
from api.demo.catalogue import ARTICLE_BY_SLUG, ARTICLES, BY_ID, PLANS, PRODUCTS, Product, search
from api.demo.folder import ZONE

CODE = "246810"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def add_pages(demo: Blueprint) -> None:
    """Add the shop's pages to the demo's blueprint."""
    demo.after_request(_harden)
    demo.context_processor(lambda: {"basket": _basket()})
    for rule, name, page in _READ:
        demo.add_url_rule(rule, name, page, strict_slashes=False)
    for rule, name, page in _FILLED_IN:
        demo.add_url_rule(rule, name, page, methods=["GET", "POST"], strict_slashes=False)
    demo.add_url_rule("/<path:_>", "nowhere", lambda _: abort(HTTPStatus.NOT_FOUND))
    demo.register_error_handler(HTTPStatus.NOT_FOUND, _missing)


def _harden(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-cache")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _basket() -> Basket:
    return baskets.read(request.cookies.get(baskets.COOKIE, ""))


def _note(heading: str, *lines: str, events: list[list[Any]] | None = None) -> str:
    return render_template("demo/note.html", heading=heading, lines=lines, page_events=events or [])


# --- looking around -------------------------------------------------------------------------


def _home() -> str:
    return render_template("demo/home.html", products=PRODUCTS[:8])


def _products() -> str:
    return render_template("demo/products.html", products=PRODUCTS)


def _search() -> str:
    query = request.args.get("q", "").strip()[:100]
    return render_template("demo/search.html", query=query, found=search(query))


def _product(product_id: str) -> str:
    product = BY_ID.get(product_id)
    if product is None:
        abort(HTTPStatus.NOT_FOUND)
    after = _basket().with_count(product, _basket().count(product) + 1)
    return render_template(
        "demo/product.html",
        product=product,
        others=_beside(product),
        cart_fields=_cart_fields(product, after),
        linked_data=_linked_data(product),
    )


def _beside(product: Product) -> list[Product]:
    others = [other for other in PRODUCTS if other is not product]
    return sorted(others, key=lambda other: other.kind != product.kind)[:4]


def _cart_fields(product: Product, after: Basket) -> dict[str, Any]:
    """Return what a basket button reports: the product, and the basket as it then is."""
    return {
        "product": product.id,
        "price": product.price / 100,
        "category": product.kind,
        "quantity": 1,
        "cart_value": after.value,
        "cart_items": after.items,
    }


def _linked_data(product: Product) -> dict[str, Any]:
    return {
        "@context": "https://schema.org",
        "@type": "Product",
        "sku": product.id,
        "name": product.name,
        "category": product.kind,
        "offers": {
            "@type": "Offer",
            "price": f"{product.price / 100:.2f}",
            "priceCurrency": "GBP",
            "availability": "https://schema.org/InStock",
        },
    }


def _pricing() -> str:
    return render_template("demo/pricing.html", plans=PLANS)


def _privacy() -> str:
    return render_template("demo/privacy.html")


def _help_index() -> str:
    return render_template("demo/help.html", articles=ARTICLES)


def _contact() -> str:
    return render_template("demo/contact.html")


def _help_page(slug: str) -> str:
    article = ARTICLE_BY_SLUG.get(slug)
    if article is None:
        abort(HTTPStatus.NOT_FOUND)
    events = [["help_view", {"article": slug}]]
    return render_template("demo/article.html", article=article, page_events=events)


def _missing(_: Exception) -> ResponseReturnValue:
    page = _note("No such page", "It may have been sold, or it never was.")
    return page, HTTPStatus.NOT_FOUND


# --- buying ---------------------------------------------------------------------------------


def _basket_page() -> ResponseReturnValue:
    held = _basket()
    if request.method == "POST":
        product = BY_ID.get(request.form.get("product", ""))
        if product is None:
            abort(HTTPStatus.BAD_REQUEST)
        step = -1 if request.form.get("change") == "remove" else 1
        held = held.with_count(product, max(0, held.count(product) + step))
        return _carrying(held, redirect(url_for("demo.basket"), HTTPStatus.SEE_OTHER))
    removals = {
        line.product.id: _cart_fields(line.product, held.with_count(line.product, line.count - 1))
        for line in held.lines
    }
    view = ["cart_view", {"cart_value": held.value, "cart_items": held.items}]
    return render_template("demo/basket.html", removals=removals, page_events=[view])


def _carrying(held: Basket, response: Response) -> Response:
    response.set_cookie(
        baskets.COOKIE, held.cookie(), path="/demo", httponly=True, samesite="Lax", max_age=86_400
    )
    return response


def _checkout() -> ResponseReturnValue:
    if request.method == "POST":
        return redirect(url_for("demo.payment"), HTTPStatus.SEE_OTHER)
    return render_template("demo/checkout.html", step="address")


def _payment() -> ResponseReturnValue:
    held = _basket()
    if request.method == "POST" and held.lines:
        order, value = secrets.token_hex(4), held.value
        done = url_for("demo.bought", order=order, value=f"{value:.2f}")
        return _carrying(Basket(), redirect(done, HTTPStatus.SEE_OTHER))
    start = ["checkout_started", {"cart_value": held.value, "cart_items": held.items}]
    events = [start] if held.lines else []
    return render_template("demo/checkout.html", step="payment", page_events=events)


def _bought() -> str:
    order = request.args.get("order", "")[:16]
    value = request.args.get("value", 0.0, type=float)
    if not order.isalnum() or not 0 <= value < 1_000_000:
        abort(HTTPStatus.BAD_REQUEST)
    # The page may be loaded again: the third part says what to remember the event by.
    events = [["purchase", {"value": value}, f"order-{order}"]]
    return _note(
        "Thank you",
        "Nothing was bought, but if it had been, it would leave today.",
        "For an hour you will not be offered a chat: bought-just-now in site.yaml.",
        "To go on trying, press Forget me in the strip at the top.",
        events=events,
    )


# --- forms that the server answers ----------------------------------------------------------


def _answer(
    template: str,
    faults: dict[str, str],
    done: str,
    events: list[list[Any]],
    answers: dict[str, str],
) -> ResponseReturnValue:
    """Answer a form: as JSON to the page's script, as a page to a browser without it."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
    if "application/json" in request.headers.get("Accept", ""):
        if faults:
            return jsonify(faults=faults), status
        return jsonify(next=url_for(done), events=events), status
    if faults:
        return render_template(template, faults=faults, answers=answers), status
    return redirect(url_for(done), HTTPStatus.SEE_OTHER)


def _quote() -> ResponseReturnValue:
    if request.method == "GET":
        return render_template("demo/quote.html", faults={}, answers={})
    answers = quotes.read(request.form)
    faults = quotes.faults(answers, datetime.now(UTC).astimezone(ZONE).date())
    # No event for a success: the tracker sees a form go through by itself.
    return _answer("demo/quote.html", faults, "demo.quoted", [], answers)


def _quoted() -> str:
    return _note("Your quote is on its way", "You got through. Most people are glad of a hand.")


def _callback() -> ResponseReturnValue:
    if request.method == "GET":
        return redirect(url_for("demo.quote"), HTTPStatus.SEE_OTHER)
    return _note("We will ring you", "Nobody will, of course: there was no telephone to ring.")


def _verify() -> ResponseReturnValue:
    if request.method == "GET":
        events = [["verification_started", {}]]
        return render_template("demo/verify.html", faults={}, page_events=events)
    code = "".join(request.form.get("code", "")[:32].split())
    faults = {} if code == CODE else {"code": "That is not the code that we sent."}
    return _answer("demo/verify.html", faults, "demo.verified", [["verification_passed", {}]], {})


def _verified() -> str:
    return _note("It is you", "Thank you for waiting.")


Pages = tuple[tuple[str, str, Callable[..., ResponseReturnValue]], ...]

_READ: Pages = (
    ("/", "home", _home),
    ("/products", "products", _products),
    ("/search", "search", _search),
    ("/p/<product_id>", "product", _product),
    ("/pricing", "pricing", _pricing),
    ("/privacy", "privacy", _privacy),
    ("/help", "help_index", _help_index),
    ("/help/contact", "contact", _contact),
    ("/help/<slug>", "help_page", _help_page),
    ("/checkout/done", "bought", _bought),
    ("/quote/done", "quoted", _quoted),
    ("/verify/done", "verified", _verified),
)
_FILLED_IN: Pages = (
    ("/basket", "basket", _basket_page),
    ("/checkout", "checkout", _checkout),
    ("/checkout/payment", "payment", _payment),
    ("/quote", "quote", _quote),
    ("/quote/callback", "callback", _callback),
    ("/verify", "verify", _verify),
)
