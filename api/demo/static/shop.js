/* What a shop does for itself on a page: its consent bar, its cart events, forms that answer in place. */
(() => {
  "use strict";
  // Calls wait in `q` until the tracker is there, as with any snippet.
  window.welltimed ||= (...call) => (window.welltimed.q ||= []).push(call);
  const welltimed = (...call) => window.welltimed(...call);
  const $ = (id) => document.getElementById(id);
  const CONSENT = "demo-consent";

  /** The visitor's id, where there is one. A shop has no need of it; the demo's strip has. */
  const visitor = () => {
    try {
      return JSON.parse(localStorage.getItem("welltimed")).v;
    } catch {
      return null;
    }
  };

  /* --- events that the page itself is --- */
  const declare = () => {
    for (const [name, fields, once] of JSON.parse(document.body.dataset.events || "[]")) {
      if (once && sessionStorage.getItem(once)) continue;
      if (once) sessionStorage.setItem(once, "1");
      welltimed("event", name, fields);
    }
  };

  /* --- consent: one question; the tracker remembers a yes, the shop that it has asked --- */
  const bar = $("consent");
  const ask = (open) => {
    bar.hidden = !open;
    document.body.classList.toggle("consent-open", open);
    document.documentElement.style.setProperty("--consent-height", `${bar.offsetHeight}px`);
  };
  const answer = (word) => {
    localStorage.setItem(CONSENT, word);
    welltimed("consent", word);
    if (word === "grant") declare();
    ask(false);
  };
  $("consent-grant").addEventListener("click", () => answer("grant"));
  $("consent-deny").addEventListener("click", () => answer("deny"));
  ask(!localStorage.getItem(CONSENT));
  // Once the tracker runs, so that the page view comes first.
  const snippet = document.querySelector("script[data-site]");
  if (window.welltimed.live) declare();
  else snippet.addEventListener("load", declare);

  /** Everything about the visitor goes from this browser; the consent bar asks anew. */
  const forget = () => {
    welltimed("consent", "deny");
    localStorage.removeItem(CONSENT);
    sessionStorage.clear();
  };
  window.demo = { welltimed, visitor, forget };

  /* --- what the basket's and the form's buttons are --- */
  document.addEventListener("submit", (event) => {
    const { cartEvent, cart } = event.target.dataset;
    if (cartEvent) welltimed("event", cartEvent, JSON.parse(cart));
    if (event.submitter?.dataset.callback !== undefined) welltimed("event", "callback_requested", { topic: "quote" });
  });

  /* --- the hours on the contact page: what the rules keep to, read from where they keep it --- */
  const hours = $("hours");
  if (hours) {
    fetch(`/v1/hours?site=${document.body.dataset.site}&language=${document.documentElement.lang}`)
      .then((response) => response.json())
      .then(({ open, message, week, time_zone: zone }) => {
        $("hours-now").textContent = open ? "The chat desk is open now." : message;
        const list = document.createElement("dl");
        for (const { day, hours: times } of week || []) {
          for (const [tag, words] of [["dt", day], ["dd", times]]) {
            list.append(Object.assign(document.createElement(tag), { textContent: words }));
          }
        }
        hours.replaceChildren(list, Object.assign(document.createElement("p"), { textContent: `All times: ${zone}.` }));
      })
      .catch(() => {});
  }

  /* --- forms that the server answers in place: faults beside their fields, or the next page --- */
  const mark = (form, faults) => {
    for (const input of form.querySelectorAll("input[aria-describedby]")) {
      const fault = faults[input.name];
      const place = $(`${input.name}-fault`);
      if (place) place.textContent = fault || "";
      if (fault) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    const names = Object.keys(faults);
    form.querySelector(".form-fault").textContent = names.length ? "That did not go through yet. Please look at the marked answers." : "";
    form.querySelector("[aria-invalid]")?.focus();
  };
  for (const form of document.querySelectorAll("form[data-answer]")) {
    form.addEventListener("submit", async (event) => {
      if (event.submitter?.hasAttribute("formaction")) return;
      event.preventDefault();
      const body = new URLSearchParams(new FormData(form));
      mark(form, {});
      let reply;
      try {
        const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
        reply = await response.json();
      } catch {
        form.submit();
        return;
      }
      mark(form, reply.faults || {});
      for (const [name, fields] of reply.events || []) welltimed("event", name, fields);
      if (reply.next) location.assign(reply.next);
    });
  }
})();
