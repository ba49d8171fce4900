/* A stand-in for a chat vendor: a panel that answers by rote. welltimed never sees what is written. */
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const panel = $("chat-panel");
  const log = $("chat-log");
  const text = $("chat-text");
  const KEY = "demo-chat";
  const LINES = [
    "Hello, you have reached Fell & Fern. Here a person would answer; I am only a demo.",
    "I would look that up for you now.",
    "Thank you, that is all I can say. Close the chat when you have seen enough.",
  ];
  let talk = JSON.parse(sessionStorage.getItem(KEY) || "null") || { open: false, lines: [] };
  let opener;

  const keep = () => sessionStorage.setItem(KEY, JSON.stringify(talk));
  const write = (who, line) => {
    const item = document.createElement("li");
    item.className = who;
    item.textContent = line;
    log.append(item);
    log.scrollTop = log.scrollHeight;
  };
  const say = (who, line) => {
    talk.lines = [...talk.lines, [who, line]].slice(-50);
    keep();
    write(who, line);
  };

  const show = (focus) => {
    panel.hidden = false;
    document.body.classList.add("chatting");
    if (focus) text.focus();
  };
  /** Opens the panel: the prompt's words, where there was one, are what the agent said first. */
  const open = (prompt) => {
    opener = document.activeElement;
    if (!talk.open) {
      log.replaceChildren();
      talk = { open: true, lines: [] };
      say("note", "A stand-in for your chat. Nothing is sent anywhere.");
      say("theirs", prompt?.message || LINES[0]);
      window.demo.welltimed("chat", "started");
    }
    show(true);
  };
  const close = () => {
    if (panel.hidden) return;
    panel.hidden = true;
    document.body.classList.remove("chatting");
    talk = { open: false, lines: [] };
    keep();
    window.demo.welltimed("chat", "ended");
    (opener?.isConnected ? opener : document.body).focus();
  };
  const send = () => {
    const line = text.value.trim();
    if (!line) return;
    say("mine", line);
    text.value = "";
    const answers = talk.lines.filter(([who]) => who === "theirs").length;
    setTimeout(() => talk.open && say("theirs", LINES[Math.min(answers, LINES.length - 1)]), 700);
  };

  $("chat-close").addEventListener("click", close);
  $("chat-send").addEventListener("click", send);
  text.addEventListener("keydown", (event) => event.key === "Enter" && send());
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // it is not meant for a prompt
    close();
  });
  for (const link of document.querySelectorAll("[data-open-chat]")) {
    link.addEventListener("click", () => open());
  }
  // With a listener for "chat" the tracker shows its own button, and leaves the opening to us.
  window.demo.welltimed("on", "chat", (prompt) => open(prompt));
  if (talk.open) {
    for (const [who, line] of talk.lines) write(who, line);
    show(false);
  }
})();
