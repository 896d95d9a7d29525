/**
 * Every page: the words, the live state of the board in the bar, menus that close.
 * @module
 */
import { loadCatalogue } from "./catalogue.js";
import { all, icon, maybe, setText } from "./dom.js";
import { Bus } from "./bus.js";
import { ClassStrip } from "./class-strip.js";
import { LiveStream } from "./live-stream.js";
import { stateName } from "./run-row.js";

/** Sets up what all pages share and returns the bus. */
export function startPage() {
  loadCatalogue();
  const bus = new Bus();
  const chip = maybe(document, "[data-board-chip]", HTMLElement);
  if (chip) bus.on("board", (board) => showChip(chip, board));
  const strip = maybe(document, "[data-class-strip]", HTMLElement);
  if (strip) new ClassStrip(strip, bus);
  for (const menu of all(document, "details[data-menu]", HTMLDetailsElement)) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary")?.focus();
    });
    document.addEventListener("click", (event) => {
      if (event.target instanceof Node && !menu.contains(event.target)) menu.open = false;
    });
  }
  return bus;
}

/**
 * Opens the streams of events; after every component listens.
 * @param {Bus} bus
 * @param {string[]} paths
 * @param {(topic: string, detail: any) => boolean} [shows] what this page shows of them
 */
export function goLive(bus, paths = ["/events"], shows) {
  return paths.map((path) => new LiveStream(bus, path, shows));
}

/**
 * @param {HTMLElement} chip
 * @param {import("./types.js").Board} board
 */
function showChip(chip, board) {
  const name = maybe(chip, ".name", HTMLElement);
  if (name) setText(name, board.chip_name ? `${board.name} · ${board.chip_name}` : board.name);
  const state = chip.querySelector("[data-state]");
  if (!state || chip.dataset.shown === board.state) return;
  chip.dataset.shown = board.state;
  state.replaceChildren(icon(shapeOf(board.state)), stateName(board.state));
}

/** @param {string} state of a board */
export function shapeOf(state) {
  switch (state) {
    case "ready": return "holds";
    case "free": return "ring";
    case "fault": return "needs";
    case "absent": return "away";
    default: return "running";
  }
}
