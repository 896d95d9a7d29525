/**
 * A list that the lesson's program publishes, one bar for each entry: at which place of the loop
 * did the callback run?
 * @module
 */
import { text } from "./catalogue.js";
import { draw } from "./dom.js";
import { percent, whole } from "./format.js";
import { Instrument } from "./instrument.js";

const HEIGHT = 190;
const TOP = 22;
const FOOT = 26;

export class PositionsHistogram extends Instrument {
  get #counts() {
    return this.model.lists[this.panel.dataset.histogram ?? ""] ?? [];
  }

  /** @param {number} index */
  #name(index) {
    const labels = (this.panel.dataset.labels ?? "").split("\n");
    return labels[index] || String(index);
  }

  paint() {
    const counts = this.#counts;
    const places = Math.max(counts.length, (this.panel.dataset.labels ?? "").split("\n").filter(Boolean).length);
    if (this.empty) this.empty.hidden = counts.length > 0;
    const svg = draw("svg", { class: "chart", height: HEIGHT, role: "img", "aria-label": counts.length === 0 ? text("live.nothing_yet") : counts.map((n, i) => `${this.#name(i)}: ${n}`).join(", ") });
    const floor = HEIGHT - FOOT;
    const pitch = this.width / Math.max(1, places);
    const tallest = Math.max(1, ...counts);
    for (let place = 0; place < places; place += 1) {
      const count = counts[place] ?? 0;
      const x = place * pitch + pitch * 0.15;
      const middle = place * pitch + pitch / 2;
      if (count > 0) {
        const height = Math.max(3, (count / tallest) * (floor - TOP));
        svg.append(draw("rect", { class: "role-interrupt", x, y: floor - height, width: pitch * 0.7, height }),
          draw("text", { class: "middle label", x: middle, y: floor - height - 6 }, pitch > 52 ? whole(count) : percent(count, counts.reduce((a, b) => a + b, 0))));
      } else if (counts.length > 0) {
        svg.append(draw("text", { class: "middle", x: middle, y: floor - 6 }, "0"));
      }
      svg.append(draw("text", { class: "middle mono", x: middle, y: HEIGHT - 6 }, this.#name(place)));
    }
    svg.append(draw("line", { class: "axis", x1: 0, x2: this.width, y1: floor, y2: floor }));
    this.chart.replaceChildren(svg);
  }

  table() {
    const counts = this.#counts;
    const all = counts.reduce((sum, count) => sum + count, 0);
    return counts.length === 0 ? null : {
      caption: text("live.positions_caption"),
      head: [text("live.place"), text("live.callbacks"), text("live.share")],
      rows: counts.map((count, index) => [this.#name(index), whole(count), percent(count, all)]),
    };
  }
}
