/** Salesforce Messaging for Web: opens; it could only send, so the greeting stays with us. */

import { ready } from "./_ready.js";

export const greeting = "none";

const widget = () => ready(() => window.embeddedservice_bootstrap?.utilAPI);

export const open = () => widget().then((chat) => chat.launchChat());
export const launcher = (shown) =>
  widget().then((chat) => (shown ? chat.showChatButton() : chat.hideChatButton()));
