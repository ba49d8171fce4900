/* The strip at the top: what the rules answered and why, the desk's switch, a day gone by. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const { welltimed, visitor, forget } = window.demo;
  const why = $("why");
  let last;
  let again;

  /* Reasons, in the words of LANGUAGE.md section 6, for people. */
  const WORDS = {
    shown: "Prompt", no_rules: "There are no rules", needs_more_events: "Not yet",
    still_waiting: "Waiting", not_now: "Nothing fits just now", wrong_page: "Not on this page",
    not_in_audience: "Not for this visitor", unless_matched: "Held back by its own “unless”",
    outside_schedule: "Outside that desk's hours", suppressed: "Held back", availability_unknown: "The desk is unknown",
    capped: "Enough for now", cooling_down: "Just answered: leaving you in peace", no_capacity: "No room",
    in_holdout: "Held out, to measure", outside_rollout: "Not in the rollout yet", outranked: "Another rule goes first",
    paused: "Paused", outside_dates: "Not these days", shadow: "Would show, but runs in shadow",
    stale_event: "Too late to matter", bot: "A bot", no_consent: "No consent", store_unavailable: "The store is away",
    unknown_visitor: "Nothing known yet",
  };
  const CLOSE = /suppressed|capped|cooling_down|shadow|outranked|holdout|rollout|still_waiting|unless|schedule|availability/;
  const words = (told) => `${WORDS[told.reason] || told.reason}${told.by ? `: ${told.by}` : ""}`;

  const post = async (what, body) => {
    const reply = await fetch(`/demo/controls/${what}`, {
      method: "POST",
      headers: { "X-Welltimed-Demo": "1", "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return reply.json();
  };

  /* --- the answer --- */
  const wait = () => {
    const seconds = again && Math.ceil((again - performance.now()) / 1000);
    return seconds > 0 && seconds < 3600 ? ` · again in ${seconds} s` : "";
  };
  const tell = () => {
    let line = visitor() ? "Waiting for the page to ask" : "Nothing is noticed: no consent yet";
    let look = "";
    if (visitor() && last) {
      // A rule may wait for its moment on another page: then there is nothing to wait for on this one.
      const idle = last.reason === "still_waiting" && !again;
      look = last.decision;
      line = last.decision === "show" ? `Prompt: ${last.rule}` : idle ? WORDS.not_now : `${words(last)}${wait()} (${last.rule || "no rule"})`;
    }
    if ($("answer-text").textContent !== line) $("answer-text").textContent = line;
    document.querySelector(".dot").className = `dot ${look}`;
  };
  setInterval(tell, 1000);
  tell();
  welltimed("on", "decision", (decision) => {
    last = decision;
    again = decision.check_again_in && performance.now() + decision.check_again_in * 1000;
    document.body.dataset.answer = [decision.reason, decision.by, decision.rule, decision.widget].join(" ");
    tell();
    if (!why.hidden) explain();
  });

  /* --- why, or why not --- */
  const make = (tag, className, ...children) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...children.filter((child) => child !== undefined && child !== null && child !== ""));
    return node;
  };
  const mark = (verdict) => make("span", `mark ${verdict.split(" ")[0]}`, { yes: "✓", no: "✗" }[verdict] || "–", make("span", "sr", ` ${verdict} `));
  const condition = (told) =>
    make("li", "", mark(told.verdict), told.condition,
      told.missing && told.verdict === "no" && !told.parts ? make("span", "muted", ` · ${told.missing}`) : "",
      told.parts ? make("ul", "gates", ...told.parts.map(condition)) : "");
  const gate = (told) =>
    make("li", "", mark(told.verdict), make("strong", "", told.gate), " ",
      told.reason && !told.conditions ? `${words(told)} ` : "",
      told.conditions ? make("ul", "gates", condition(told.conditions)) : "",
      told.actual ? make("span", "muted", String(told.actual)) : "");
  const rule = (told) => {
    const near = told.decision === "show" ? "show" : CLOSE.test(told.reason) ? "close" : "";
    const plain = told.gates.filter((one) => one.verdict !== "yes" || one.conditions || one.actual);
    const node = make("details", "",
      make("summary", "", make("code", "", told.rule), make("span", `badge ${near}`, told.decision === "show" ? "would show now" : words(told))),
      told.description ? make("p", "muted pad", told.description) : "",
      make("ul", "gates", ...plain.map(gate)),
      told.place ? make("p", "muted pad", make("code", "", `rules/${told.place}`)) : "");
    node.dataset.rule = told.rule;
    return node;
  };
  const explain = async () => {
    const opened = new Set([...why.querySelectorAll("details[open]")].map((node) => node.dataset.rule));
    const id = visitor();
    if (!id) {
      why.replaceChildren(make("h2", "", "Why not?"), make("p", "", "You have not agreed to be noticed, so nothing is sent and no rule is asked."));
      return;
    }
    const query = new URLSearchParams({ visitor: id, page: location.href });
    const reply = await fetch(`/demo/controls/why?${query}`, { headers: { "X-Welltimed-Demo": "1" } });
    const told = await reply.json();
    const answer = last
      ? last.decision === "show"
        ? make("p", "", "The page was told to show ", make("code", "", last.rule), ".")
        : make("p", "", `${words(last)}. `, last.rule ? make("span", "muted", "That is what the rule which came furthest says: ", make("code", "", last.rule), ".") : "")
      : make("p", "", "The page has not asked yet.");
    const trace = told.trace || [];
    // Nearest first: the fewer gates refuse it, and the more of it has happened, the nearer a rule is.
    const begun = ({ conditions }) => typeof conditions?.actual === "number" && conditions.actual > 0;
    const lacks = (one) => one.gates.filter(({ verdict }) => verdict === "no").length - (one.gates.some(begun) ? 0.5 : 0);
    const rules = [...trace].sort((a, b) => lacks(a) - lacks(b)).map(rule);
    rules.forEach((node, place) => (node.open = opened.size ? opened.has(node.dataset.rule) : !place));
    why.replaceChildren(
      make("h2", "", last?.decision === "show" ? "Why" : "Why not?"), answer,
      ...(told.rules?.ok === false ? [make("p", "fault", "The rules on disk have a mistake; the old ones stay."), ...told.rules.problems.map((one) => make("p", "fault", one))] : []),
      make("h3", "", "Every rule, asked again this moment, nearest first"), ...rules,
      ...(trace.length ? [] : [make("p", "muted", "Nothing is held about you yet.")]),
    );
  };
  const toggle = (button, panel, open) => {
    button.setAttribute("aria-expanded", String(open));
    return open;
  };
  const showWhy = (open) => {
    why.hidden = !toggle($("why-button"), why, open);
    sessionStorage.setItem("demo-why", open ? "1" : "");
    if (open) explain();
  };
  $("why-button").addEventListener("click", () => showWhy(why.hidden));
  $("more-button").addEventListener("click", () => {
    $("controls").classList.toggle("open", toggle($("more-button"), $("controls"), !$("controls").classList.contains("open")));
  });
  document.querySelector(".strip").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || why.hidden) return;
    event.preventDefault(); // it is not meant for a prompt
    showWhy(false);
    $("why-button").focus();
  });
  if (sessionStorage.getItem("demo-why")) showWhy(true);

  /* --- the desk, the days, the end --- */
  const busy = async (button, work) => {
    button.disabled = true;
    try {
      await work();
    } finally {
      button.disabled = false;
    }
  };
  $("desk-switch").addEventListener("click", () => busy($("desk-switch"), async () => {
    const { open } = await post("desk", { open: $("desk-switch").getAttribute("aria-checked") !== "true" });
    $("desk-switch").setAttribute("aria-checked", String(open));
    $("desk-word").textContent = open ? "open" : "closed";
    location.reload();
  }));
  $("another-day").addEventListener("click", () => busy($("another-day"), async () => {
    if (!visitor()) return;
    await post("another-day", { visitor: visitor() });
    location.reload();
  }));
  $("forget").addEventListener("click", () => busy($("forget"), async () => {
    const id = visitor();
    forget();
    if (id) await post("forget", { visitor: id });
    location.reload();
  }));
})();
