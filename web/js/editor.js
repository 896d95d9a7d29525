/**
 * The program: the lesson's own to read, the visitor's to change, and which of them Run runs: the one that is shown. A
 * plain text area until the code editor has been fetched, and where it cannot be.
 * @module
 */
import { text } from "./catalogue.js";
import { all, one, setText } from "./dom.js";
import { fetched } from "./fetched.js";
import { errorName } from "./trouble-slot.js";

/** @typedef {{ line: number, words: string } | null} Marked a line that failed, and how */
/**
 * @typedef {{ get(): string, set(program: string, editable: boolean): void, focusLine(line: number): void,
 *   mark(marked: Marked): void, warn(hazards: { line: string, text: string }[]): void }} CodeEditor
 */
/** @typedef {"own" | "lesson"} Which */

export class Editor {
  /** @type {CodeEditor | null} */
  #code = null;
  /** @type {Which} */
  #shown;
  #own;
  #lessonProgram;
  /** The line that failed last, by program. @type {Record<Which, Marked>} */
  #marked = { own: null, lesson: null };
  #open;

  /**
   * @param {HTMLElement} panel
   * @param {import("./bus.js").Bus} bus
   * @param {import("./types.js").LessonData} lesson
   * @param {() => void} run
   */
  constructor(panel, bus, lesson, run) {
    this.panel = panel;
    this.bus = bus;
    this.lesson = lesson;
    this.run = run;
    this.area = one(panel, "textarea[data-own]", HTMLTextAreaElement);
    this.host = one(panel, "[data-editor-host]", HTMLElement);
    this.saved = one(panel, "[data-saved]", HTMLElement);
    this.#lessonProgram = one(panel, "textarea[data-lesson]", HTMLTextAreaElement).value;
    // What the server kept goes before what the browser restored.
    this.area.value = this.area.defaultValue;
    this.#own = this.area.value;
    this.#open = lesson.open;
    const tabs = all(panel, "input[name=program]", HTMLInputElement);
    // Chosen before this script was there, kept from before a reload, or as the page comes.
    const chosen = tabs.find(({ checked, defaultChecked }) => checked && !defaultChecked)?.value ?? this.#recalled() ?? tabs.find(({ defaultChecked }) => defaultChecked)?.value;
    this.#shown = chosen === "own" ? "own" : "lesson";
    this.area.addEventListener("input", () => this.#typed(this.area.value));
    this.area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      run();
    });
    const starter = one(panel, "[data-starter]", HTMLButtonElement);
    starter.addEventListener("click", () => {
      this.show("own");
      this.#typed(lesson.starter);
      this.area.value = lesson.starter;
      this.#code?.set(lesson.starter, true);
    });
    for (const tab of tabs) tab.addEventListener("change", () => this.show(tab.value === "lesson" ? "lesson" : "own"));
    bus.on("run", (started) => { if (started.state === "starting") this.mark(started.program ?? this.#shown, null); });
    bus.on("mistake", (mistake) => {
      if (mistake.line !== null) this.mark(mistake.program, { line: mistake.line, words: errorName(mistake, null) });
    });
    bus.on("opened", () => {
      this.#open = true;
      this.#code?.warn(lesson.hazards);
    });
    this.show(this.#shown);
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      void this.#load();
    }, { rootMargin: "400px" });
    observer.observe(panel);
  }

  /** The visitor's program. */
  get program() {
    return this.#own;
  }

  /** Which program is shown, and so runs. */
  get shown() {
    return this.#shown;
  }

  /** @param {"saving" | "saved" | "failed"} state */
  say(state) {
    setText(this.saved, { saving: text("live.saving"), saved: text("live.saved"), failed: text("live.not_saved") }[state]);
  }

  /** @param {Which} which */
  show(which) {
    const changed = which !== this.#shown;
    this.#shown = which;
    for (const tab of all(this.panel, "input[name=program]", HTMLInputElement)) tab.checked = tab.value === which;
    const program = which === "own" ? this.#own : this.#lessonProgram;
    if (changed) this.#code?.set(program, which === "own");
    this.area.value = program;
    this.area.readOnly = which !== "own";
    this.#code?.mark(this.#marked[which]);
    try {
      sessionStorage.setItem(this.#key, which);
    } catch {
      // No storage: the choice lasts as long as the page.
    }
    this.bus.emit("shown", { program: which });
  }

  /**
   * Marks the line that failed; `null` for none.
   * @param {Which} which
   * @param {Marked} marked
   */
  mark(which, marked) {
    this.#marked[which] = marked;
    if (which === this.#shown) this.#code?.mark(marked);
  }

  get #key() {
    return `program of ${this.lesson.slug}`;
  }

  /** What was shown before a reload of this tab. @returns {Which | null} */
  #recalled() {
    try {
      const kept = sessionStorage.getItem(this.#key);
      return kept === "own" || kept === "lesson" ? kept : null;
    } catch {
      return null;
    }
  }

  async #load() {
    const { createCodeEditor } = await fetched(() => import("./code-editor.js"));
    this.#code = createCodeEditor(this.host, {
      program: this.#shown === "own" ? this.#own : this.#lessonProgram,
      editable: this.#shown === "own",
      label: text("live.editor_label"),
      hazards: this.#open ? this.lesson.hazards : [],
      changed: (program) => { if (this.#shown === "own") this.#typed(program); },
      run: () => this.run(),
    });
    this.#code.mark(this.#marked[this.#shown]);
    this.host.hidden = false;
    this.area.hidden = true;
  }

  /** @param {string} program */
  #typed(program) {
    this.#own = program;
    this.bus.emit("editor", { program });
  }
}
