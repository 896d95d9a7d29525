/**
 * The host's page of a class: the grid, a learner opened, things for all.
 * @module
 */
import { Announcer } from "./announcer.js";
import { post, send } from "./api.js";
import { startPage } from "./app.js";
import { readData, text } from "./catalogue.js";
import { command } from "./class-command.js";
import { Grid, GROUPS } from "./class-grid.js";
import { LearnerPanel } from "./class-learner.js";
import { followHosted } from "./class-live.js";
import { ToAll } from "./class-to-all.js";
import { all, icon, make, maybe, one, setText } from "./dom.js";
import { TroubleSlot } from "./trouble-slot.js";

/** Minutes go by without a change of anything. */
const REDRAW_MS = 15_000;

const bus = startPage();
const announcer = new Announcer();
new TroubleSlot(one(document, "[data-trouble]", HTMLElement), bus);

/** @type {{ id: number, lessons: import("./class-types.js").ClassLesson[] }} */
const data = readData("class-data");
const base = `/api/classes/${data.id}`;
const grid = new Grid(one(document, "[data-grid]", HTMLTableElement), data.lessons, open);
const panel = new LearnerPanel(one(document, "[data-learner]", HTMLElement), data.id, bus, nameOf, () => {
  const seat = grid.opened;
  grid.opened = null;
  grid.draw();
  maybe(document, `[data-seat="${seat}"] .learner-name`, HTMLButtonElement)?.focus();
});
const toAll = new ToAll(one(document, "[data-to-all]", HTMLDetailsElement), data.lessons, (request) => command(bus, request), base);
const hide = one(document, "[data-hide-names]", HTMLInputElement);
const age = one(document, "[data-age]", HTMLElement);
const counts = one(document, "[data-counts]", HTMLElement);
let heard = Date.now();
let hands = 0;

/** @param {number} seat */
function open(seat) {
  grid.opened = seat;
  grid.draw();
  void panel.show(seat);
}

/** @param {number} seat */
function nameOf(seat) {
  const row = grid.rows.get(seat);
  return row ? grid.name(row) : "";
}

bus.on("grid", ({ now, head, rows }) => {
  heard = Date.now();
  age.hidden = true;
  grid.ahead = now - Math.floor(heard / 1000);
  grid.take(rows, head.seats);
  panel.changed(rows);
  toAll.show(head);
  for (const pin of all(document, "[data-pin]", HTMLElement)) setText(pin, head.pin);
  one(document, "[data-empty]", HTMLElement).hidden = head.seats.length > 0;
  one(document, "[data-ended]", HTMLElement).hidden = head.ended === null;
  const guessing = one(document, "[data-guessing]", HTMLElement);
  guessing.hidden = head.guessing === null;
  if (head.guessing) setText(one(guessing, "[data-guessing-text]", HTMLElement), text("room.guessing", head.guessing));
  counts.replaceChildren(...GROUPS.map(([group, shape, , words]) => make("li", {}, icon(shape), make("strong", {}, String(grid.count(group))), " ", text(words))));
  const up = grid.count("hand");
  if (up > hands) announcer.say(text("room.hand_announced", { n: up }));
  hands = up;
});
bus.on("link", ({ open }) => { if (!open) showAge(); });

/** A broken line says how old the grid is. */
function showAge() {
  age.hidden = false;
  setText(age, text("room.age", { seconds: Math.round((Date.now() - heard) / 1000) }));
}

setInterval(() => {
  if (!age.hidden) showAge();
  grid.draw();
}, REDRAW_MS);

const main = one(document, "#main", HTMLElement);

/** Without names the page may be looked at by everybody: then it is large. */
function hideNames() {
  grid.hidden = hide.checked;
  main.classList.toggle("projected", hide.checked);
}

hide.checked = recalled();
hideNames();
hide.addEventListener("change", () => {
  hideNames();
  try {
    sessionStorage.setItem("hide names", String(hide.checked));
  } catch {
    // No storage: it lasts as long as the page.
  }
  grid.draw();
  if (panel.seat !== null) void panel.show(panel.seat);
});

function recalled() {
  try {
    return sessionStorage.getItem("hide names") === "true";
  } catch {
    return false;
  }
}

one(document, "[data-grid]", HTMLTableElement).addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") panel.close();
  if (event.key === "h" || event.key === "H") hide.click();
  if ((event.key === "n" || event.key === "N") && panel.seat !== null) {
    event.preventDefault();
    panel.writeNote();
  }
});

for (const button of all(document, "[data-new-pin]", HTMLButtonElement)) {
  // Beside the news that somebody guesses one click is enough.
  const sure = button.closest("[data-guessing]") !== null;
  button.addEventListener("click", () => { if (sure || confirm(text("room.new_pin_sure"))) void command(bus, () => post(`${base}/pin`)); });
}
const invited = maybe(document, "[data-invited]", HTMLElement);
maybe(document, "[data-invite]", HTMLButtonElement)?.addEventListener("click", async () => {
  const answer = await command(bus, () => post(`${base}/invite`));
  if (answer && invited) invited.textContent = text("room.invited", { link: `${location.origin}${answer.path}` });
});
maybe(document, "[data-revoke]", HTMLButtonElement)?.addEventListener("click", async () => {
  const answer = await command(bus, () => post(`${base}/revoke`));
  if (answer && invited) invited.textContent = text("room.revoked");
});
maybe(document, "[data-end]", HTMLButtonElement)?.addEventListener("click", () => { if (confirm(text("room.end_sure"))) void command(bus, () => post(`${base}/end`)); });
maybe(document, "[data-delete]", HTMLButtonElement)?.addEventListener("click", async () => {
  if (!confirm(text("room.delete_sure"))) return;
  if (await command(bus, () => send("DELETE", base, {}))) location.assign("/class");
});

followHosted(bus, data.id);
