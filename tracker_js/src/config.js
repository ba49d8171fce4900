/** What the snippet says: its attributes, and where it came from. */

const script = document.currentScript || document.querySelector("script[data-site]");

/** An attribute of the snippet: option("pageGroup") is data-page-group. */
export const option = (name) => script.dataset[name];

const home = script.src.replace(/[^/?]*(\?.*)?$/, "");

/** Where events go: beside the script, or under `data-endpoint`. */
export const eventsUrl = (option("endpoint") || home).replace(
  /\/*(v1\/events)?\/*$/,
  "/v1/events",
);

/**
 * Loads one of our other files, from beside the tracker. `import()` carries the nonce of the
 * snippet and needs no Trusted Types policy, so a strict content security policy holds.
 */
export const load = (name, loaded) =>
  import(`${home + name}.js?v=${VERSION}`).then(loaded).catch(() => {});
