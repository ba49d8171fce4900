/** An element of ours on the page: an open shadow root, its style, nothing of the page's. */

/** Children may be texts, elements, or nothing. */
export const element = (name, properties, ...children) => {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children.filter(Boolean));
  return node;
};

export const pageIsRtl = () => getComputedStyle(document.body).direction == "rtl";

/** `css` needs no style allowance in a content security policy where sheets can be constructed. */
export const mount = (name, css, ...children) => {
  const host = document.createElement(name);
  const root = host.attachShadow({ mode: "open" });
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(element("style", {}, css)); // Safari before 16.4
  }
  root.append(...children);
  document.body.append(host);
  return host;
};
