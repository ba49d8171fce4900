/** The browser's storage, which may be denied, full, or hold rubbish. */

/** Reads (no value), writes, or removes (null); a true answer to a write means it was kept. */
export const storage = (key, value) => {
  try {
    if (value === undefined) return JSON.parse(localStorage[key]);
    if (value === null) delete localStorage[key];
    else localStorage[key] = JSON.stringify(value);
    return true;
  } catch {
    // Denied, full, absent, or not ours.
  }
};
