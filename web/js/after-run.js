/**
 * What comes after the questions: closed until they are answered and the board has answered too. Once open it stays so,
 * with the learner's work.
 * @module
 */
import { text } from "./catalogue.js";
import { all, inline, maybe, one } from "./dom.js";

export class AfterRun {
  /**
   * @param {HTMLElement} closed the cards in its place
   * @param {import("./bus.js").Bus} bus
   * @param {import("./types.js").LessonData} lesson
   * @param {import("./predictions.js").Predictions | null} predictions
   * @param {(settings: import("./types.js").Settings) => void} set puts the bench to the settings of a question
   * @param {(words: string) => void} say
   */
  constructor(closed, bus, lesson, predictions, set, say) {
    this.closed = closed;
    this.bus = bus;
    this.lesson = lesson;
    this.predictions = predictions;
    this.say = say;
    this.still = one(closed, "[data-still]", HTMLElement);
    this.setNext = one(closed, "[data-set-next]", HTMLButtonElement);
    this.anyway = one(closed, "[data-open-anyway]", HTMLButtonElement);
    this.open = lesson.open;
    this.outcomes = [...lesson.outcomes];
    this.setNext.addEventListener("click", () => {
      const next = this.#toRun();
      if (next) set(next.set);
    });
    this.anyway.addEventListener("click", () => this.#unlock());
    bus.on("outcome", (outcome) => {
      if (outcome.lesson !== lesson.slug) return;
      this.outcomes.push(outcome);
      this.paint();
    });
    bus.on("answered", () => this.paint());
    // A page that was written without this learner's work, on a site without a server, is closed whatever they did.
    if (!this.open && lesson.steps.open) this.#unlock();
    this.paint();
  }

  /** The first question that is answered by the learner and not yet by the board. */
  #toRun() {
    return this.lesson.predictions.find(({ id }) => !this.outcomes.some((outcome) => id in outcome.answers));
  }

  paint() {
    if (this.open) return;
    const answers = this.predictions?.answers ?? {};
    const unanswered = this.lesson.predictions.some(({ id }) => !(id in answers));
    const toRun = this.#toRun();
    if (!unanswered && toRun === undefined && this.outcomes.length > 0) {
      this.#unlock();
      return;
    }
    const words = unanswered && this.outcomes.length > 0 ? text("live.open_answer")
      : !unanswered && toRun !== undefined ? text("live.open_run", { question: toRun.question })
        : text("live.opens_when");
    if (this.still.dataset.words !== words) {
      this.still.dataset.words = words;
      this.still.replaceChildren(...inline(words));
    }
    this.setNext.hidden = unanswered || toRun === undefined;
    this.anyway.hidden = unanswered || this.outcomes.length === 0;
  }

  #unlock() {
    this.open = true;
    const focused = this.closed.contains(document.activeElement);
    this.closed.hidden = true;
    for (const part of all(document, "[data-after]", HTMLElement)) part.hidden = false;
    // Who pressed a button that goes away reads on below it.
    if (focused) maybe(document, ".after[data-after]", HTMLElement)?.focus();
    this.say(text("live.opened"));
    this.bus.emit("step", { name: "open" });
    this.bus.emit("opened", null);
  }
}
