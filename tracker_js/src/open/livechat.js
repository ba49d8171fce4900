/** LiveChat: the greeting stands in the visitor's own text field. */

import { ready } from "./_ready.js";

export const greeting = "prefill";

const widget = () => ready(() => window.LiveChatWidget);

export const open = (messageDraft) =>
  widget().then((chat) => chat.call("maximize", { messageDraft }));
export const launcher = (shown) =>
  widget().then((chat) => chat.call(shown ? "minimize" : "hide"));
