/** Instants that never tie, and time that stands still while nobody can see the page. */

let newest = 0;

/** Now as RFC 3339, strictly later than every stamp before. */
export const stamp = () => {
  newest = Math.max(newest + 1, Date.now());
  return new Date(newest).toISOString();
};

/** Monotonic ms. */
export const now = () => performance.now();

export let visible = false;
let seen = 0;
let since = 0;

export const setVisible = (is) => {
  seen = seenTime();
  since = now();
  visible = is;
};

/** Milliseconds for which the page has been visible. */
export const seenTime = () => seen + (visible ? now() - since : 0);

