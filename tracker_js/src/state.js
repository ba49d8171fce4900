/** What the page itself measured, in seconds and counts: goes with every question. */

import { seenTime } from "./clock.js";
import { began } from "./pages.js";
import { idle, scrollDepth } from "./signals.js";
import { formState } from "./stuck-later.js";

export const state = () => ({
  on_page: (seenTime() - began) / 1000,
  idle: idle() / 1000,
  scroll_depth: scrollDepth(),
  ...formState(),
});
