/** Opens the chat: the site's own, the vendor's, else the page where one can write. */

/** An address that a link may have, else undefined: never a script. */
export const safeUrl = (address) => {
  try {
    const url = new URL(address || "javascript:", document.baseURI);
    if (/^(https?|mailto|tel):/.test(url)) return url.href;
  } catch {
    // No address.
  }
};

/** `site` is what the tracker hands on: chat (data-chat), emit, load. */
export const openChat = ({ prompt, desk }, { chat, emit, load }) => {
  const message = prompt?.message;
  const own = chat.replace(/^url:/, "");
  const contact = safeUrl(desk?.contact);
  let opened = emit("chat", { message, department: prompt?.department });
  if (opened) return;
  if (own[0] == "#") location.hash = own;
  else if (own != chat) open(safeUrl(own), "_blank", "noopener");
  else if (!chat) contact && location.assign(contact);
  else {
    load(`open-${chat}`, async (vendor) => {
      // Only where the vendor shows it as ours: nobody is made to say our words.
      await vendor.open(vendor.greeting == "operator" ? message : undefined);
      opened = true;
    }).then(() => opened || (contact && location.assign(contact)));
  }
};
