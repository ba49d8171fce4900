/** Site searches: normalised, each told once, never page 2 of the same one. */

import { mask } from "./mask.js";
import { record } from "./send.js";
import { remember, visitor } from "./visitor.js";

const KEYWORDS = "q,query,s,search,searchword,k,keyword,keywords".split(",");

// Cards, phones, order numbers.
const LONG_NUMBER = /\d([\s.-]?\d){8,}/g;

let last;

// A field of that name which is hidden or a list is a filter or a sort order, not a search.
const isSearch = (name) => {
  const fields = [...document.getElementsByName(name)];
  return !fields[0] || fields.some(({ type }) => /text|search/.test(type));
};

const norm = (text) =>
  mask(`${text || ""}`.trim().toLowerCase().replace(/\s+/g, " ")).replace(LONG_NUMBER, "(number)");

const queryOf = (url) => {
  const words = new URL(url).searchParams;
  return norm(words.get(KEYWORDS.find((name) => words.get(name) && isSearch(name))));
};

/** An address without e-mail addresses; without its query where that holds a long number. */
export const cleanUrl = (url) =>
  mask(/\(number/.test(url && queryOf(url)) ? url.split("?")[0] : url);

/** What was searched before, on the page that led here. */
const before = () =>
  last ?? (document.referrer.startsWith(location.origin) && visitor().q);

/** A search that the page told of, by its address or its dataLayer. */
export const searched = (text, results) => {
  const query = norm(text);
  if (!query || query == before()) return;
  remember({ q: (last = query) });
  results ??= document.querySelector("[data-welltimed-results]")?.dataset.welltimedResults;
  record("search", { query, results: results && +results });
};

/** Looks for a search in the address; one that the visitor went back to is not new. */
export const searchInAddress = (back) => {
  const query = queryOf(location.href);
  if (back && query) last = query;
  else searched(query);
};
