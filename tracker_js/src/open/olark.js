/** Olark: the greeting appears as the operator's. */

import { ready } from "./_ready.js";

export const greeting = "operator";

const widget = () => ready(() => window.olark);

export const open = (body) =>
  widget().then((call) => {
    call("api.box.expand");
    if (body) call("api.chat.sendMessageToVisitor", { body });
  });
export const launcher = (shown) =>
  widget().then((call) => call(shown ? "api.box.show" : "api.box.hide"));
