/** Intercom: the greeting stands in the visitor's own text field. */

import { ready } from "./_ready.js";

export const greeting = "prefill";

const widget = () => ready(() => window.Intercom);

export const open = (draft) => widget().then((call) => call("showNewMessage", draft));
export const launcher = (shown) =>
  widget().then((call) => call("update", { hide_default_launcher: !shown }));
