/** Crisp: the greeting appears as the operator's. */

import { ready } from "./_ready.js";

export const greeting = "operator";

// $crisp is an array until its script comes, and takes calls all the same.
const push = (...calls) =>
  ready(() => window.$crisp).then((crisp) => calls.forEach((call) => crisp.push(call)));

export const open = (text) =>
  push(["do", "chat:open"], ...(text ? [["do", "message:show", ["text", text]]] : []));
export const launcher = (shown) => push(["do", shown ? "chat:show" : "chat:hide"]);
