/**
 * What the board prints, and a line to type to its prompt.
 * @module
 */
import { Trouble, post } from "./api.js";
import { text } from "./catalogue.js";
import { maybe, one, setText } from "./dom.js";

/** Older text goes, so that a program that floods the console cannot fill the page. */
const KEEP_CHARACTERS = 40_000;
/** Text is shown this often at most. */
const PAINT_PERIOD_MS = 100;

export class ConsolePanel {
  #text = "";
  #paused = false;
  #painting = 0;

  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   */
  constructor(panel, model) {
    this.model = model;
    this.output = one(panel, "[data-console]", HTMLElement);
    this.aside = one(panel, "[data-aside]", HTMLElement);
    this.empty = maybe(panel, "[data-empty]", HTMLElement);
    const pause = one(panel, "[data-pause]", HTMLButtonElement);
    pause.addEventListener("click", () => {
      this.#paused = !this.#paused;
      pause.setAttribute("aria-pressed", String(this.#paused));
      this.#paint();
    });
    const form = one(panel, "form", HTMLFormElement);
    const line = one(form, "input", HTMLInputElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const typed = line.value;
      line.value = "";
      post("/api/console", { text: `${typed}\r` }).catch((error) => {
        if (!(error instanceof Trouble)) throw error;
        line.value = typed;
        model.bus.emit("trouble", error);
      });
    });
    model.bus.on("console", ({ text: more, bad_frames }) => {
      this.#text = (this.#text + more.replace(/\r\n/g, "\n").replace(/\r/g, "\n")).slice(-KEEP_CHARACTERS);
      setText(this.aside, text("live.bad_frames", { n: bad_frames }));
      this.#painting ||= setTimeout(() => { this.#painting = 0; this.#paint(); }, PAINT_PERIOD_MS);
    });
    model.bus.on("gap", ({ missed }) => { this.#text += `\n[${text("live.gap", { n: missed })}]\n`; });
    model.bus.on("board", () => { line.disabled = model.running; });
    model.bus.on("run", () => { line.disabled = model.running; });
  }

  #paint() {
    if (this.#paused) return;
    const atEnd = this.output.scrollHeight - this.output.scrollTop - this.output.clientHeight < 40;
    setText(this.output, this.#text);
    if (atEnd) this.output.scrollTop = this.output.scrollHeight;
  }
}
