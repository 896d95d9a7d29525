/**
 * The controls of a lesson. A change during a run goes to the board at once.
 * @module
 */
import { Trouble, post } from "./api.js";
import { text } from "./catalogue.js";
import { all, maybe, one, setText } from "./dom.js";
import { period, whole } from "./format.js";
import { Scale } from "./log-scale.js";

/** A slider under the finger is sent this often at most. */
const SEND_PERIOD_MS = 120;

export class Controls {
  /** @type {Map<string, (value: string | number) => void>} */
  #setters = new Map();
  /** @type {Map<string, number>} */
  #waiting = new Map();

  /**
   * @param {HTMLElement} root
   * @param {import("./bench-model.js").BenchModel} model
   * @param {string} slug of the lesson
   */
  constructor(root, model, slug) {
    this.model = model;
    this.slug = slug;
    for (const control of all(root, "[data-control]", HTMLElement)) {
      const name = control.dataset.control ?? "";
      switch (control.dataset.style) {
        case "slider": this.#slider(control, name); break;
        case "segments": this.#segments(control, name); break;
        default: this.#select(control, name);
      }
    }
    this.#recall();
  }

  /** Settings outlive a reload of this tab; where the browser keeps nothing, the lesson's stand. */
  #recall() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.#key) ?? "{}");
      for (const [name, value] of Object.entries(kept)) {
        if (this.#takes(name, value)) this.apply({ [name]: value });
      }
    } catch {
      // No storage, or something else in it.
    }
  }

  #keep() {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(this.model.settings));
    } catch {
      // No storage: the settings last as long as the page.
    }
  }

  get #key() {
    return `settings of ${this.slug}`;
  }

  /**
   * Whether a control of this page can be set to a value; the lesson may have changed since.
   * @param {string} name
   * @param {unknown} value
   * @returns {value is string | number}
   */
  #takes(name, value) {
    const control = maybe(document, `[data-controls] [data-control="${CSS.escape(name)}"]`, HTMLElement);
    if (control === null) return false;
    if (control.dataset.style === "slider") return typeof value === "number";
    return [...control.querySelectorAll("input, option")].some((option) => option.getAttribute("value") === value);
  }

  /**
   * Puts the controls to these settings, as if the visitor had.
   * @param {import("./types.js").Settings} settings
   */
  apply(settings) {
    for (const [name, value] of Object.entries(settings)) {
      this.#setters.get(name)?.(value);
      this.#choose(name, value);
    }
  }

  /**
   * @param {string} name
   * @param {string | number} value
   */
  #choose(name, value) {
    if (this.model.settings[name] === value) return;
    this.model.settings = { ...this.model.settings, [name]: value };
    this.#keep();
    this.model.bus.emit("settings", this.model.settings);
    if (!this.model.running || this.#waiting.has(name)) return;
    this.#waiting.set(name, setTimeout(() => {
      this.#waiting.delete(name);
      post("/api/set", { lesson: this.slug, name, value: this.model.settings[name] }).catch((error) => {
        if (!(error instanceof Trouble)) throw error;
        this.model.bus.emit("trouble", error);
      });
    }, SEND_PERIOD_MS));
  }

  /**
   * @param {HTMLElement} control
   * @param {string} name
   */
  #slider(control, name) {
    const range = one(control, "input[type=range]", HTMLInputElement);
    const field = one(control, "input[type=text]", HTMLInputElement);
    const note = maybe(control, "[data-note]", HTMLElement);
    const wrap = one(control, ".number-field", HTMLElement);
    const { scale: kind, lo, hi, unit } = control.dataset;
    const scale = new Scale(kind === "log" ? "log" : "linear", Number(lo), Number(hi));
    range.max = String(scale.steps);
    let value = Number(control.dataset.value);
    /** @param {number} to */
    const show = (to) => {
      value = to;
      range.value = String(scale.positionOf(value));
      range.style.setProperty("--part", `${(Number(range.value) / scale.steps) * 100}%`);
      const words = unit ? `${whole(value)} ${unit}` : whole(value);
      range.setAttribute("aria-valuetext", words);
      field.value = words;
      wrap.removeAttribute("data-invalid");
      field.removeAttribute("aria-invalid");
      if (note && unit === "Hz") setText(note, text("live.every", { period: period(value) }));
    };
    range.addEventListener("input", () => { show(scale.valueAt(Number(range.value))); this.#choose(name, value); });
    field.addEventListener("focus", () => { field.value = String(value); field.select(); });
    field.addEventListener("blur", () => { show(value); });
    field.addEventListener("change", () => {
      const typed = Number(field.value.replace(/[^\d.-]/g, ""));
      if (field.value.trim() === "" || !Number.isFinite(typed)) return;
      const outside = typed < scale.lo || typed > scale.hi;
      show(scale.clamp(typed));
      if (outside && note) setText(note, text("live.between", { lo: whole(scale.lo), hi: whole(scale.hi) }));
      this.#choose(name, value);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") field.blur();
      if (event.key === "ArrowUp" || event.key === "ArrowDown") {
        event.preventDefault();
        step(event.key === "ArrowUp" ? 1 : -1);
        field.select();
      }
    });
    /** @param {number} by */
    const step = (by) => {
      const position = scale.positionOf(value);
      let next = scale.valueAt(position + by);
      if (by > 0 ? next <= value : next >= value) next = scale.valueAt(position + 2 * by);
      show(next);
      this.#choose(name, value);
    };
    one(control, "[data-less]", HTMLButtonElement).addEventListener("click", () => step(-1));
    one(control, "[data-more]", HTMLButtonElement).addEventListener("click", () => step(1));
    this.#setters.set(name, (to) => show(scale.clamp(Number(to))));
    show(value);
  }

  /**
   * @param {HTMLElement} control
   * @param {string} name
   */
  #segments(control, name) {
    const inputs = all(control, "input[type=radio]", HTMLInputElement);
    for (const input of inputs) input.addEventListener("change", () => this.#choose(name, input.value));
    this.#setters.set(name, (to) => { for (const input of inputs) input.checked = input.value === to; });
    // A browser restores what was chosen before a reload; the server's word goes first.
    for (const input of inputs) input.checked = input.defaultChecked;
  }

  /**
   * @param {HTMLElement} control
   * @param {string} name
   */
  #select(control, name) {
    const select = one(control, "select", HTMLSelectElement);
    select.addEventListener("change", () => this.#choose(name, select.value));
    this.#setters.set(name, (to) => { select.value = String(to); });
  }
}
