/** Nothing of ours may throw into the page: whatever the browser calls goes through here. */

export const safe = (fn) =>
  function (...args) {
    try {
      return fn.apply(this, args);
    } catch {
      // The page never notices.
    }
  };

/** Listens early (capture); `types` is one or several names in one text. */
export const on = (target, types, fn) =>
  types.split(" ").forEach((type) => target.addEventListener(type, safe(fn), true));

export const later = (fn, ms) => setTimeout(safe(fn), ms);
