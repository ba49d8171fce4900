/** Chatwoot: opens; takes no draft. */

import { ready } from "./_ready.js";

export const greeting = "none";

// The global is there before its methods are.
const widget = () => ready(() => window.$chatwoot?.toggle && window.$chatwoot);

export const open = () => widget().then((chat) => chat.toggle("open"));
export const launcher = (shown) =>
  widget().then((chat) => chat.toggleBubbleVisibility(shown ? "show" : "hide"));
