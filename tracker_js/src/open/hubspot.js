/** HubSpot: opens; takes no draft. */

import { ready } from "./_ready.js";

export const greeting = "none";

const widget = () => ready(() => window.HubSpotConversations?.widget);

export const open = () =>
  widget().then((chat) =>
    chat.status?.().loaded === false ? chat.load({ widgetOpen: true }) : chat.open(),
  );
export const launcher = (shown) =>
  widget().then((chat) => (shown ? chat.load() : chat.remove()));
