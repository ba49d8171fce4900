/** The chat button: ours, where the site opens its own chat; else the vendor's, shown or hidden. */

import css from "./button.css";
import { openChat, safeUrl } from "./chat.js";
import { labels } from "./labels.js";
import { element, mount, pageIsRtl } from "./shadow.js";

let host;
let worn; // what it says now

const bubble = () => {
  const [svg, path] = ["svg", "path"].map((name) =>
    document.createElementNS("http://www.w3.org/2000/svg", name),
  );
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", "M5 4h14a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-7l-5 4v-4H5a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3z");
  svg.append(path);
  return svg;
};

/** `decision` is false where the button is to go, undefined where it is no more our business. */
export const dress = (decision, ours, site) => {
  if (!ours) {
    if (decision !== undefined) {
      site.load(`open-${site.chat}`, (vendor) => vendor.launcher(!!decision));
    }
    return;
  }
  const { open, message, contact } = (decision && decision.desk) || {};
  const shut = open === false;
  const link = shut && contact && safeUrl(contact);
  const language = document.documentElement.lang;
  const text = shut && message ? message : labels(language)[1];
  const wanted = decision && `${shut}${link}${text}`;
  if (wanted === worn) return;
  worn = wanted;
  host?.remove();
  if (!decision) return;
  const tag = link ? "a" : shut ? "div" : "button";
  const pill = element(
    tag,
    {
      className: shut ? "pill shut" : "pill",
      onclick: () => shut || openChat(decision, site),
      ...(link && { href: link }),
    },
    bubble(),
    element("span", {}, text),
  );
  host = mount("welltimed-button", css, pill);
  host.className = pageIsRtl() ? "left" : "";
};
