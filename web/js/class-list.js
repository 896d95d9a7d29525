/**
 * The list of classes: single lessons of a new class in an order of their own, and a class from another computer.
 * @module
 */
import { Trouble } from "./api.js";
import { goLive, startPage } from "./app.js";
import { text } from "./catalogue.js";
import { one } from "./dom.js";
import { LessonOrder } from "./lesson-order.js";
import { TroubleSlot } from "./trouble-slot.js";

const bus = startPage();
new TroubleSlot(one(document, "[data-trouble]", HTMLElement), bus);
new LessonOrder(one(document, ".lesson-choices", HTMLElement), one(document, "[data-order]", HTMLElement));
const field = one(document, "[data-bring-in]", HTMLInputElement);
field.addEventListener("change", async () => {
  const file = field.files?.[0];
  if (file === undefined) return;
  bus.emit("trouble", null);
  const response = await fetch("/api/classes", { method: "POST", headers: { accept: "application/json" }, body: file }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (response?.ok) {
    location.assign(answer.path);
    return;
  }
  field.value = "";
  const { code, message, hint } = answer?.error ?? { code: "E-SERVER-AWAY", message: text("live.server_away"), hint: text("live.server_away_hint") };
  bus.emit("trouble", new Trouble(code, message, hint));
});
goLive(bus);
