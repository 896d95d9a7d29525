/**
 * Where the board of this bench runs: on the server, or in this tab. The page's query decides, then what was chosen last
 * with the button; an attached board is always the server's.
 * @module
 */
import { Trouble, post } from "./api.js";
import { readData, text } from "./catalogue.js";
import { one, setText } from "./dom.js";
import { TabBoard } from "./tab-board.js";
import { useTab } from "./transport.js";

/** Where the choice is kept. */
const CHOICE = "isrlab.board";

/** @typedef {"tab" | "server"} Place */

/** What was asked for. @returns {Place} */
function chosen() {
  const asked = new URLSearchParams(location.search).get("board") ?? remembered();
  return asked === "tab" && canRun() ? "tab" : "server";
}

function canRun() {
  return typeof WebAssembly === "object" && typeof Worker === "function";
}

function remembered() {
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    // A browser may refuse to keep anything; the query still works.
    return null;
  }
}

/** @param {Place} place */
function remember(place) {
  try {
    localStorage.setItem(CHOICE, place);
  } catch {
    // As above.
  }
}

/** What is told of the stages on the way to a board in this tab.
 * @type {Record<string, string>} */
const STAGE_WORDS = {
  fetching: "live.place_fetching",
  compiling: "live.place_compiling",
  booting: "live.place_booting",
  ready: "live.place_ready",
};

/**
 * Starts the board where it is wanted; before the streams are opened.
 * @param {import("./bus.js").Bus} bus
 * @param {() => Promise<unknown>} save keeps what was typed before the page is loaded anew
 */
export function settleBoard(bus, save) {
  const row = one(document, "[data-board-place]", HTMLElement);
  const words = one(row, "[data-board-place-text]", HTMLElement);
  const share = one(row, "[data-board-share]", HTMLElement);
  const move = one(row, "[data-move-board]", HTMLButtonElement);
  const place = chosen();
  row.hidden = !canRun();
  row.dataset.place = place;
  setText(words, text(place === "tab" ? "live.place_fetching" : "live.place_server"));
  setText(move, text(place === "tab" ? "live.move_to_server" : "live.move_to_tab"));
  move.addEventListener("click", async () => {
    const other = place === "tab" ? "server" : "tab";
    remember(other);
    await save();
    const address = new URL(location.href);
    if (address.searchParams.has("board")) address.searchParams.set("board", other);
    location.assign(address);
  });
  bus.on("run", ({ state, share: reached }) => {
    if (state === "running" && reached !== undefined) setText(share, text("live.place_share", { percent: Math.round(reached * 100) }));
  });
  // An attached board is the server's; there is nothing to move.
  if (place === "tab") startInTab(bus, row, words);
  else bus.on("board", (board) => { row.hidden = !canRun() || board.kind !== "virtual"; });
}

/**
 * @param {import("./bus.js").Bus} bus
 * @param {HTMLElement} row
 * @param {HTMLElement} words
 */
function startInTab(bus, row, words) {
  const { worker: script, ...files } = readData("tab-data");
  const worker = new Worker(script, { type: "module" });
  const broken = (/** @type {string} */ cause) => {
    console.error(cause);
    row.dataset.stage = "broken";
    setText(words, text("live.place_broken"));
    bus.emit("trouble", new Trouble("tab-broken", text("live.place_broken"), text("live.place_broken_hint")));
  };
  const board = new TabBoard(worker, { ...files, language: document.documentElement.lang }, {
    stage: (stage) => {
      row.dataset.stage = stage;
      setText(words, text(STAGE_WORDS[stage] ?? "live.place_fetching"));
    },
    broken,
    record: (outcome) => { void report(bus, outcome); },
  });
  worker.addEventListener("error", (event) => broken(event.message));
  useTab(board);
  document.addEventListener("visibilitychange", () => board.seen(!document.hidden));
  if (document.hidden) board.seen(false);
}

/** Hands the server what a run measured, to be kept; the row comes back as an event. @param {import("./bus.js").Bus} bus @param {import("./types.js").Outcome} outcome */
async function report(bus, outcome) {
  try {
    await post(`/api/lessons/${encodeURIComponent(outcome.lesson)}/outcomes`, outcome);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    bus.emit("trouble", error);
  }
}
