/** Rocket.Chat Livechat: opens; takes no draft. */

import { ready } from "./_ready.js";

export const greeting = "none";

const call = (method) =>
  ready(() => window.RocketChat).then((queue) =>
    queue(function () {
      this[method]();
    }),
  );

export const open = () => call("maximizeWidget");
export const launcher = (shown) => call(shown ? "showWidget" : "hideWidget");
