/** tawk.to: opens; takes no draft. */

import { ready } from "./_ready.js";

export const greeting = "none";

// The global is there before its methods are.
const widget = () => ready(() => window.Tawk_API?.maximize && window.Tawk_API);

export const open = () => widget().then((chat) => chat.maximize());
export const launcher = (shown) =>
  widget().then((chat) => (shown ? chat.showWidget() : chat.hideWidget()));
