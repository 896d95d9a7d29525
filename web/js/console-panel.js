/**
 * What the board prints, and a line to type to it: to its prompt, or to a program that asks. It keeps its size and a
 * bounded text, and Ctrl-C and Ctrl-D go to the board at any moment.
 * @module
 */
import { Trouble, post } from "./api.js";
import { text } from "./catalogue.js";
import { ConsoleHistory } from "./console-history.js";
import { all, inline, make, maybe, one, setText } from "./dom.js";

/** Older text goes, so that a program that floods the console cannot fill the page. */
const KEEP_CHARACTERS = 40_000;
/** Of a board in this tab, so much outlives a reload. */
const KEEP_OVER_RELOAD = 8_000;
/** Text is shown this often at most. */
const PAINT_PERIOD_MS = 100;
/** What the keys and buttons send. */
const SIGNALS = { interrupt: "\x03", end: "\x04" };
/** What a terminal would obey: MicroPython moves the cursor and clears to the end of the line. */
const STEERING = /\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f]/g;

export class ConsolePanel {
  #text = "";
  #paused = false;
  #painting = 0;

  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   * @param {string} slug of the lesson
   */
  constructor(panel, model, slug) {
    this.model = model;
    this.slug = slug;
    this.output = one(panel, "[data-console]", HTMLElement);
    this.aside = one(panel, "[data-aside]", HTMLElement);
    this.advice = maybe(panel, "[data-advice]", HTMLElement);
    this.prompt = maybe(panel, "[data-prompt]", HTMLElement);
    const form = one(panel, "form", HTMLFormElement);
    this.line = one(form, "input", HTMLInputElement);
    this.history = new ConsoleHistory(slug, keeper());
    const pause = one(panel, "[data-pause]", HTMLButtonElement);
    pause.addEventListener("click", () => {
      this.#paused = !this.#paused;
      pause.setAttribute("aria-pressed", String(this.#paused));
      this.#paint();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const typed = this.line.value;
      this.line.value = "";
      this.history.add(typed);
      void this.#send(`${typed}\r`, typed);
    });
    this.line.addEventListener("keydown", (event) => this.#typed(event));
    this.output.addEventListener("keydown", (event) => {
      if (isSignal(event, "c") && (getSelection()?.isCollapsed ?? true)) this.#signal(event, "interrupt");
    });
    for (const button of all(form, "[data-send]", HTMLButtonElement)) {
      button.addEventListener("click", () => { void this.#send(SIGNALS[button.dataset.send === "end" ? "end" : "interrupt"]); });
    }
    model.bus.on("console", ({ text: more, bad_frames }) => {
      this.#add(more);
      setText(this.aside, text("live.bad_frames", { n: bad_frames }));
    });
    model.bus.on("gap", ({ missed }) => this.#add(`\n[${text("live.gap", { n: missed })}]\n`));
    model.bus.on("run", (run) => {
      if (this.prompt) setText(this.prompt, model.running ? text("live.input") : ">>>");
      if (this.advice && run.state === "starting") this.advice.hidden = true;
    });
    model.bus.on("mistake", (mistake) => this.#advise(mistake));
    this.#outliveReload();
  }

  /** @param {string} more */
  #add(more) {
    const plain = more.replace(/\r\n?/g, "\n").replace(/.?\x08/g, "").replace(STEERING, "");
    this.#text = (this.#text + plain).slice(-KEEP_CHARACTERS);
    this.#painting ||= setTimeout(() => { this.#painting = 0; this.#paint(); }, PAINT_PERIOD_MS);
  }

  /** @param {KeyboardEvent} event */
  #typed(event) {
    const { line } = this;
    if (isSignal(event, "c") && line.selectionStart === line.selectionEnd) {
      line.value = "";
      this.#signal(event, "interrupt");
    } else if (isSignal(event, "d")) {
      if (line.value === "") this.#signal(event, "end");
      else event.preventDefault();
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && !event.isComposing) {
      event.preventDefault();
      const there = this.history.step(event.key === "ArrowUp" ? -1 : 1, line.value);
      if (there === null) return;
      line.value = there;
      line.setSelectionRange(there.length, there.length);
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @param {"interrupt" | "end"} name
   */
  #signal(event, name) {
    event.preventDefault();
    void this.#send(SIGNALS[name]);
  }

  /**
   * @param {string} sent
   * @param {string} [typed] comes back where it could not be sent
   */
  async #send(sent, typed) {
    try {
      await post("/api/console", { text: sent, lesson: this.slug });
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      if (typed !== undefined && this.line.value === "") this.line.value = typed;
      this.model.bus.emit("trouble", error);
    }
  }

  /** One sentence on a mistake of a known kind, below its traceback. @param {import("./types.js").Mistake} mistake */
  #advise({ advice }) {
    if (this.advice === null) return;
    this.advice.hidden = advice === null;
    if (advice !== null) this.advice.replaceChildren(...adviceWords(advice));
  }

  /** The server keeps a board's text for who comes back; a board in this tab goes with the page. */
  #outliveReload() {
    const key = `isrlab.printed.${this.slug}`;
    this.model.bus.on("board", (board) => {
      if (board.id !== "virtual-tab" || this.#text !== "") return;
      try {
        this.#add(sessionStorage.getItem(key) ?? "");
      } catch {
        // A browser may refuse to keep anything.
      }
    });
    addEventListener("pagehide", () => {
      if (this.model.board?.id !== "virtual-tab") return;
      try {
        sessionStorage.setItem(key, this.#text.slice(-KEEP_OVER_RELOAD));
      } catch {
        // As above.
      }
    });
  }

  #paint() {
    if (this.#paused) return;
    const atEnd = this.output.scrollHeight - this.output.scrollTop - this.output.clientHeight < 40;
    setText(this.output, this.#text);
    if (atEnd) this.output.scrollTop = this.output.scrollHeight;
  }
}

/**
 * A sentence about a mistake, and the link to where it is explained.
 * @param {import("./types.js").Advice} advice
 * @returns {(Node | string)[]}
 */
export function adviceWords({ message, href, link }) {
  // On a site without a server, addresses are not the server's: the sentence stands alone.
  const linked = href !== null && document.getElementById("site-data") === null;
  return [...inline(message), ...(linked ? [" ", make("a", { href }, link)] : [])];
}

/**
 * @param {KeyboardEvent} event
 * @param {string} key
 */
function isSignal(event, key) {
  return event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey && event.key.toLowerCase() === key;
}

/** What keeps the history; a browser may offer nothing. @returns {import("./console-history.js").Keeper} */
function keeper() {
  try {
    return localStorage;
  } catch {
    return { getItem: () => null, setItem: () => {} };
  }
}
