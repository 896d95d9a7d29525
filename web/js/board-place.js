/**
 * Where the board of this bench runs: in this tab, or on the server. The page's query decides, then what was chosen last
 * with the button, else it is the tab's; an attached board is always the server's, and a site without a server has the tab.
 * @module
 */
import { Trouble } from "./api.js";
import { text } from "./catalogue.js";
import { one, setText } from "./dom.js";
import { Reports } from "./reports.js";
import { TabBoard } from "./tab-board.js";
import { TabJobs } from "./tab-jobs.js";
import { startWorker, tabAddresses, tabFacts } from "./tab-files.js";
import { useTab } from "./transport.js";

/** Where the choice is kept. */
const CHOICE = "isrlab.board";

/** Where a tab notes that its board runs something. */
const RUNNING = "isrlab.running";

/** @typedef {"tab" | "server"} Place */

/** What was asked for. @returns {Place} */
function chosen() {
  const asked = new URLSearchParams(location.search).get("board") ?? remembered();
  const { attached, site } = tabFacts();
  return site || (asked !== "server" && canRun() && !attached) ? "tab" : "server";
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
  const { site } = tabFacts();
  row.hidden = !canRun() && !site;
  move.hidden = site;
  if (!canRun() && site) {
    setText(words, text("live.site_no_wasm"));
    bus.emit("trouble", new Trouble("tab-impossible", text("live.site_no_wasm"), text("live.site_no_wasm_hint")));
    return;
  }
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
  const addresses = tabAddresses();
  const reports = new Reports((trouble) => bus.emit("trouble", trouble));
  const worker = startWorker("worker");
  const broken = (/** @type {string} */ cause) => {
    console.error(cause);
    row.dataset.stage = "broken";
    setText(words, text("live.place_broken"));
    bus.emit("trouble", new Trouble("tab-broken", text("live.place_broken"), text("live.place_broken_hint")));
  };
  const board = new TabBoard(worker, addresses, {
    stage: (stage) => {
      row.dataset.stage = stage;
      setText(words, text(STAGE_WORDS[stage] ?? "live.place_fetching"));
    },
    broken,
    // The row comes back as an event.
    record: (outcome) => reports.send(`/api/lessons/${encodeURIComponent(outcome.lesson)}/outcomes`, outcome),
  });
  worker.addEventListener("error", (event) => broken(event.message));
  const jobs = new TabJobs(() => startWorker("jobWorker"), addresses, {
    refusal,
    checked: (path, { program }, { passed, criteria, message, traceback }) => {
      const judged = criteria.map((/** @type {import("./types.js").Criterion} */ { ok, measured }) => ({ ok, measured }));
      const [, , , lesson] = path.split("/");
      reports.send(`${path}s`, { program, passed, criteria: judged, message, traceback: traceback ?? null }, ({ proof }) => bus.emit("proof", { lesson, proof }));
    },
  });
  useTab({ board, jobs });
  tellOfLostRun(bus);
  document.addEventListener("visibilitychange", () => board.seen(!document.hidden));
  if (document.hidden) board.seen(false);
}

/** A board in the tab goes with its page: after a reload in mid-run the page says so. @param {import("./bus.js").Bus} bus */
function tellOfLostRun(bus) {
  try {
    if (sessionStorage.getItem(RUNNING) === location.pathname) {
      bus.emit("notice", { code: "tab-run-ended", message: text("live.tab_run_ended"), hint: text("live.tab_run_ended_hint") });
    }
    sessionStorage.removeItem(RUNNING);
  } catch {
    // A browser may refuse to keep anything; the run has ended all the same.
  }
  bus.on("run", ({ state }) => {
    try {
      if (state === "ended") sessionStorage.removeItem(RUNNING);
      else sessionStorage.setItem(RUNNING, location.pathname);
    } catch {
      // As above.
    }
  });
}

/** What is said of a job that has no result. @param {"check-given-up" | "explore-given-up" | "tab-broken"} code */
function refusal(code) {
  if (code === "tab-broken") return { code, message: text("live.job_broken"), hint: text("live.job_broken_hint") };
  return { code, message: text("live.job_given_up"), hint: text("live.job_given_up_hint") };
}
