/** Who the visitor is to the server, and whether we may know: consent, id and write token. */

import { option } from "./config.js";
import { storage } from "./storage.js";

export const KEY = "welltimed";
export const QUEUE = `${KEY}.queue`;

/** 0: nothing is stored or sent; MEMORY: nothing is stored; FULL. */
export let consent = 0;
export const MEMORY = 1;
export const FULL = 2;

// v: id; t: write token; e: an event that the server holds, or will; q: the last search.
let me = {};

// 144 bits as base64url; that both odd signs become "-" costs less than one of them.
const newId = () =>
  btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18)))).replace(/\W/g, "-");

/** An event's id. crypto.randomUUID is missing on plain http. */
export const uuid = () => crypto.randomUUID?.() || newId();

// What an earlier page and other tabs know counts: it is read again each time.
const recall = () => {
  const kept = consent == FULL && storage(KEY);
  if (kept?.v) me = kept;
  return me;
};

export const remember = (changes) => {
  me = { ...recall(), ...changes };
  if (consent == FULL) storage(KEY, me);
};

/** The visitor's record. */
export const visitor = () => {
  if (!recall().v) startAfresh();
  return me;
};

/** Begins as a stranger; also when the server cannot believe that we are who we were. */
export const startAfresh = () => remember({ v: newId(), t: undefined, e: undefined });

/** Stops for this page without forgetting: the server will not have us. */
export const stop = () => {
  consent = 0;
};

const forget = () => {
  stop();
  me = {};
  storage(KEY, null);
  storage(QUEUE, null);
};

const mode = option("consent");
const automatic = /^[gm]/.test(mode); // granted, memory

/** Denied: id and queue go. Only where pages begin by themselves is a bare "no" remembered. */
export const deny = () => {
  forget();
  if (automatic) storage(KEY, 0);
};

/** Tells whether this begins it. */
export const grant = () => {
  if (navigator.globalPrivacyControl) return forget();
  const before = consent;
  consent = FULL;
  remember(visitor());
  return !before;
};

/** The consent that this page begins with. */
export const firstConsent = () => {
  const kept = storage(KEY);
  if (navigator.globalPrivacyControl) forget();
  else if (automatic ? kept !== 0 : kept?.v) consent = mode == "memory" ? MEMORY : FULL;
};
