/**
 * Settings worth trying: one press puts the controls there; a run with them ticks the line off.
 * @module
 */
import { all, icon, one } from "./dom.js";

export class Tries {
  /**
   * @param {HTMLElement} list
   * @param {import("./bench-model.js").BenchModel} model
   * @param {import("./types.js").LessonData} lesson
   * @param {(settings: import("./types.js").Settings) => void} set puts the bench to settings
   */
  constructor(list, model, lesson, set) {
    this.model = model;
    this.outcomes = [...lesson.outcomes];
    this.items = all(list, "[data-try]", HTMLElement).map((element) => ({
      element,
      /** @type {import("./types.js").Settings} */
      set: JSON.parse(element.dataset.try ?? "{}"),
    }));
    for (const item of this.items) {
      one(item.element, "button", HTMLButtonElement).addEventListener("click", () => set(item.set));
    }
    model.bus.on("outcome", (outcome) => {
      if (outcome.lesson !== lesson.slug) return;
      this.outcomes.push(outcome);
      this.paint();
    });
    model.bus.on("run", () => this.paint());
    this.paint();
  }

  paint() {
    for (const { element, set } of this.items) {
      const done = this.outcomes.some((outcome) => outcome.program !== "own" && agrees(outcome.settings, set));
      const running = this.model.running && agrees(this.model.run?.settings ?? {}, set);
      const shape = running ? "running" : done ? "holds" : "ring";
      if (element.dataset.shape === shape) continue;
      element.dataset.shape = shape;
      element.querySelector(":scope > .icon")?.replaceWith(icon(shape));
      one(element, "[data-done]", HTMLElement).hidden = !done;
    }
  }
}

/**
 * Whether a run had all of these settings.
 * @param {import("./types.js").Settings} settings
 * @param {import("./types.js").Settings} asked
 */
export function agrees(settings, asked) {
  return Object.entries(asked).every(([name, value]) => settings[name] === value);
}
