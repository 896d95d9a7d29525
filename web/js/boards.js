/**
 * The boards page: the visitor's board live, its speed, its reset.
 * @module
 */
import { Trouble, post } from "./api.js";
import { goLive, shapeOf, startPage } from "./app.js";
import { text } from "./catalogue.js";
import { all, icon, maybe, one, setText } from "./dom.js";
import { seconds } from "./format.js";
import { speedName, stateName } from "./run-row.js";
import { TroubleSlot } from "./trouble-slot.js";

/** Positions of the speed slider: board time against real time; 0 is as fast as it goes. */
const SPEEDS = [0.001, 0.01, 0.1, 1, 0];

const bus = startPage();
new TroubleSlot(one(document, "[data-trouble]", HTMLElement), bus);

for (const card of all(document, "[data-board]", HTMLElement)) {
  const state = one(card, "[data-board-state]", HTMLElement);
  const time = maybe(card, "[data-virtual-time]", HTMLElement);
  const speed = maybe(card, "[data-speed]", HTMLInputElement);
  bus.on("board", (board) => {
    if (board.id !== card.dataset.board) return;
    card.dataset.state = board.state;
    state.replaceChildren(icon(shapeOf(board.state)), stateName(board.state));
    if (time && board.virtual_us !== undefined) setText(time, text("live.seconds", { elapsed: seconds(board.virtual_us) }));
  });
  if (speed) {
    const show = () => {
      speed.setAttribute("aria-valuetext", speedName(SPEEDS[Number(speed.value)]));
      speed.style.setProperty("--part", `${(Number(speed.value) / (SPEEDS.length - 1)) * 100}%`);
    };
    speed.addEventListener("input", show);
    speed.addEventListener("change", () => command("/api/speed", { speed: SPEEDS[Number(speed.value)] }));
    show();
  }
  maybe(card, "[data-reset]", HTMLButtonElement)?.addEventListener("click", () => command("/api/reset", {}));
}

for (const button of all(document, "[data-copy]", HTMLButtonElement)) {
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
    setText(one(button, "[data-words]", HTMLElement), text("live.copied"));
  });
}

/**
 * @param {string} path
 * @param {object} body
 */
async function command(path, body) {
  try {
    await post(path, body);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    bus.emit("trouble", error);
  }
}

goLive(bus);
