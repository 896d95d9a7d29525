/**
 * A histogram of what everybody in a class measured: a mark for each learner, and what was foretold as a dashed line.
 * @module
 */
import { draw } from "./dom.js";

/** Bins over the whole width; more could not be told apart on a projector. */
const BINS = 24;
const MARGIN = 48;
const HEIGHT = 340;
const AXIS = 56;
const TOP = 44;
const HIGHEST_MARK = 34;

/**
 * The scale for some values: its beginning and the width of a bin, both round.
 * @param {number[]} values
 * @returns {{ from: number, bin: number }}
 */
export function scaleOf(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  // Everybody may have measured the same.
  const wanted = Math.max((high - low) / (BINS - 4), Math.abs(high) * 1e-4, 1e-6);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const bin = [1, 2, 5, 10].map((step) => step * power).find((step) => step >= wanted * 0.999999) ?? 10 * power;
  const middle = Math.round((low + high) / 2 / bin) * bin;
  return { from: middle - (BINS / 2) * bin, bin };
}

/**
 * How many values lie in each bin.
 * @param {number[]} values
 * @param {{ from: number, bin: number }} scale
 * @returns {number[]}
 */
export function countsOf(values, { from, bin }) {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    const at = Math.min(BINS - 1, Math.max(0, Math.floor((value - from) / bin + 1e-9)));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}

/**
 * @param {SVGSVGElement} chart
 * @param {number[]} values at least one
 * @param {number | null} foretold
 * @param {{ tick: (value: number, bin: number) => string, foretold: string, words: string }} texts
 */
export function drawSample(chart, values, foretold, texts) {
  const width = Math.max(280, chart.clientWidth);
  const scale = scaleOf(foretold === null ? values : [...values, foretold]);
  const counts = countsOf(values, scale);
  const step = (width - 2 * MARGIN) / BINS;
  const x = (/** @type {number} */ value) => MARGIN + ((value - scale.from) / scale.bin) * step;
  const ground = HEIGHT - AXIS;
  const tall = Math.min(HIGHEST_MARK, (ground - TOP) / Math.max(...counts));
  const marks = counts.flatMap((count, at) => Array.from({ length: count }, (_none, nth) => draw("rect", {
    class: "sample-mark", x: MARGIN + at * step + 1.5, y: ground - (nth + 1) * tall + 1.5, width: Math.max(2, step - 3), height: Math.max(2, tall - 3), rx: 2,
  })));
  const ticks = width < 600 ? 3 : 5;
  const labels = Array.from({ length: ticks }, (_none, nth) => {
    const value = scale.from + (BINS / (ticks - 1)) * nth * scale.bin;
    return draw("g", {}, draw("line", { class: "sample-axis", x1: x(value), x2: x(value), y1: ground, y2: ground + 8 }),
      draw("text", { class: "sample-tick", x: x(value), y: ground + 38, "text-anchor": "middle" }, texts.tick(value, scale.bin)));
  });
  const line = foretold === null ? [] : [
    draw("line", { class: "sample-foretold", x1: x(foretold), x2: x(foretold), y1: TOP - 6, y2: ground }),
    draw("text", { class: "sample-tick", x: x(foretold), y: TOP - 16, "text-anchor": "middle" }, texts.foretold),
  ];
  chart.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  chart.setAttribute("aria-label", texts.words);
  chart.replaceChildren(...marks, ...line, draw("line", { class: "sample-axis", x1: MARGIN / 2, x2: width - MARGIN / 2, y1: ground, y2: ground }), ...labels);
}
