/** What the server decided: wait, show, hide. */

import { visible } from "./clock.js";
import { load, option } from "./config.js";
import { later, safe } from "./safe.js";
import { pageNo } from "./pages.js";
import { ask, record } from "./send.js";
import { productOfAddress } from "./shop.js";
import { consent } from "./visitor.js";

// ms added to a wait, so that no quick clock asks too early, and no server is asked all the time.
const SLACK = 250;

const hooks = {};
const chat = option("chat") || "";
const silent = option("prompt") == "off";

let timer; // to ask again
let coming; // a prompt that waits out its delay
let button; // has been needed once
let latest; // the newest decision

/** Takes the prompt down; set while there is one. */
export let close;

/** What the site itself wants to hear: "prompt", "decision", "chat". Who comes late is told too. */
export const listen = (what, fn) => {
  (hooks[what] ||= []).push(safe(fn));
  if (!latest) return;
  if (what == "decision") fn(latest);
  else dress(latest);
};

/** Tells the listeners; their answers, or undefined where nobody listens. */
const emit = (what, detail) => hooks[what]?.map((fn) => fn(detail));

// What the files with the prompt and the button need of the tracker.
const site = { chat, emit, load };

/** Stops waiting while nobody looks, and drops a prompt that was still to come. */
export const pause = () => {
  clearTimeout(timer);
  clearTimeout(coming);
};

/** Takes the prompt down: another page, or no more consent. */
export const clear = () => {
  pause();
  close?.();
  close = null;
};

/** Shows or hides the chat button: ours where the site opens its own chat, or the vendor's. */
export const dress = (decision) => {
  latest = decision;
  const shown = decision && decision.widget != "hidden";
  const ours = hooks.chat || /^url:/.test(chat);
  button ||= ours || (chat && !shown);
  if (button && !silent) load("button", (ui) => ui.dress(shown && decision, ours, site));
};

const present = (decision, page) => {
  const { decision_id, rule, variant } = decision;
  const tell = (what) => {
    if (what != "shown") close = null;
    record(`prompt_${what}`, { decision_id, rule, variant });
  };
  if (emit("prompt", { ...decision, tell })?.includes(false) || silent) return;
  load("prompt", (ui) => {
    if (page == pageNo && consent) close = ui.show(decision, tell, site);
  });
};

export const decided = (reply, page) => {
  const { decision } = reply;
  const here = page == pageNo;
  if (here) productOfAddress(reply.page?.values?.product);
  if (!decision) return;
  const { check_again_in: wait, prompt } = decision;
  pause();
  emit("decision", decision);
  if (wait > 0) timer = later(() => ask(0), wait * 1000 + SLACK);
  dress(decision);
  if (prompt && here && visible) {
    coming = later(() => present(decision, page), prompt.delay * 1000);
  }
};
