/**
 * Questions before the run. The board gives the answer; a wrong prediction is a find.
 * @module
 */
import { text } from "./catalogue.js";
import { all, inline, make, one } from "./dom.js";
import { shown } from "./counters.js";

export class Predictions {
  /**
   * @param {HTMLElement} card
   * @param {import("./bench-model.js").BenchModel} model
   * @param {import("./types.js").LessonData} lesson
   */
  constructor(card, model, lesson) {
    this.model = model;
    this.lesson = lesson;
    this.card = card;
    /** The visitor's answers, by question. @type {Record<string, string>} */
    this.answers = { ...lesson.prediction };
    this.outcomes = [...lesson.outcomes];
    for (const input of all(card, "input[type=radio]", HTMLInputElement)) {
      input.checked = this.answers[input.dataset.question ?? ""] === input.value;
      input.addEventListener("change", () => {
        this.answers = { ...this.answers, [input.dataset.question ?? ""]: input.value };
        model.bus.emit("step", { name: "predict" });
        model.bus.emit("answered", null);
        this.paint();
      });
    }
    model.bus.on("outcome", (outcome) => {
      if (outcome.lesson !== lesson.slug) return;
      this.outcomes.push(outcome);
      this.paint();
    });
    this.paint();
  }

  paint() {
    for (const prediction of this.lesson.predictions) {
      const found = one(this.card, `[data-found="${prediction.id}"]`, HTMLElement);
      const outcome = this.outcomes.findLast((candidate) => prediction.id in candidate.answers);
      const said = prediction.options.find((option) => option.key === this.answers[prediction.id]);
      if (said === undefined) {
        found.replaceChildren();
        continue;
      }
      if (outcome === undefined) {
        found.replaceChildren(text("live.predicted"));
        continue;
      }
      const right = outcome.answers[prediction.id] === said.key;
      const numbers = prediction.shows.map((name) => {
        const value = outcome.values[name];
        return `\`${name}\` = ${typeof value === "number" ? shown(name, value) : value ?? "–"}`;
      }).join(", ");
      found.replaceChildren(
        make("b", {}, ...inline(text(right ? "live.prediction_right" : "live.prediction_wrong", { said: said.text, numbers }))),
        " ", ...inline(prediction.after));
    }
  }
}
