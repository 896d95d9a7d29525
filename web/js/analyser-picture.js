/**
 * The picture of the logic analyser: a lane for each pin, under them interrupts and callbacks, and lines from an edge to what
 * became of it.
 * @module
 */
import { text } from "./catalogue.js";
import { draw } from "./dom.js";
import { duration } from "./format.js";
import { period } from "./pin-record.js";
import { roundTimes } from "./trace.js";

const LANE_PX = 40;
const HIGH_PX = 22;
const TOP_PX = 34;
const MARK_LANE_PX = 34;
const LABEL_PX = 132;
/** Below this width labels stand over their lanes. */
const NARROW_PX = 560;
const NARROW_LABEL_PX = 18;
const RIGHT_PX = 14;
/** A box is at least so wide. */
const LEAST_PX = 3;
/** Callbacks this wide have room for a pattern. */
const PATTERN_PX = 8;
/** Edges of one lane that are drawn one by one. */
const MOST_EDGES = 2000;
/** Lines from edges to callbacks in view. */
const MOST_LINKS = 60;
const AXIS_TICKS = 6;
const LANE_GAP_PX = 10;

/** @typedef {import("./pin-record.js").PinRecord} PinRecord */

export class AnalyserPicture {
  /** Where time begins in the picture, and how long it is there, in CSS pixels. */
  start = LABEL_PX;
  length = 1;

  /** @param {PinRecord} record */
  constructor(record) {
    this.record = record;
  }

  /**
   * @param {number} width
   * @param {number} from @param {number} to in ticks
   * @param {(number | null)[]} moments where the keys are, and the two cursors
   */
  draw(width, from, to, moments) {
    const narrow = width < NARROW_PX;
    const room = narrow ? NARROW_LABEL_PX : 0;
    this.start = narrow ? 8 : LABEL_PX;
    this.length = Math.max(60, width - this.start - RIGHT_PX);
    const { record, start, length } = this;
    const pins = record.pins;
    const pitch = LANE_PX + room;
    const marksAt = TOP_PX + pins.length * pitch + LANE_GAP_PX;
    const markPitch = MARK_LANE_PX + room;
    const bottom = marksAt + (record.seesCallbacks ? 2 * markPitch : 0);
    const height = bottom + 26;
    const x = (/** @type {number} */ tick) => start + ((tick - from) / (to - from)) * length;
    const svg = draw("svg", { class: "chart pins-picture", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const perNs = record.ticksPerSecond / 1e9;
    const origin = record.from;
    for (const ns of roundTimes((from - origin) / perNs, (to - origin) / perNs, narrow ? AXIS_TICKS / 2 : AXIS_TICKS)) {
      const at = x(ns * perNs + origin);
      svg.append(draw("line", { class: "grid", x1: at, x2: at, y1: TOP_PX - 4, y2: bottom }),
        draw("text", { class: at > width - 40 ? "end" : "middle", x: at, y: bottom + 18 }, duration(Math.round(ns) / 1000)));
    }
    pins.forEach(({ pin, name }, index) => {
      const top = TOP_PX + index * pitch + room;
      svg.append(draw("rect", { class: "lane", x: start, y: top, width: length, height: LANE_PX - 8 }), ...laneName(narrow, top, `GPIO ${pin}`, name));
      svg.append(...this.#levels(pin, from, to, x, top + (LANE_PX - 8 - HIGH_PX) / 2));
    });
    if (record.seesCallbacks) {
      for (const [index, [role, words]] of /** @type {const} */ ([["interrupt", "live.lane_interrupt"], ["scheduler", "live.pins_callback"]]).entries()) {
        const top = marksAt + index * markPitch + room;
        svg.append(draw("rect", { class: "lane", x: start, y: top, width: length, height: MARK_LANE_PX - 8 }), ...laneName(narrow, top - 4, text(words), "", role));
      }
      svg.append(...this.#marks(from, to, x, marksAt + room, markPitch));
      svg.append(...this.#links(from, to, x, marksAt + room, markPitch, (pin) => TOP_PX + pins.findIndex((lane) => lane.pin === pin) * pitch + room));
    }
    for (const [index, tick] of moments.entries()) {
      if (tick === null || tick < from || tick > to) continue;
      svg.append(...cursor(x(tick), index, bottom));
    }
    const [, one, two] = moments;
    if (one !== null && two !== null && Math.max(one, two) >= from && Math.min(one, two) <= to) {
      const [a, b] = [x(Math.max(from, Math.min(one, two))), x(Math.min(to, Math.max(one, two)))];
      svg.append(draw("path", { class: "marker-line", d: `M${a} 22H${b}` }));
      if (b - a > 70) svg.append(draw("text", { class: "middle strong halo", x: (a + b) / 2, y: 16 }, `Δ ${duration((Math.abs(two - one) / record.ticksPerSecond) * 1e6)}`));
    }
    return svg;
  }

  /** @param {number} pin @param {number} from @param {number} to @param {(tick: number) => number} x @param {number} top */
  #levels(pin, from, to, x, top) {
    const y = (/** @type {number} */ level) => (level === 1 ? top : top + HIGH_PX);
    const shown = Math.min(to, this.record.now);
    if (shown <= from) return [];
    const edges = this.record.edges(pin, from, shown, MOST_EDGES, true);
    // More edges than pixels: where they crowd is a band, whatever their number.
    if (edges === null) {
      const wave = this.record.lanes.get(pin)?.changes.findLast((change) => change.tick <= shown)?.wave ?? null;
      const ticks = period(wave);
      const words = ticks > 0 ? [draw("text", { class: "middle strong halo", x: (x(from) + x(shown)) / 2, y: top + 16 }, `${Math.round(this.record.ticksPerSecond / ticks)} Hz`)] : [];
      return [draw("rect", { class: "dense", x: x(from), y: top, width: Math.max(LEAST_PX, x(shown) - x(from)), height: HIGH_PX }), ...words];
    }
    let path = `M${x(from).toFixed(1)} ${y(this.record.level(pin, from))}`;
    for (const { tick, level } of edges) path += `H${x(tick).toFixed(1)}V${y(level)}`;
    return [draw("path", { class: "level", d: `${path}H${x(shown).toFixed(1)}` })];
  }

  /** @param {number} from @param {number} to @param {(tick: number) => number} x @param {number} top @param {number} pitch */
  #marks(from, to, x, top, pitch) {
    /** @type {SVGElement[]} */
    const marks = [];
    const tall = MARK_LANE_PX - 14;
    let last = -Infinity;
    for (const [tick, step] of this.record.steps) {
      if (tick < from || tick > to || (step !== "queued" && step !== "dropped")) continue;
      const at = x(tick);
      if (at - last < 1 && step !== "dropped") continue;
      last = at;
      marks.push(draw("rect", { class: step === "dropped" ? "solid-dropped" : "solid-interrupt", x: at, y: top + 3, width: LEAST_PX, height: tall }));
      if (step === "dropped") marks.push(draw("path", { class: "cross", d: `M${at - 3} ${top - 3}l6 6m0 -6l-6 6` }));
    }
    last = -Infinity;
    for (const { from: begun, to: over, hard } of this.record.stretches) {
      if (over < from || begun > to) continue;
      const [left, right] = [Math.max(x(from), x(begun)), Math.min(x(to), x(over))];
      if (right - last < 1) continue;
      last = right;
      const wide = Math.max(LEAST_PX, right - left);
      const role = hard ? "interrupt" : "scheduler";
      marks.push(draw("rect", { class: `${wide >= PATTERN_PX ? "role" : "solid"}-${role}`, x: left, y: top + (hard ? 0 : pitch) + 3, width: wide, height: tall }));
    }
    return marks;
  }

  /**
   * @param {number} from @param {number} to @param {(tick: number) => number} x @param {number} top @param {number} pitch
   * @param {(pin: number) => number} laneTop
   */
  #links(from, to, x, top, pitch, laneTop) {
    const rows = this.record.rows.filter((row) => row.fate !== "none" && (row.callback ?? row.interrupt ?? row.tick) >= from && row.tick <= to);
    if (rows.length > MOST_LINKS) return [];
    return rows.flatMap((row) => {
      const y = laneTop(row.pin) + (LANE_PX - 8 - HIGH_PX) / 2 + HIGH_PX / 2;
      if (row.fate === "merged") return [draw("circle", { class: "merged-ring", cx: x(row.tick), cy: y, r: 6 })];
      if (row.interrupt === null) return [];
      const hard = row.hard || row.callback === null;
      const path = `M${x(row.tick)} ${y + HIGH_PX / 2}L${x(row.interrupt)} ${top + 3}${hard ? "" : `M${x(row.interrupt)} ${top + MARK_LANE_PX - 11}L${x(/** @type {number} */ (row.callback))} ${top + pitch + 3}`}`;
      const late = row.late && row.callback !== null ? [draw("path", { class: "late-mark", d: `M${x(row.callback)} ${top + (row.hard ? 0 : pitch) - 4}l5 8h-10z` })] : [];
      return [draw("path", { class: "link", d: path }), ...late];
    });
  }
}

/** @param {boolean} narrow @param {number} top @param {string} first @param {string} second @param {string} [role] */
function laneName(narrow, top, first, second, role) {
  const swatch = role ? [draw("rect", { class: `role-${role}`, x: 1, y: narrow ? top - 8 : top + 9, width: 14, height: 10, rx: 2 })] : [];
  const left = role ? 22 : 0;
  if (narrow) return [...swatch, draw("text", { class: "label", x: left + 8, y: top - 3 }, second === "" ? first : `${second} · ${first}`)];
  if (second === "") return [...swatch, draw("text", { class: "label", x: left, y: top + 19 }, first)];
  const short = second.length > 17 ? `${second.slice(0, 16)}…` : second;
  return [draw("text", { class: "label strong", x: 0, y: top + 13 }, short), draw("text", { x: 0, y: top + 28 }, first)];
}

/** @param {number} x @param {number} index 0 where the keys are, 1 and 2 the cursors @param {number} bottom */
function cursor(x, index, bottom) {
  if (index === 0) return [draw("line", { class: "here", x1: x, x2: x, y1: TOP_PX - 6, y2: bottom })];
  return [
    draw("line", { class: "cursor-line", x1: x, x2: x, y1: TOP_PX - 6, y2: bottom }),
    draw("rect", { class: "marker", x: x - 8, y: 12, width: 16, height: 18, rx: 3 }),
    draw("text", { class: "middle strong on-marker", x, y: 25 }, String(index)),
  ];
}
