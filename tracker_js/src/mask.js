/** Hides e-mail addresses, wherever they stand. */
export const mask = (text) => text.replace(/[^\s/?&=]+(@|%40)[^\s/?&=]+/gi, "(email)");
