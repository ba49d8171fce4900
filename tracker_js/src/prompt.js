/**
 * The prompt: a card in a corner that asks once, politely. It never takes the focus, never traps
 * it, and goes on Escape. All texts are text, never HTML.
 */

import { openChat, safeUrl } from "./chat.js";
import { direction, labels } from "./labels.js";
import css from "./prompt.css";
import { element, mount, pageIsRtl } from "./shadow.js";

// A status region must be on the page before its text is, or nobody reads it out.
const ANNOUNCE = 100;

/** Shows it; `tell` reports shown, accepted, dismissed. Gives the way to take it down. */
export const show = (decision, tell, site) => {
  const { message, button, articles, open, wait } = decision.prompt;
  const language = decision.prompt.language || document.documentElement.lang;
  const [closeLabel, chatLabel] = labels(language);
  let before; // had the focus before somebody moved it into the prompt

  const text = element("p", { role: "status" });
  text.dataset.text = message; // holds its place: nothing moves when it comes
  const link = open == "chat" ? "" : safeUrl(open == "contact" ? decision.desk?.contact : open);
  const action = element(
    link ? "a" : "button",
    {
      className: "go",
      onclick: () => {
        take("accepted");
        if (!link) openChat(decision, site);
      },
      ...(link && { href: link }),
    },
    button || chatLabel,
  );
  const links = (articles || []).map(({ title, url }) => {
    const href = safeUrl(url);
    return href && element("li", {}, element("a", { href }, title));
  });
  const close = { className: "close", ariaLabel: closeLabel, onclick: () => take("dismissed") };
  const card = element(
    "section",
    { ariaLabel: message },
    text,
    links[0] && element("ul", {}, ...links),
    element("div", {}, action, wait && !message.includes(wait) && element("small", {}, wait)),
    element("button", close, "×"),
  );

  const host = mount("welltimed-prompt", css, card);
  host.lang = language;
  host.dir = direction(language);
  const lifted = site.chat || document.querySelector("welltimed-button");
  host.className = (lifted ? "lifted " : "") + (pageIsRtl() ? "left" : "");

  const onKey = (event) => {
    if (event.key == "Escape" && !event.defaultPrevented && !event.isComposing) take("dismissed");
  };
  const down = () => {
    clearTimeout(timer);
    removeEventListener("keydown", onKey);
    if (document.activeElement == host) before?.focus();
    host.remove();
  };
  const take = (answer) => {
    down();
    tell(answer);
  };

  host.addEventListener("focusin", ({ relatedTarget }) => {
    before ||= relatedTarget;
  });
  addEventListener("keydown", onKey);

  const timer = setTimeout(() => {
    text.append(message);
    // Never over the field that somebody is typing in.
    const active = document.activeElement;
    const field = active?.matches("input,select,textarea,[contenteditable]") && active.getBoundingClientRect();
    const { top, left, right } = card.getBoundingClientRect();
    if (field && field.bottom > top && field.right > left && field.left < right) {
      host.classList.add("top");
    }
    card.className = "in";
    tell("shown");
  }, ANNOUNCE);
  return down;
};
