/**
 * Signs that a visitor is stuck (forms, rage clicks) are a file of their own, stuck.js, fetched
 * at the first click or when a form's field is entered. What happens until it is here waits.
 */

import { seenTime } from "./clock.js";
import { load } from "./config.js";
import { on } from "./safe.js";
import { ask, record } from "./send.js";

let stuck;
let loading;
let early = [];

const see = (event) => {
  const node = event.composedPath()[0];
  if (stuck) return stuck.see(event, node);
  early = [...early.slice(-99), [event, node]];
  if (!loading && (node.form || event.type == "click")) {
    loading = load("stuck", (file) => {
      stuck = file.watch(record, ask, seenTime, early);
    });
  }
};

export const watchStuck = () =>
  on(document, "focusin focusout input invalid submit click change reset", see);

/** The page is left: what became of its forms. */
export const leaveForms = () => stuck?.leave();
export const formState = () => stuck?.state();
