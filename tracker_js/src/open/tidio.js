/** Tidio: the greeting appears as the operator's. */

import { ready } from "./_ready.js";

export const greeting = "operator";

const widget = () => ready(() => window.tidioChatApi);

export const open = (text) =>
  widget().then((chat) => {
    chat.open();
    if (text) chat.messageFromOperator(text);
  });
export const launcher = (shown) => widget().then((chat) => chat.display(shown));
