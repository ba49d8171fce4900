/** Waits until a vendor's global is there; it may still be loading. Rejects after 5 seconds. */
export const ready = (find) =>
  new Promise((found, missing) => {
    const until = performance.now() + 5000;
    const look = () => {
      const it = find();
      if (it) found(it);
      else if (performance.now() > until) missing();
      else setTimeout(look, 100);
    };
    look();
  });
