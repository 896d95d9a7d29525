/**
 * How fast things happened, over the time of the run: callbacks, losses and drops a second. A
 * change of a control stands there as a line with its name. Drawn by uPlot, fetched when needed.
 * @module
 */
import { text } from "./catalogue.js";
import { make } from "./dom.js";
import { fetched } from "./fetched.js";
import { number, seconds } from "./format.js";
import { Instrument } from "./instrument.js";
import { valueOf } from "./measured.js";

/** One point for so much of the run's time. */
const STEP_US = 250_000;
const KEEP_POINTS = 480;
const HEIGHT = 170;

/** @typedef {{ name: string, label: string, role: string }} Series */

export class HistoryChart extends Instrument {
  /** Time in seconds, then one list a series. @type {number[][]} */
  #data = [];
  /** @type {import("./types.js").Sample | null} */
  #last = null;
  /** @type {import("uplot") | null} */
  #plot = null;
  #loading = false;

  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   */
  constructor(panel, model) {
    super(panel, model);
    /** @type {Series[]} */
    this.series = JSON.parse(panel.dataset.series ?? "[]");
    this.#clear();
    model.bus.on("sample", (sample) => this.#take(sample));
    model.bus.on("run", (run) => { if (run.state === "starting") this.#clear(); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#rebuild());
  }

  #clear() {
    this.#data = [[], ...this.series.map(() => [])];
    this.#last = null;
  }

  /** @param {import("./types.js").Sample} sample */
  #take(sample) {
    if (!this.model.running) return;
    const last = this.#last;
    if (last === null || sample.run !== last.run || sample.run_us < last.run_us) {
      this.#clear();
      this.#last = sample;
      return;
    }
    const elapsed_us = sample.run_us - last.run_us;
    if (elapsed_us < STEP_US) return;
    this.#data[0].push(sample.run_us / 1e6);
    this.series.forEach(({ name }, index) => {
      const [before, now] = [valueOf(last, name), valueOf(sample, name)];
      this.#data[index + 1].push(before === undefined || now === undefined ? NaN : ((now - before) * 1e6) / elapsed_us);
    });
    if (this.#data[0].length > KEEP_POINTS) for (const list of this.#data) list.shift();
    this.#last = sample;
  }

  paint() {
    if (this.empty) this.empty.hidden = this.#data[0].length > 0;
    if (this.#data[0].length === 0) return;
    if (this.#plot === null) {
      void this.#build();
      return;
    }
    this.#plot.setSize({ width: this.width, height: HEIGHT });
    this.#plot.setData(/** @type {any} */ (this.#data));
  }

  #rebuild() {
    this.#plot?.destroy();
    this.#plot = null;
    this.paint();
  }

  async #build() {
    if (this.#loading) return;
    this.#loading = true;
    const { default: UPlot } = await fetched(() => import("./uplot.js"));
    this.#loading = false;
    const style = getComputedStyle(document.documentElement);
    /** @param {string} name */
    const colour = (name) => resolved(style.getPropertyValue(name));
    /** @type {Record<string, { stroke: string, dash: number[] }>} */
    const looks = {
      main: { stroke: colour("--main-edge"), dash: [] },
      interrupt: { stroke: colour("--isr-edge"), dash: [] },
      scheduler: { stroke: colour("--sched-edge"), dash: [2, 3] },
      lost: { stroke: colour("--lost-edge"), dash: [8, 3] },
      dropped: { stroke: colour("--drop-edge"), dash: [3, 3] },
      plain: { stroke: colour("--ink2"), dash: [] },
    };
    const [ink2, ink, rule, panel] = [colour("--ink2"), colour("--ink"), colour("--rule"), colour("--panel")];
    const font = `12px ${style.getPropertyValue("--sans")}`;
    const axis = { stroke: ink2, font, grid: { stroke: rule, width: 1 }, ticks: { stroke: rule, width: 1 } };
    this.#plot = new UPlot({
      width: this.width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [14, 64, 0, 0],
      scales: { x: { time: false, range: (_, __, max) => [0, Math.max(this.model.run?.seconds ?? 10, max)] }, y: { range: (_, __, max) => [0, Math.max(10, max * 1.15)] } },
      axes: [
        { ...axis, size: 28, values: (_, times) => times.map((time) => `${time} s`) },
        { ...axis, size: 62, values: (_, rates) => rates.map((rate) => number(rate)) },
      ],
      series: [{}, ...this.series.map(({ role }) => ({ stroke: looks[role]?.stroke ?? ink2, dash: looks[role]?.dash ?? [], width: 2, points: { show: false } }))],
      hooks: {
        draw: [(plot) => {
          const { ctx, bbox } = plot;
          const scale = devicePixelRatio;
          ctx.save();
          ctx.font = `${12 * scale}px ${style.getPropertyValue("--sans")}`;
          ctx.textAlign = "left";
          ctx.textBaseline = "alphabetic";
          ctx.lineWidth = 4 * scale;
          ctx.strokeStyle = panel;
          /** @type {number[]} */
          const taken = [];
          this.series.forEach(({ label, role }, index) => {
            const list = this.#data[index + 1];
            const last = list.at(-1);
            if (last === undefined || Number.isNaN(last)) return;
            let y = plot.valToPos(last, "y", true);
            while (taken.some((other) => Math.abs(other - y) < 13 * scale)) y -= 13 * scale;
            taken.push(y);
            const x = plot.valToPos(this.#data[0].at(-1) ?? 0, "x", true) + 5 * scale;
            ctx.fillStyle = looks[role]?.stroke ?? ink2;
            ctx.strokeText(label, x, y + 4 * scale);
            ctx.fillText(label, x, y + 4 * scale);
          });
          ctx.fillStyle = ink;
          for (const change of this.model.changes) {
            const x = plot.valToPos(change.run_us / 1e6, "x", true);
            ctx.setLineDash([5 * scale, 3 * scale]);
            ctx.strokeStyle = ink;
            ctx.lineWidth = scale;
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
            const words = `${change.name} = ${change.value}`;
            const room = bbox.left + bbox.width - ctx.measureText(words).width;
            ctx.fillText(words, Math.max(bbox.left, Math.min(x, room)), bbox.top - 3 * scale);
          }
          ctx.restore();
        }],
      },
    }, /** @type {any} */ (this.#data), this.chart);
  }

  table() {
    const times = this.#data[0];
    if (times.length === 0) return null;
    return {
      caption: text("live.history_caption"),
      head: [text("live.time"), ...this.series.map(({ label }) => label), text("live.change")],
      rows: times.map((time, index) => [
        `${seconds(time * 1e6)} s`,
        ...this.series.map((_, series) => number(Math.round(this.#data[series + 1][index]))),
        this.model.changes.filter(({ run_us }) => run_us / 1e6 <= time && run_us / 1e6 > (times[index - 1] ?? 0)).map(({ name, value }) => `${name} = ${value}`).join(", "),
      ]),
    };
  }
}

/**
 * A colour that a canvas understands: `light-dark()` is resolved by the page.
 * @param {string} value
 */
function resolved(value) {
  const probe = make("span");
  probe.style.color = value;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
