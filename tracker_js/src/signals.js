/** Signs of the visitor on the page: idle time, scrolling, errors, leaving. */

import { seenTime } from "./clock.js";
import { on } from "./safe.js";
import { ask, record } from "./send.js";

const ERRORS = 5; // a page view: a broken page would flood us

let lastSign;
let depth;
let errors;
let exited;

export const resetSignals = () => {
  lastSign = seenTime();
  depth = errors = exited = 0;
};

export const idle = () => seenTime() - lastSign;

/** How far down the page has been seen, 0 to 100. */
export const scrollDepth = () => {
  const { scrollTop, clientHeight, scrollHeight } = document.documentElement;
  const now = Math.round(((scrollTop + clientHeight) / scrollHeight) * 100);
  return (depth = Math.max(depth, now));
};

const scrolled = () => {
  const before = depth;
  const passed = (step) => ((scrollDepth() / step) | 0) > ((before / step) | 0);
  if (passed(25)) record("scroll", { depth }, 1000);
  else if (passed(10)) ask(1000);
};

export const watchSignals = () => {
  on(document, "pointerdown pointermove keydown scroll", ({ type }) => {
    lastSign = seenTime();
    if (type == "scroll") scrolled();
  });
  // Resources that do not load have no message.
  on(window, "error unhandledrejection", ({ message, reason }) => {
    if ((message || reason) && errors++ < ERRORS) record("js_error", {}, 1000);
  });
  on(document, "mouseout", ({ relatedTarget, clientY }) => {
    if (!relatedTarget && clientY <= 0 && !exited++) record("exit_intent");
  });
};
