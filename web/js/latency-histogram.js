/**
 * How long after its alarm a callback began: a histogram on a logarithmic axis that never moves.
 * @module
 */
import { text } from "./catalogue.js";
import { draw, make } from "./dom.js";
import { duration, whole } from "./format.js";
import { Instrument } from "./instrument.js";
import { latencyBinEdge } from "./measured.js";

/** The axis, in microseconds. */
const LEAST_US = 1;
const MOST_US = 100_000;
const HEIGHT = 150;
const TOP = 8;
const FOOT = 24;
/** Room so that the first and last label are whole. */
const SIDE = 8;

export class LatencyHistogram extends Instrument {
  paint() {
    const sample = this.model.sample;
    const sources = sample?.src.filter((source) => source.ran > 0) ?? [];
    if (this.empty) this.empty.hidden = sources.length > 0;
    const facts = sources.map((source) => make("p", { class: "latency-facts" },
      ...(sources.length > 1 ? [make("span", {}, source.id)] : []),
      ...facts_of(source).map(([name, us]) => make("span", {}, `${name} `, make("b", {}, duration(us))))));
    this.chart.replaceChildren(...facts, this.#histogram());
  }

  #histogram() {
    const svg = draw("svg", { class: "chart", height: HEIGHT, role: "img", "aria-label": this.#label() });
    const floor = HEIGHT - FOOT;
    for (let us = LEAST_US; us <= MOST_US; us *= 10) {
      const x = this.#x(us);
      svg.append(
        draw("line", { class: "grid", x1: x, x2: x, y1: TOP, y2: floor }),
        draw("text", { class: us === LEAST_US ? "" : us === MOST_US ? "end" : "middle", x: us === LEAST_US ? 0 : us === MOST_US ? this.width : x, y: HEIGHT - 4 }, duration(us)));
      for (let part = 2; part < 10 && us * part <= MOST_US; part += 1) {
        svg.append(draw("line", { class: "tick", x1: this.#x(us * part), x2: this.#x(us * part), y1: floor, y2: floor + (part === 5 ? 5 : 3) }));
      }
    }
    const bars = [...this.model.bins.values()];
    const tallest = Math.max(1, ...bars.flatMap(({ bins }) => bins));
    for (const { from, bins } of bars) {
      bins.forEach((count, index) => {
        if (count === 0) return;
        const [left, right] = [this.#x(latencyBinEdge(from + index)), this.#x(latencyBinEdge(from + index + 1))];
        const height = Math.max(3, (count / tallest) * (floor - TOP - 4));
        svg.append(draw("rect", { class: "solid-interrupt", x: left, y: floor - height, width: Math.max(3, right - left), height }));
      });
    }
    svg.append(draw("line", { class: "axis", x1: 0, x2: this.width, y1: floor, y2: floor }));
    return svg;
  }

  #label() {
    const [max, p50] = [this.model.value("lat_max"), this.model.value("lat_p50")];
    return max === undefined || p50 === undefined ? text("live.nothing_yet") : text("live.latency_label", { p50: duration(p50), max: duration(max) });
  }

  /** @param {number} us */
  #x(us) {
    const part = Math.log(Math.min(MOST_US, Math.max(LEAST_US, us)) / LEAST_US) / Math.log(MOST_US / LEAST_US);
    return SIDE + part * (this.width - 2 * SIDE);
  }

  table() {
    const rows = [...this.model.bins].flatMap(([id, { from, bins }]) => bins.flatMap((count, index) => (count === 0 ? [] : [[
      `${id}: ${duration(latencyBinEdge(from + index))} – ${duration(latencyBinEdge(from + index + 1))}`, whole(count)]])));
    return rows.length === 0 ? null : { caption: text("live.latency_caption"), head: [text("live.latency"), text("live.callbacks")], rows };
  }
}

/**
 * @param {import("./types.js").Source} source
 * @returns {[string, number][]}
 */
function facts_of({ lat }) {
  return [["min", lat.min], ["p50", lat.p50], ["p99", lat.p99], ["max", lat.max], ["jitter", lat.max - lat.min]];
}
