/**
 * The two identities that hold in every run: nothing the hardware asked for, and nothing that
 * fired, goes unaccounted for. Where one fails, the workbench is wrong, not the learner.
 * @module
 */
import { text } from "./catalogue.js";
import { draw, icon, make } from "./dom.js";
import { whole } from "./format.js";
import { Instrument } from "./instrument.js";

/** Anything that is not zero can be seen. */
const LEAST_PX = 3;

/** Narrower parts are solid, without pattern. */
const PATTERN_PX = 8;
const SOLID = new Set(["interrupt", "scheduler", "dropped"]);

/** @typedef {{ name: string, value: number, role: string }} Part */

export class Balance extends Instrument {
  paint() {
    const sources = this.model.sample?.src ?? [];
    if (this.empty) this.empty.hidden = sources.length > 0;
    this.chart.replaceChildren(...sources.flatMap((source) => [
      ...(sources.length > 1 ? [make("p", { class: "balance-source" }, source.id)] : []),
      this.#line("expected", source.expected, alarms(source)),
      this.#line("fired", source.fired, callbacks(source), source.disabled),
    ]));
  }

  /**
   * @param {string} name
   * @param {number} total
   * @param {Part[]} parts
   * @param {boolean} [ended] a removed callback ends the identity
   */
  #line(name, total, parts, ended = false) {
    const sum = parts.reduce((so_far, part) => so_far + part.value, 0);
    const holds = sum === total;
    const words = make("div", { class: "balance-line" },
      make("span", { class: "term" }, name, make("b", {}, whole(total))),
      ...parts.flatMap((part, index) => [
        index === 0 ? "=" : "+",
        make("span", { class: "term", "data-role": part.role }, make("span", { class: "swatch", "aria-hidden": "true" }), part.name, make("b", {}, whole(part.value))),
      ]),
      make("span", { class: "holds" },
        icon(holds ? "holds" : ended ? "price" : "needs"),
        text(holds ? "live.holds" : ended ? "live.callback_removed" : "live.does_not_hold")));
    const svg = draw("svg", { class: "balance-bar chart", height: 16, role: "img", "aria-label": words.textContent ?? "" },
      draw("rect", { class: "whole", x: 0.5, y: 0.5, width: Math.max(1, this.width - 1), height: 15 }));
    let x = 0.5;
    for (const part of parts) {
      if (part.value <= 0 || total <= 0) continue;
      const width = Math.min(Math.max(LEAST_PX, (part.value / total) * (this.width - 1)), this.width - x);
      svg.append(draw("rect", { class: width < PATTERN_PX && SOLID.has(part.role) ? `solid-${part.role}` : `role-${part.role}`, x: Math.min(x, this.width - LEAST_PX - 1), y: 0.5, width, height: 15 }));
      x += width;
    }
    return make("div", {}, words, svg);
  }

  table() {
    const sources = this.model.sample?.src ?? [];
    return sources.length === 0 ? null : {
      caption: text("live.balance_caption"),
      head: [text("live.source"), "expected", "fired", "missed", "ran", "dropped", "q"],
      rows: sources.map((s) => [s.id, ...[s.expected, s.fired, s.missed, s.ran, s.dropped, s.queued].map(whole)]),
    };
  }
}

/**
 * @param {import("./types.js").Source} source
 * @returns {Part[]}
 */
export function alarms(source) {
  return [{ name: "fired", value: source.fired, role: "plain" }, { name: "missed", value: source.missed, role: "dropped" }];
}

/**
 * @param {import("./types.js").Source} source
 * @returns {Part[]}
 */
export function callbacks(source) {
  const ran = { name: "ran", value: source.ran, role: "interrupt" };
  return source.hard ? [ran] : [ran,
    { name: "dropped", value: source.dropped, role: "dropped" },
    { name: "q", value: source.queued, role: "scheduler" }];
}
