/** The tracker: what a visitor does, told to the collector; what it answers, shown. */

// In this order the bundle packs best.
import { on, safe } from "./safe.js";
import { beginWhenSeen, pageNo, view } from "./pages.js";
import { clear, dress, listen } from "./decisions.js";
import { empty, identify, record } from "./send.js";
import { consent, deny, firstConsent, FULL, grant, KEY } from "./visitor.js";

const start = () => {
  if (!consent) return;
  if (pageNo) view();
  else beginWhenSeen();
};

const calls = {
  event: (name, fields) => record(name, fields),
  consent: (answer) => {
    if (answer == "grant") grant() && start();
    else {
      deny();
      empty();
      clear();
      dress();
    }
  },
  identify,
  on: listen,
  chat: (what) => record(`chat_${what}`),
};

if (!window.welltimed?.live) {
  const earlier = window.welltimed?.q || [];
  const call = safe((name, ...args) => calls[name](...args));
  call.live = true;
  window.welltimed = call;
  // Denied in another tab: here too.
  on(window, "storage", ({ key, newValue }) => {
    if (consent == FULL && key == KEY && +newValue === 0) calls.consent();
  });
  firstConsent();
  safe(start)();
  for (const args of earlier) call(...args);
}
