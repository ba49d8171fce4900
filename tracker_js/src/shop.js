/** Products and carts: from the dataLayer, from the page, from what the server makes of its URL. */

import { declared, fields } from "./product.js";
import { safe } from "./safe.js";
import { searched } from "./search.js";
import { record } from "./send.js";

// GA4's names; those that are ours too stand for themselves.
const KINDS = {
  __proto__: null,
  view_item: "product_view",
  view_cart: "cart_view",
  begin_checkout: "checkout_started",
  sign_up: "signup",
};
const OURS = /^(add_to_cart|remove_from_cart|purchase|login)$/;

let product; // of this page view
let stale;
let watched;

export const forgetProduct = () => {
  product = 0;
};

const viewed = (found) => {
  if (product != found.product) {
    product = found.product;
    record("product_view", found);
  }
};

/** The page's own product; a single-page app may have left the last page's in place. */
export const productOfPage = () => {
  const found = !product && declared();
  if (found && found.product != stale) viewed(found);
  stale = found?.product;
};

/** The product that the server reads in the address, where the page declares none. */
export const productOfAddress = (id) => {
  if (id && !product) viewed({ product: id });
};

/** One entry of a dataLayer, pushed for Tag Manager or by gtag. */
const read = safe((entry) => {
  const gtag = entry[0] == "event";
  const name = gtag ? entry[1] : entry.event;
  const data = { ...(gtag ? entry[2] : entry), ...entry.ecommerce };
  const kind = OURS.test(name) ? name : KINDS[name];
  const value = +data.value;
  const items = [].concat(data.items || []).slice(0, 20);
  const sold = (item) => fields((key) => item[key]);
  if (/search/.test(name)) searched(data.search_term, data.results);
  else if (name == "view_item") viewed(sold(items[0]));
  else if (kind == "purchase") record(kind, { value });
  else if (/_cart$/.test(kind)) {
    for (const item of items) {
      record(kind, { ...sold(item), quantity: +item.quantity || 1 });
    }
  } else if (kind) {
    const cart_items = items.reduce((sum, item) => sum + (+item.quantity || 1), 0);
    record(kind, data.items && { cart_value: value, cart_items });
  }
});

/** Reads what a page's dataLayer holds and will hold. */
export const watchDataLayer = safe(() => {
  const layer = window.dataLayer;
  if (layer != watched) {
    watched = layer;
    layer.forEach(read);
    const { push } = layer;
    layer.push = function (...entries) {
      const result = push.apply(this, entries);
      entries.forEach(read);
      return result;
    };
  }
});
