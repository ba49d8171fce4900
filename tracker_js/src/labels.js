/** The few words that are ours, for where a rule names none: "close", and "chat" if not "Chat". */

const WORDS = {
  ar: "إغلاق محادثة",
  cs: "Zavřít",
  da: "Luk",
  de: "Schließen",
  es: "Cerrar",
  fi: "Sulje",
  fr: "Fermer",
  he: "סגירה צ׳אט",
  it: "Chiudi",
  ja: "閉じる チャット",
  ko: "닫기 채팅",
  nl: "Sluiten",
  no: "Lukk",
  pl: "Zamknij Czat",
  pt: "Fechar",
  ru: "Закрыть Чат",
  sv: "Stäng",
  tr: "Kapat Sohbet",
  zh: "关闭 聊天",
};

/** [close, chat] in a language, in English where we do not know it. */
export const labels = (language) => {
  const [close, chat = "Chat"] = (WORDS[`${language}`.slice(0, 2)] || "Close").split(" ");
  return [close, chat];
};

/** Languages written from right to left. */
export const direction = (language) =>
  /^(ar|dv|fa|he|ps|sd|ug|ur|yi)\b/i.test(language) ? "rtl" : "ltr";
