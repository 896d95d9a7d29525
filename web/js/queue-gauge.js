/**
 * The scheduler's queue: eight places, how many are taken, and how many ever were.
 * @module
 */
import { text } from "./catalogue.js";
import { draw, make } from "./dom.js";
import { whole } from "./format.js";
import { Instrument } from "./instrument.js";

/** Places in MicroPython's scheduler queue (`MICROPY_SCHEDULER_DEPTH`). */
const DEPTH = 8;
const CELL_HEIGHT = 34;
const TOP = 20;

export class QueueGauge extends Instrument {
  paint() {
    const sample = this.model.sample;
    const [q, qmax] = [sample?.q ?? 0, sample?.qmax ?? 0];
    const full = q >= DEPTH;
    const head = make("p", { class: "queue-now", "data-full": full },
      make("span", { class: "figure" }, sample === null ? "–" : String(q)),
      make("span", { class: "of" }, `/ ${DEPTH}`),
      make("span", { class: "words" }, this.#words(q, qmax)));
    const pitch = this.width / DEPTH;
    const svg = draw("svg", { class: "queue-gauge chart", role: "img", "aria-label": text("live.queue_label", { q, qmax, depth: DEPTH }) });
    for (let place = 0; place < DEPTH; place += 1) {
      svg.append(
        draw("rect", { class: place < q ? "role-scheduler" : "empty-cell", x: place * pitch + 1, y: TOP, width: pitch - 3, height: CELL_HEIGHT, rx: 3 }),
        draw("text", { class: "middle", x: place * pitch + pitch / 2, y: TOP + CELL_HEIGHT + 17 }, String(place + 1)));
    }
    if (qmax > 0) {
      const x = Math.min(qmax * pitch - 0.5, this.width - 2);
      svg.append(
        draw("line", { class: "high-water", x1: x, x2: x, y1: TOP - 4, y2: TOP + CELL_HEIGHT + 4 }),
        draw("path", { class: "marker", d: `M${x - 5} ${TOP - 6}h10l-5 7z` }),
        draw("text", { class: x > this.width / 2 ? "end halo" : "halo", x: x > this.width / 2 ? x + 2 : x - 2, y: TOP - 9 }, text("live.high_water", { n: qmax })));
    }
    this.chart.replaceChildren(head, svg);
  }

  /**
   * @param {number} q
   * @param {number} qmax
   */
  #words(q, qmax) {
    if (this.model.sample === null) return text("live.press_run");
    if (this.model.sample.src.length > 0 && this.model.sample.src.every((source) => source.hard) && qmax === 0) return text("live.queue_unused");
    if (q >= DEPTH) return text("live.queue_full");
    return text("live.queue_never_more", { n: qmax });
  }

  table() {
    const sample = this.model.sample;
    return sample === null ? null : {
      caption: text("live.queue_caption"),
      head: ["", text("live.value")],
      rows: [["q", sample.q], ["qmax", sample.qmax], ["dropped", whole(this.model.value("dropped") ?? 0)]],
    };
  }
}
