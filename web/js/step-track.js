/**
 * The six steps of a lesson. A step is done when the visitor did it, not when the page thinks so.
 * @module
 */
import { all, one } from "./dom.js";

const STEPS = /** @type {const} */ (["predict", "run", "see", "explain", "fix", "checked"]);

export class StepTrack {
  /**
   * @param {HTMLElement} track
   * @param {import("./bus.js").Bus} bus
   * @param {Record<string, boolean>} done
   */
  constructor(track, bus, done) {
    this.track = track;
    this.done = { ...done };
    bus.on("step", ({ name }) => {
      if (this.done[name]) return;
      this.done = { ...this.done, [name]: true };
      this.paint();
    });
    this.paint();
  }

  paint() {
    // The step to take next is the first one not done after the last one done in order.
    const here = STEPS.find((step) => !this.done[step]);
    for (const item of all(this.track, "li", HTMLElement)) {
      const step = item.dataset.name ?? "";
      const state = this.done[step] ? "done" : step === here ? "here" : "ahead";
      item.dataset.step = state;
      if (state === "here") item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
      one(item, "[data-done]", HTMLElement).hidden = state !== "done";
    }
  }
}
