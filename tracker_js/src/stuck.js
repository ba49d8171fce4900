/**
 * Signs that a visitor is stuck: how forms go (times and counts, by the names of form and field,
 * never a value, a length or a text), and clicks in anger.
 */

import { mask } from "./mask.js";
import { later, safe } from "./safe.js";

const FIELDS =
  "input:not([type=hidden],[type=submit],[type=button],[type=reset],[type=image]),select,textarea";
const SUBMITS = "button,input[type=submit],input[type=image]";
const SEARCH = "search,[role=search]";
// One press of the button: its click, its invalid fields, its submit event.
const SAME_ATTEMPT = 500;
// When to look what became of an attempt; at the last look nothing has.
// Events from before this file was here that still count, ms.
const EARLY = 2000;
const RAGE = 3; // clicks …
const RAGE_TIME = 1000; // … within ms …
const RAGE_PLACE = 30; // … and pixels
const LOOKS = [300, 1500, 5000];

/**
 * Starts. `seenTime` gives the ms for which the page has been visible; `early` holds the events
 * (with their targets) that came before this file: those of the last moment still count.
 */
export const watch = (record, ask, seenTime, early) => {
  let forms = {};
  let form; // the one worked on
  let field; // the one in focus
  let entered;
  let lastInput;

  const nameOf = (node, ...attributes) =>
    mask(attributes.map((name) => node.getAttribute(name)).find(Boolean) || node.localName);

  // The search box, with or without a list of categories.
  const isSearch = (element) =>
    element.closest(SEARCH) ||
    (element.querySelector(`${SEARCH},[type=search]`) &&
      element.querySelectorAll(FIELDS).length < 3);

  const formOf = (node) => {
    const element = node.form || node.closest?.("form");
    if (!element || isSearch(element)) return;
    const name = nameOf(element, "data-welltimed-form", "name", "id");
    const owner = (forms[name] ||= {
      name,
      fields: {},
      returns: 0,
      corrections: 0,
      failed: 0,
      errors: 0,
      stalled: 0,
    });
    owner.element = element;
    return owner;
  };

  const fieldOf = (owner, node) => {
    const name = nameOf(node, "name", "id", "autocomplete", "type");
    return (owner.fields[name] ||= { name, errors: 0 });
  };

  const tell = (event, owner, { name } = {}, delay = 1000) =>
    record(event, { form: owner.name, field: name }, delay);

  const enter = (node) => {
    const owner = node.matches(FIELDS) && formOf(node);
    if (!owner) return;
    const now = fieldOf(owner, node);
    if (now == field) return; // the window came back into focus
    form = owner;
    field = now;
    entered = lastInput = seenTime();
    if (form.first == null) {
      form.first = entered;
      tell("form_started", form);
    }
    if (field.typed) {
      form.returns++;
      tell("field_return", form, field);
    }
  };

  const typed = (event, node) => {
    enter(node);
    if (!field) return;
    lastInput = seenTime();
    form.hesitation ??= lastInput - form.first;
    form.last = field;
    field.typed = true;
    if (/^delete/.test(event.inputType) || !node.value) {
      form.corrections++;
      ask(3000);
    }
  };

  const refused = (owner, node) => {
    const { attempt } = owner;
    const bad = fieldOf(owner, node);
    if (attempt[bad.name]) return;
    attempt[bad.name] = true;
    owner.errors = Math.max(owner.errors, ++bad.errors);
    if (!attempt.failed) {
      attempt.failed = true;
      owner.failed++;
      tell("submit_failed", owner, {}, 0);
    }
  };

  const accepted = (owner) => {
    tell("form_submitted", owner, {}, 0);
    if (owner == form) form = field = undefined;
    delete forms[owner.name];
  };

  const look = (owner, attempt, last) => {
    if (owner.attempt != attempt || forms[owner.name] != owner) return;
    const { element } = owner;
    element.querySelectorAll('[aria-invalid="true"]').forEach((node) => refused(owner, node));
    if (attempt.failed) return;
    if (!element.getClientRects()[0]) accepted(owner);
    else if (last && attempt.sent) {
      owner.stalled++;
      ask(0);
    }
  };

  // The visitor tries to send the form; a click and what it causes are one attempt.
  const tries = (owner) => {
    if (performance.now() - owner.tried < SAME_ATTEMPT) return owner.attempt;
    owner.tried = performance.now();
    const attempt = (owner.attempt = {});
    for (const ms of LOOKS) later(() => look(owner, attempt, ms == 5000), ms);
    return attempt;
  };

  let clicks = [];
  // Clicked in quick succession for good reason: text, fields, steppers (+), carousels (an icon).
  const isCalm = (node) =>
    `${getSelection()}` ||
    node.closest("select,textarea,[contenteditable]") ||
    /^\W?$/.test(node.closest("a,button,input")?.textContent.trim());

  const rages = ({ timeStamp, clientX, clientY }, node) => {
    clicks = clicks.filter(
      ([time, x, y]) =>
        timeStamp - time < RAGE_TIME &&
        Math.abs(clientX - x) + Math.abs(clientY - y) < RAGE_PLACE,
    );
    if (!isCalm(node) && clicks.push([timeStamp, clientX, clientY]) >= RAGE) {
      clicks = [];
      record("rage_click");
    }
  };

  const handlers = {
    focusin: (_, node) => enter(node),
    input: typed,
    // When the window loses the focus, the field stays the active one.
    focusout: (_, node) => {
      if (document.activeElement != node) field = undefined;
    },
    change: (_, node) => {
      const owner = node.matches(FIELDS) && formOf(node);
      if (owner) tell("field_edit", owner, fieldOf(owner, node));
    },
    click: (event, node) => {
      rages(event, node);
      const button = node.closest(SUBMITS);
      const owner = /submit|image/.test(button?.type) && formOf(button);
      if (owner) tries(owner);
    },
    // Not where a page asks while the visitor types: that is no attempt.
    invalid: (_, node) => {
      const owner = formOf(node);
      if (performance.now() - owner?.tried < SAME_ATTEMPT) refused(owner, node);
    },
    submit: (_, node) => {
      const owner = formOf(node);
      if (owner) tries(owner).sent = true;
    },
    reset: (_, node) => {
      const owner = formOf(node);
      if (owner?.attempt?.sent && !owner.attempt.failed) accepted(owner);
    },
  };

  const seconds = (ms) => Math.round(ms) / 1000;

  const see = (event, node) => handlers[event.type](event, node);
  for (const [event, node] of early) {
    if (early[early.length - 1][0].timeStamp - event.timeStamp < EARLY) safe(see)(event, node);
  }

  return {
    see,

    /** The page is left: forms sent are through, forms begun are abandoned. */
    leave: () => {
      for (const owner of Object.values(forms)) {
        if (owner.attempt?.sent && !owner.attempt.failed) accepted(owner);
        else if (owner.last) tell("form_abandoned", owner, owner.last);
      }
      forms = {};
      form = field = undefined;
    },

    state: () =>
      form && {
        form: form.name,
        hesitation: seconds(form.hesitation ?? seenTime() - form.first),
        field_returns: form.returns,
        corrections: form.corrections,
        failed_submits: form.failed,
        same_field_errors: form.errors,
        submit_no_progress: form.stalled,
        ...(field && {
          idle_in_field: seconds(seenTime() - lastInput),
          field_time: seconds(seenTime() - entered),
        }),
      },
  };
};
