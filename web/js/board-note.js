/**
 * What the board on this bench cannot do: an attached one runs in real time, and one with official MicroPython has no
 * hard interrupts. The virtual board is one button away.
 * @module
 */
import { Trouble, post } from "./api.js";
import { text } from "./catalogue.js";
import { all, one, setText } from "./dom.js";

export class BoardNote {
  /** @type {import("./types.js").Board | null} */
  #board = null;

  /** @param {import("./bus.js").Bus} bus */
  constructor(bus) {
    this.bus = bus;
    this.note = one(document, "[data-board-note]", HTMLElement);
    this.words = one(document, "[data-board-note-text]", HTMLElement);
    this.realTime = one(document, "[data-real-time]", HTMLElement);
    this.virtualOnly = all(document, "[data-virtual-only]", HTMLElement);
    one(document, "[data-use-virtual]", HTMLButtonElement).addEventListener("click", () => this.#useVirtual());
    bus.on("board", (board) => this.#show(board));
  }

  /** @param {import("./types.js").Board} board */
  #show(board) {
    this.#board = board;
    const slows = board.can?.slow_motion ?? true;
    for (const part of this.virtualOnly) part.hidden = !slows;
    this.realTime.hidden = slows;
    if (!slows) setText(this.realTime, text("live.real_time_only", { board: board.name }));
    const softOnly = board.can?.hard === false;
    if (softOnly) setText(this.words, text("live.soft_only", { board: board.name }));
    if (this.note.hidden === softOnly) this.note.hidden = !softOnly;
  }

  async #useVirtual() {
    if (this.#board === null) return;
    try {
      await post(`/api/boards/${encodeURIComponent(this.#board.id)}/give-back`);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.bus.emit("trouble", error);
    }
  }
}
