/** Page views: loads, single-page navigation, the back-forward cache; hidden and visible. */

import { seenTime, setVisible, visible } from "./clock.js";
import { clear, pause } from "./decisions.js";
import { leaveForms, watchStuck } from "./stuck-later.js";
import { later, on, safe } from "./safe.js";
import { cleanUrl, searchInAddress } from "./search.js";
import { ask, leave, online, record } from "./send.js";
import { forgetProduct, productOfPage, watchDataLayer } from "./shop.js";
import { resetSignals, watchSignals } from "./signals.js";

const SETTLE = 500; // a single-page app draws its page after it changed the address

/** The address of this page view, cleaned. */
export let url;
/** Which page view of this document it is; 0 before the first. */
export let pageNo = 0;
/** The visible time at which it began. */
export let began;

let path;

// A fragment is a place on the page, except where it is the route of an app.
const here = () => cleanUrl(location.href.replace(/#(?![!/]).*/, ""));

const end = () => {
  leaveForms();
  clear();
};

/** `back`: the visitor went back or forward to it. */
export const view = (back, delay) => {
  end();
  resetSignals();
  forgetProduct();
  const mine = ++pageNo;
  const referrer = path ? null : cleanUrl(document.referrer);
  began = seenTime();
  url = here();
  path = location.pathname;
  record("page_view", { referrer }, 1000);
  const settled = () => {
    if (mine == pageNo) {
      watchDataLayer();
      searchInAddress(back);
      productOfPage();
      ask(0);
    }
  };
  if (document.readyState == "loading") on(document, "DOMContentLoaded", settled);
  else later(settled, delay);
};

const navigated = safe((back, replaced) => {
  const now = here();
  if (url == now) return;
  // A replaced query is a filter or a cursor: the same page.
  if (replaced && path == location.pathname) url = now;
  else view(back, SETTLE);
});

const watchHistory = safe(() => {
  for (const name of ["pushState", "replaceState"]) {
    const original = history[name];
    history[name] = function (...args) {
      const result = original.apply(this, args);
      navigated(0, name[0] == "r");
      return result;
    };
  }
});

const begin = () => {
  setVisible(true);
  online();
  view();
  watchHistory();
  on(window, "popstate", () => navigated(true));
  on(window, "pagehide", () => {
    end();
    hide();
  });
  on(window, "pageshow", ({ persisted }) => {
    if (persisted) {
      look();
      view(true);
    }
  });
  on(window, "online", online);
  watchDataLayer();
  watchStuck();
  watchSignals();
};

// Leaving a page hides it twice; what the page itself says in between leaves the second time.
const hide = () => {
  if (visible) {
    setVisible(false);
    pause();
    record("page_hidden");
  }
  leave();
};

const show = () => {
  if (!pageNo) begin();
  else if (!visible) {
    setVisible(true);
    online();
    record("page_visible");
  }
};

// Somebody sees it: not while it is prerendered, nor in a tab in the background.
const look = () => (document.prerendering || document.hidden ? hide() : show());

export const beginWhenSeen = () => {
  on(document, "visibilitychange prerenderingchange", look);
  look();
};
