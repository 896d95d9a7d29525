/**
 * The boards page: every board live, what can be done with each, how flashing goes.
 *
 * The server writes the cards. While only numbers move, they are put into the card that is there; when a card has to
 * look different, the list is fetched anew and that card takes the place of the old one.
 * @module
 */
import { Announcer } from "./announcer.js";
import { Trouble, post, send } from "./api.js";
import { goLive, shapeOf, startPage } from "./app.js";
import { text } from "./catalogue.js";
import { all, icon, maybe, one, setText } from "./dom.js";
import { seconds } from "./format.js";
import { speedName, stateName } from "./run-row.js";
import { TroubleSlot } from "./trouble-slot.js";

/** Positions of the speed slider: board time against real time; 0 is as fast as it goes. */
const SPEEDS = [0.001, 0.01, 0.1, 1, 0];
/** The stages of a flashing job as the card shows them: comparing and writing take turns. */
const STAGES = { waiting: 0, connecting: 0, checking: 1, comparing: 2, writing: 2, resetting: 3 };

const bus = startPage();
const announcer = new Announcer();
new TroubleSlot(one(document, "[data-trouble]", HTMLElement), bus);

/** @typedef {import("./types.js").ListedBoard} ListedBoard */

/** @param {HTMLElement} card */
function bringToLife(card) {
  const id = card.dataset.board ?? "";
  const speed = maybe(card, "[data-speed]", HTMLInputElement);
  if (speed) {
    const show = () => {
      speed.setAttribute("aria-valuetext", speedName(SPEEDS[Number(speed.value)]));
      speed.style.setProperty("--part", `${(Number(speed.value) / (SPEEDS.length - 1)) * 100}%`);
    };
    speed.addEventListener("input", show);
    speed.addEventListener("change", () => command(() => post("/api/speed", { speed: SPEEDS[Number(speed.value)] })));
    show();
  }
  for (const button of all(card, "button[data-action]", HTMLButtonElement)) {
    button.addEventListener("click", () => act(id, button));
  }
  for (const button of all(card, "[data-copy]", HTMLButtonElement)) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy ?? "");
      setText(one(button, "[data-words]", HTMLElement), text("live.copied"));
    });
  }
}

/** What a card's button asks for. @param {string} id @param {HTMLButtonElement} button */
async function act(id, button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  const action = button.dataset.action ?? "";
  const board = `/api/boards/${encodeURIComponent(id)}`;
  await command(() => {
    switch (action) {
      case "reset": return post("/api/reset");
      case "remove": return send("DELETE", board, {});
      case "give-back-any": return post(`/api/boards/${encodeURIComponent(taken())}/give-back`);
      default: return post(`${board}/${action}`);
    }
  });
  button.removeAttribute("aria-disabled");
}

/** The attached board on the visitor's bench. */
function taken() {
  return shown.find((board) => board.own && board.kind === "attached")?.id ?? "";
}

/** @param {() => Promise<any>} request */
async function command(request) {
  bus.emit("trouble", null);
  try {
    await request();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    bus.emit("trouble", error);
  }
}

// ---- the list, live ----

/** @type {ListedBoard[]} */
let shown = [];
let fetching = false;
let again = false;

/** @param {ListedBoard[]} boards */
function show(boards) {
  shown = boards;
  const cards = all(document, "[data-board]", HTMLElement);
  const looks = new Map(cards.map((card) => [card.dataset.board, card]));
  const same = cards.length === boards.length && boards.every((board) => looks.get(board.id)?.dataset.look === board.look);
  for (const board of boards) {
    const card = looks.get(board.id);
    if (card && card.dataset.look === board.look) follow(card, board);
  }
  if (!same) void fetchCards();
}

/** Puts a flashing job's numbers into its card. @param {HTMLElement} card @param {ListedBoard} board */
function follow(card, board) {
  const log = maybe(card, "[data-log]", HTMLElement);
  if (log) setText(log, board.log.map((line) => `${line}\n`).join(""));
  if (board.state !== "flashing") return;
  const percent = board.percent ?? 0;
  for (const figure of all(card, "[data-percent]", HTMLElement)) setText(figure, String(percent));
  one(card, "[data-progress-bar]", HTMLProgressElement).value = percent;
  const kib = (/** @type {number} */ bytes) => Math.floor(bytes / 1024);
  const [done, total, rate, baud] = [board.done_bytes ?? 0, board.total_bytes ?? 0, board.bytes_per_second ?? 0, board.baud ?? 0];
  setText(one(card, "[data-flash-bytes]", HTMLElement), total === 0 ? "" : text("live.flash_bytes", { done: kib(done), total: kib(total) }));
  setText(one(card, "[data-flash-rate]", HTMLElement), baud === 0 ? "" : rate === 0 ? text("live.flash_baud", { baud }) : text("live.flash_rate", { rate: kib(rate), baud }));
  setText(one(card, "[data-flash-left]", HTMLElement), rate === 0 || done >= total ? "" : text("live.flash_left", { seconds: Math.floor((total - done) / rate) + 1 }));
  const here = STAGES[/** @type {keyof typeof STAGES} */ (board.stage ?? "waiting")] ?? 0;
  all(card, "[data-stage]", HTMLElement).forEach((stage, at) => {
    const shape = at < here ? "holds" : at === here ? "running" : "ring";
    if (stage.dataset.stage !== shape) {
      stage.dataset.stage = shape;
      stage.querySelector("svg")?.replaceWith(icon(shape));
    }
    if (at === here) stage.setAttribute("aria-current", "step");
    else stage.removeAttribute("aria-current");
  });
}

/** Fetches the list as the server writes it, and takes over the cards that look different. */
async function fetchCards() {
  again = fetching;
  if (fetching) return;
  fetching = true;
  try {
    const answer = await fetch("/boards", { headers: { accept: "text/html" } });
    if (answer.ok) takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } finally {
    fetching = false;
  }
  if (again) await fetchCards();
}

/** @param {Document} fresh */
function takeOver(fresh) {
  const list = one(document, "[data-board-list]", HTMLElement);
  const freshList = one(fresh, "[data-board-list]", HTMLElement);
  const old = new Map(all(list, "[data-board]", HTMLElement).map((card) => [card.dataset.board, card]));
  const focused = document.activeElement;
  const home = focused instanceof HTMLElement ? focused.closest("[data-board]") : null;
  const focusedAction = focused instanceof HTMLElement ? focused.dataset.action : undefined;
  for (const card of all(freshList, "[data-board]", HTMLElement)) {
    const before = old.get(card.dataset.board);
    if (before && before.dataset.look === card.dataset.look) {
      card.replaceWith(before);
    } else {
      const begins = card.dataset.state === "flashing" && before?.dataset.state !== "flashing";
      if (begins) announcer.say(text("live.flash_begun"));
      if (before?.dataset.state === "flashing" && card.dataset.state !== "flashing") announcer.say(text("live.flash_ended"));
      const log = maybe(card, "details[data-log-of]", HTMLDetailsElement);
      const logBefore = before && maybe(before, "details[data-log-of]", HTMLDetailsElement);
      if (log && logBefore) log.open = begins || logBefore.open;
      bringToLife(card);
    }
  }
  const others = maybe(list, "[data-other-ports]", HTMLDetailsElement);
  const freshOthers = maybe(freshList, "[data-other-ports]", HTMLDetailsElement);
  if (others && freshOthers) freshOthers.open = others.open;
  const slot = one(list, "[data-trouble]", HTMLElement);
  one(freshList, "[data-trouble]", HTMLElement).replaceWith(slot);
  list.replaceChildren(...freshList.childNodes);
  // Whoever used a button keeps their place, also when the button has gone with its state.
  if (home instanceof HTMLElement && !document.activeElement?.closest("[data-board]")) {
    const card = all(list, "[data-board]", HTMLElement).find((card) => card.dataset.board === home.dataset.board);
    const button = card && all(card, "[data-action]", HTMLElement).find((button) => button.dataset.action === focusedAction);
    (button ?? card?.querySelector("h2"))?.focus();
  }
}

all(document, "[data-board]", HTMLElement).forEach(bringToLife);
maybe(document, "[data-add-board]", HTMLFormElement)?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.currentTarget);
  const field = one(form, "input", HTMLInputElement);
  void command(async () => {
    await post("/api/boards", { port: field.value });
    field.value = "";
  });
});

bus.on("boards", ({ boards }) => show(boards));
bus.on("board", (board) => {
  // The virtual board moves with the visitor's own events; attached ones with the list.
  const card = all(document, "[data-board]", HTMLElement).find((card) => card.dataset.board === board.id);
  if (!card || board.kind !== "virtual") return;
  const state = one(card, "[data-board-state]", HTMLElement);
  card.dataset.state = board.state;
  state.replaceChildren(icon(shapeOf(board.state)), stateName(board.state));
  const time = maybe(card, "[data-virtual-time]", HTMLElement);
  if (time && board.virtual_us !== undefined) setText(time, text("live.seconds", { elapsed: seconds(board.virtual_us) }));
});
goLive(bus, ["/events", "/events/boards"]);
