/** Events out, decisions in: batches, retries, and what happens when the page is left. */

import { now, stamp, visible } from "./clock.js";
import { eventsUrl, option } from "./config.js";
import { close, decided } from "./decisions.js";
import { pageNo, url } from "./pages.js";
import { later, safe } from "./safe.js";
import { state } from "./state.js";
import { storage } from "./storage.js";
import { consent, FULL, QUEUE, remember, startAfresh, stop, uuid, visitor } from "./visitor.js";

const BATCH_EVENTS = 50;
const BATCH_BYTES = 40_000;
const KEPT_EVENTS = 200;
// Browsers give all keepalive requests in flight 64 KiB together.
const QUOTA = 60_000;
const TIMEOUT = 1e4;

let queue = []; // events as JSON text, oldest first
let again = []; // batches that failed, to be sent again as they were
let flight; // the batch under way
let inFlight = 0; // bytes of keepalive requests under way
let failures = 0;
let doubts = 0;
let notBefore = 0;
let timer;
let due = Infinity;

const bytes = (parts) => new Blob(parts).size;

let identity;

export const identify = (jwt) => {
  identity = jwt;
  ask(0);
};

// Long texts are cut; half a character (a lone surrogate) is no JSON for a strict server.
const trim = (_, value) =>
  typeof value == "string" ? value.slice(0, 1024).replace(/\p{Cs}/gu, "") : value;

/** Notes an event; it leaves within `delay` ms, with all that comes meanwhile. */
export const record = (event, fields, delay = 0) => {
  if (!consent) return;
  queue.push(
    JSON.stringify({ ...fields, id: uuid(), event, at: stamp(), page: url }, trim),
  );
  queue = queue.slice(-KEPT_EVENTS);
  ask(bytes(queue) < BATCH_BYTES ? delay : 0);
};

/** Sends and asks within `delay` ms. */
export const ask = (delay) => {
  const at = Math.max(now() + delay, notBefore);
  if (at < due) {
    clearTimeout(timer);
    due = at;
    timer = later(flush, at - now());
  }
};

const flush = async () => {
  due = Infinity;
  if (!consent) return;
  if (flight) return ask(100);
  const asks = visible && !close;
  const batch = take();
  if (!batch[0] && !asks) return;
  flight = batch;
  await post(batch, asks).catch(() => {});
  flight = 0;
  if (more()) ask(0);
};

const more = () => queue[0] || again[0];

const take = () => {
  if (again[0]) return again.shift();
  const batch = queue.splice(0, BATCH_EVENTS);
  while (batch[1] && bytes(batch) > BATCH_BYTES) queue.unshift(batch.pop());
  return batch;
};

const post = async (batch, asks, last) => {
  const me = visitor();
  const page = pageNo;
  let events = batch;
  // Without a token, one event that the server holds proves who we are.
  if (!me.t) {
    if (!me.e) remember({ e: batch[0] });
    else if (!batch.includes(me.e)) events = [me.e, ...batch];
  }
  const head = JSON.stringify({
    site: option("site"),
    visitor: me.v,
    token: me.t,
    consent: consent == FULL ? "full" : "memory",
    page: url,
    page_group: option("pageGroup"),
    language: option("language") || document.documentElement.lang,
    attributes: { language: navigator.language },
    identity,
    ...(asks && { ask: true, state: state() }),
    sent_at: stamp(),
  });
  const body = `${head.slice(0, -1)},"events":[${events}]}`;
  let size = bytes([body]);
  const keepalive = inFlight + size < QUOTA;
  if (!keepalive) {
    if (last) return again.push(batch);
    size = 0;
  }
  inFlight += size;
  let response = {};
  let reply = 0;
  try {
    response = await fetch(eventsUrl, {
      method: "POST",
      body, // a text goes as text/plain: no preflight
      keepalive,
      credentials: "omit",
      signal: AbortSignal.timeout?.(TIMEOUT),
    });
    reply = (await response.json()) || 0;
  } catch {
    // No answer, or rubbish: again, later.
  }
  inFlight -= size;
  if (consent) settle(response, reply, batch, me, page);
};

const settle = ({ ok, status, headers }, reply, batch, me, page) => {
  if (ok && reply.accepted >= 0) {
    failures = doubts = 0;
    if (visitor().v == me.v) {
      remember({ t: reply.token || visitor().t, e: batch.at(-1) || me.e });
      safe(decided)(reply, page);
    }
  } else if (ok || !status || status > 499 || /408|429/.test(status)) {
    retry(batch, headers?.get("retry-after") * 1000);
  } else if (/token/.test(reply.code) && doubts < 2) {
    // Another tab may hold a newer token; else prove ourselves, else begin afresh.
    if (visitor().t == me.t) {
      if (doubts++ || !me.t) startAfresh();
      else remember({ t: undefined });
    }
    again.unshift(batch);
  } else {
    // Not to be had: the batch is dropped, and proves nothing. Or nothing at all is wanted of us.
    remember({ e: undefined });
    if (status > 400 && status < 405) stop();
  }
};

const retry = (batch, wait) => {
  if (batch[0]) again.unshift(batch);
  notBefore = now() + (wait || Math.min(2 ** failures++, 300) * (500 + 1000 * Math.random()));
  clearTimeout(timer);
  due = Infinity;
  ask(0);
  if (!visible) stash();
};

/** The page may never run again: everything out, or kept for the next page. */
export const leave = () => {
  if (navigator.onLine && !failures) {
    for (const batch of [take(), take(), take()]) if (batch[0]) post(batch, 0, true);
  }
  stash();
  flight = 0; // a page that is put aside may never hear what became of it
};

// An event is in one tab's memory or in the storage, never in both: no tab sends it twice.
const stash = () => {
  let kept = [...((!navigator.onLine && flight) || []), ...again.flat(), ...queue];
  if (consent != FULL || !kept[0]) return;
  kept = [...new Set([...(storage(QUEUE) || []), ...kept])];
  while (bytes(kept) > QUOTA) kept.shift();
  if (storage(QUEUE, kept)) empty();
};

// Takes over what this page or an earlier one could not deliver; not into a page that may go.
const unstash = () => {
  const kept = visible && consent == FULL && storage(QUEUE);
  if (kept) {
    storage(QUEUE, null);
    queue = [].concat(kept, queue);
  }
};

export const online = () => {
  notBefore = 0;
  unstash();
  if (more()) ask(0);
};

export const empty = () => {
  queue = [];
  again = [];
};
