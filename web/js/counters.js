/**
 * The equation of a lesson in big counters: what main added, what the interrupt added, what is
 * there, and what is lost.
 * @module
 */
import { text } from "./catalogue.js";
import { all, one, setText } from "./dom.js";
import { duration, number, percent, whole } from "./format.js";
import { Instrument } from "./instrument.js";
import { isTime } from "./measured.js";

/** Shown until the board has said a number. */
const NOT_YET = "–";

export class Counters extends Instrument {
  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   */
  constructor(panel, model) {
    super(panel, model);
    this.counters = all(panel, "[data-value]", HTMLElement).map((element) => ({
      element,
      name: element.dataset.value ?? "",
      label: element.dataset.label ?? "",
      figure: one(element, ".figure", HTMLElement),
      caption: one(element, ".caption", HTMLElement),
      fixed: element.dataset.caption ?? "",
      shareOf: element.dataset.shareOf ?? "",
      good: element.dataset.good ?? "",
      alarms: element.dataset.role === "lost",
    }));
  }

  paint() {
    for (const counter of this.counters) {
      const value = this.model.value(counter.name);
      setText(counter.figure, value === undefined ? NOT_YET : shown(counter.name, value));
      const loud = counter.alarms && value !== undefined && value > 0;
      counter.element.toggleAttribute("data-loud", loud);
      setText(counter.caption, this.#caption(counter, value));
    }
  }

  /**
   * @param {typeof this.counters[number]} counter
   * @param {number | undefined} value
   */
  #caption(counter, value) {
    if (value === 0 && counter.good !== "") return counter.good;
    if (counter.fixed !== "" || value === undefined) return counter.fixed;
    if (counter.shareOf !== "") {
      return text("live.share_of", { share: percent(value, this.model.value(counter.shareOf) ?? 0), name: counter.shareOf });
    }
    const rate = this.model.running ? this.model.perSecond(counter.name) : undefined;
    return rate === undefined || isTime(counter.name) ? "" : text("live.per_second", { n: whole(rate) });
  }

  table() {
    return this.model.sample === null ? null : {
      caption: text("live.counters_caption"),
      head: [text("live.counter"), text("live.value"), text("live.each_second")],
      rows: this.counters.map(({ name, label }) => {
        const value = this.model.value(name);
        const rate = this.model.perSecond(name);
        return [label, value === undefined ? NOT_YET : shown(name, value), rate === undefined ? NOT_YET : number(Math.round(rate))];
      }),
    };
  }
}

/**
 * @param {string} name
 * @param {number} value
 */
export function shown(name, value) {
  return isTime(name) ? duration(value) : whole(value);
}
