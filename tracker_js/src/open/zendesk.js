/** Zendesk. Messaging takes no draft; Classic could only send, so neither gets the greeting. */

import { ready } from "./_ready.js";

export const greeting = "none";

const widget = () => ready(() => window.zE);
const call = (what) => widget().then((zE) => zE(zE.widget == "classic" ? "webWidget" : "messenger", what));

export const open = () => call("open");
export const launcher = (shown) => call(shown ? "show" : "hide");
