/**
 * What needs the visitor: what happened, what to try, a stable code. One thing at a time.
 * @module
 */
import { text } from "./catalogue.js";
import { adviceWords } from "./console-panel.js";
import { icon, make } from "./dom.js";
import { duration } from "./format.js";

export class TroubleSlot {
  /** @type {import("./api.js").Trouble | null} */
  #request = null;
  /** @type {import("./types.js").BoardEvent | null} */
  #event = null;
  /** The first of a run: a callback that fails a thousand times a second says it once. @type {import("./types.js").Mistake | null} */
  #mistake = null;
  /** @type {import("./types.js").Board | null} */
  #board = null;
  /** What the class host has done. @type {{ code: string, message: string, hint: string } | null} */
  #notice = null;
  /** Code of a run that did not go as it should. */
  #failure = "";

  /**
   * @param {HTMLElement} slot
   * @param {import("./bus.js").Bus} bus
   */
  constructor(slot, bus) {
    this.slot = slot;
    bus.on("trouble", (trouble) => { this.#request = trouble; this.paint(); });
    bus.on("board", (board) => { this.#board = board; this.paint(); });
    bus.on("notice", (notice) => { this.#notice = notice; this.paint(); });
    bus.on("run", (run) => {
      if (run.state === "running") return;
      if (run.state === "starting") this.#event = this.#mistake = this.#notice = null;
      this.#failure = run.code ?? "";
      this.paint();
    });
    bus.on("event", (event) => {
      if (!["disabled", "guard"].includes(event.kind)) return;
      if (this.#event !== null && this.#event.run === event.run && event.kind !== "guard") return;
      this.#event = event;
      this.paint();
    });
    bus.on("mistake", (mistake) => {
      if (this.#mistake !== null && this.#mistake.run === mistake.run && mistake.context === "callback") return;
      this.#mistake = mistake;
      this.paint();
    });
  }

  paint() {
    const messages = [];
    if (this.#board?.state === "fault") messages.push(message(this.#board.message ?? text("state.fault"), this.#board.hint ?? "", this.#board.code ?? ""));
    if (this.#notice !== null) messages.push(message(this.#notice.message, this.#notice.hint, this.#notice.code));
    if (this.#failure !== "") messages.push(message(text("live.run_failed"), text("live.run_failed_hint"), this.#failure));
    if (this.#mistake !== null) messages.push(mistakeMessage(this.#mistake));
    if (this.#event !== null) messages.push(message(...eventWords(this.#event)));
    if (this.#request !== null) messages.push(message(this.#request.message, this.#request.hint, this.#request.code));
    this.slot.replaceChildren(...messages);
  }
}

/**
 * @param {import("./types.js").BoardEvent} event
 * @returns {[string, string, string]}
 */
function eventWords(event) {
  switch (event.kind) {
    case "guard": return [text("live.guard", { source: event.source ?? "", time: duration((event.starved_ms ?? 0) * 1000) }), text("live.guard_hint"), "E-LOAD-GUARD"];
    default: return [text("live.disabled", { source: event.source ?? "" }), text("live.disabled_hint"), "E-CALLBACK-REMOVED"];
  }
}

/** What the program did wrong, in which line, and what is known of it. @param {import("./types.js").Mistake} mistake */
function mistakeMessage({ context, line, advice, ...exception }) {
  const error = errorName(exception, line);
  const shown = message(text(context === "main" ? "live.exception_main" : "live.exception_callback", { error }), advice === null ? text("live.exception_hint") : "", advice?.code ?? `E-${exception.class}`);
  if (advice !== null) shown.querySelector(".code")?.before(make("p", {}, ...adviceWords(advice)));
  return shown;
}

/**
 * An exception as Python names it, with its line where that is known.
 * @param {{ class: string, text: string }} exception
 * @param {number | null} line
 */
export function errorName({ class: name, text: words }, line) {
  const error = words === "" ? name : `${name}: ${words}`;
  return line === null ? error : text("live.error_line", { line, error });
}

/**
 * @param {string} words
 * @param {string} hint
 * @param {string} code
 */
function message(words, hint, code) {
  return make("div", { class: "message trouble" }, icon("needs"), make("strong", {}, words), ...(hint ? [make("p", {}, hint)] : []), make("p", { class: "code" }, code));
}
