/**
 * The program: the lesson's own to read, the visitor's to change. A plain text area until the
 * code editor has been fetched, and where it cannot be.
 * @module
 */
import { text } from "./catalogue.js";
import { all, one, setText } from "./dom.js";

/** @typedef {{ get(): string, set(program: string, editable: boolean): void, focusLine(line: number): void }} CodeEditor */

export class Editor {
  /** @type {CodeEditor | null} */
  #code = null;
  /** @type {"own" | "lesson"} */
  #shown = "own";
  #own;
  #lessonProgram;

  /**
   * @param {HTMLElement} panel
   * @param {import("./bus.js").Bus} bus
   * @param {import("./types.js").LessonData} lesson
   * @param {(program: string) => void} run
   */
  constructor(panel, bus, lesson, run) {
    this.bus = bus;
    this.lesson = lesson;
    this.area = one(panel, "textarea[data-own]", HTMLTextAreaElement);
    this.host = one(panel, "[data-editor-host]", HTMLElement);
    this.saved = one(panel, "[data-saved]", HTMLElement);
    this.#lessonProgram = one(panel, "textarea[data-lesson]", HTMLTextAreaElement).value;
    // What the server kept goes before what the browser restored.
    this.area.value = this.area.defaultValue;
    this.#own = this.area.value;
    this.area.addEventListener("input", () => this.#typed(this.area.value));
    const starter = one(panel, "[data-starter]", HTMLButtonElement);
    starter.addEventListener("click", () => {
      this.#show("own", panel);
      this.#typed(lesson.starter);
      this.area.value = lesson.starter;
      this.#code?.set(lesson.starter, true);
    });
    one(panel, "[data-run-own]", HTMLButtonElement).addEventListener("click", () => run(this.#own));
    for (const tab of all(panel, "input[name=program]", HTMLInputElement)) {
      tab.addEventListener("change", () => this.#show(tab.value === "lesson" ? "lesson" : "own", panel));
    }
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      this.#load();
    }, { rootMargin: "400px" });
    observer.observe(panel);
  }

  /** The visitor's program. */
  get program() {
    return this.#own;
  }

  /** @param {"saving" | "saved" | "failed"} state */
  say(state) {
    setText(this.saved, { saving: text("live.saving"), saved: text("live.saved"), failed: text("live.not_saved") }[state]);
  }

  async #load() {
    const { createCodeEditor } = await import("./code-editor.js");
    this.#code = createCodeEditor(this.host, {
      program: this.#shown === "own" ? this.#own : this.#lessonProgram,
      editable: this.#shown === "own",
      label: text("live.editor_label"),
      hazards: this.lesson.hazards,
      changed: (program) => { if (this.#shown === "own") this.#typed(program); },
      run: () => one(document, "[data-run-own]", HTMLButtonElement).click(),
    });
    this.host.hidden = false;
    this.area.hidden = true;
  }

  /**
   * @param {"own" | "lesson"} which
   * @param {HTMLElement} panel
   */
  #show(which, panel) {
    this.#shown = which;
    for (const tab of all(panel, "input[name=program]", HTMLInputElement)) tab.checked = tab.value === which;
    const program = which === "own" ? this.#own : this.#lessonProgram;
    this.#code?.set(program, which === "own");
    this.area.value = program;
    this.area.readOnly = which !== "own";
  }

  /** @param {string} program */
  #typed(program) {
    this.#own = program;
    this.bus.emit("editor", { program });
  }
}
