/**
 * Address, PIN and QR code large: a new PIN needs a new code, so the page is loaded again.
 * @module
 */
import { startPage } from "./app.js";
import { followHosted } from "./class-live.js";
import { one, setText } from "./dom.js";

const bus = startPage();
const main = one(document, "[data-class]", HTMLElement);
const pin = one(main, "[data-pin]", HTMLElement);
const count = one(main, "[data-count]", HTMLElement);
bus.on("grid", ({ head }) => {
  setText(count, String(head.seats.length));
  if (head.pin !== pin.textContent) location.reload();
});
followHosted(bus, main.dataset.class ?? "");
