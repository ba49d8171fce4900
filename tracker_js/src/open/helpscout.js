/** Help Scout Beacon: the greeting stands in the visitor's own text field. */

import { ready } from "./_ready.js";

export const greeting = "prefill";

const widget = () => ready(() => window.Beacon);

export const open = (text) =>
  widget().then((call) => {
    if (text) call("prefill", { text });
    call("open");
  });
export const launcher = (shown) =>
  widget().then((call) => call("config", { display: { style: shown ? "icon" : "manual" } }));
