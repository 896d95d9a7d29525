/**
 * A recording of the board around a trigger, put in order: stretches of main, alarms, callbacks.
 * The lanes are those of `protocol` (`TracePoint`, `Lane`).
 * @module
 */
import { whole } from "./format.js";

/** @typedef {import("./types.js").TracePoint} TracePoint */
/** @typedef {{ lane: string, does: "begin" | "end" | "point", label: string }} Meaning what a lesson says of its marks; those of a lane follow one another in this order */
/** @typedef {{ from: number, to: number, first: string, last: string, value: number | null, open: boolean }} Stretch times in nanoseconds; words for its two ends and the value at the last; `open`: an end lies outside the recording */
/** @typedef {{ ns: number, kind: "hard" | "queued" | "dropped", depth: number }} Alarm */
/** @typedef {{ ns: number, label: string, lane: string }} Instant */

/** Numbers of the lanes on the wire. */
const LANE = /** @type {const} */ ({ main: 0, alarm: 1, hardEnter: 2, hardExit: 3, queued: 4, softEnter: 5, softExit: 6, dropped: 7, callback: 8 });

export class Trace {
  /** What main did, stretch by stretch. @type {Stretch[]} */
  main = [];
  /** @type {Alarm[]} */
  alarms = [];
  /** Callbacks inside the interrupt. @type {Stretch[]} */
  hard = [];
  /** Callbacks run by the scheduler. @type {Stretch[]} */
  soft = [];
  /** Marks that are instants. @type {Instant[]} */
  instants = [];

  /**
   * @param {TracePoint[]} points
   * @param {Meaning[]} meanings
   */
  constructor(points, meanings) {
    this.points = [...points].sort((a, b) => a[0] - b[0]);
    this.from = this.points[0]?.[0] ?? 0;
    this.to = this.points.at(-1)?.[0] ?? 0;
    const meaningOf = inOrder(this.points, meanings);
    /** @type {{ ns: number, label: string } | null} */
    let mainBegan = null;
    /** @type {number | null} */
    let hardBegan = null;
    /** @type {number | null} */
    let softBegan = null;
    this.points.forEach(([ns, lane, value], index) => {
      switch (lane) {
        case LANE.alarm:
          this.alarms.push({ ns, kind: "hard", depth: 0 });
          break;
        case LANE.queued:
        case LANE.dropped: {
          const kind = lane === LANE.queued ? "queued" : "dropped";
          const alarm = this.alarms.at(-1);
          // The routine's entry and what it decided are one alarm.
          if (alarm && alarm.kind === "hard" && hardBegan === null) Object.assign(alarm, { kind, depth: value });
          else this.alarms.push({ ns, kind, depth: value });
          break;
        }
        case LANE.hardEnter:
          hardBegan = ns;
          break;
        case LANE.hardExit:
          this.hard.push(bare(hardBegan ?? this.from, ns, hardBegan === null));
          hardBegan = null;
          break;
        case LANE.softEnter:
          softBegan = ns;
          break;
        case LANE.softExit:
          this.soft.push(bare(softBegan ?? this.from, ns, softBegan === null));
          softBegan = null;
          break;
        case LANE.main:
        case LANE.callback: {
          const meaning = meaningOf.get(index);
          const does = meaning?.does ?? "point";
          const label = (meaning?.label ?? "{value}").replace("{value}", whole(value));
          if (lane === LANE.main && does === "begin") {
            mainBegan = { ns, label };
          } else if (lane === LANE.main && does === "end") {
            this.main.push({ from: mainBegan?.ns ?? this.from, to: ns, first: mainBegan?.label ?? "", last: label, value, open: mainBegan === null });
            mainBegan = null;
          } else if (does === "point") {
            this.instants.push({ ns, label, lane: lane === LANE.main ? "main" : hardBegan !== null ? "interrupt" : "scheduler" });
          }
          break;
        }
      }
    });
    if (mainBegan !== null) this.main.push({ from: /** @type {any} */ (mainBegan).ns, to: this.to, first: /** @type {any} */ (mainBegan).label, last: "", value: null, open: true });
    if (hardBegan !== null) this.hard.push(bare(hardBegan, this.to, true));
    if (softBegan !== null) this.soft.push(bare(softBegan, this.to, true));
  }

  /** Every callback, in order. */
  get callbacks() {
    return [...this.hard, ...this.soft].sort((a, b) => a.from - b.from);
  }

  /**
   * The stretch of main nearest to the trigger that a callback ran in the middle of.
   * @returns {Stretch | undefined}
   */
  get race() {
    return this.main
      .filter((stretch) => this.callbacks.some((callback) => callback.from > stretch.from && callback.to < stretch.to))
      .sort((a, b) => Math.abs(a.to) - Math.abs(b.to))[0];
  }
}

/**
 * Which meaning each mark has. Marks of a lane go round and round in the lesson's order; the last
 * one before the trigger is the last of that order, since the program fires the trigger after it.
 * @param {TracePoint[]} points
 * @param {Meaning[]} meanings
 * @returns {Map<number, Meaning>} by index of the point
 */
function inOrder(points, meanings) {
  /** @type {Map<number, Meaning>} */
  const found = new Map();
  for (const lane of [LANE.main, LANE.callback]) {
    const order = meanings.filter((meaning) => (meaning.lane === "main") === (lane === LANE.main));
    if (order.length === 0) continue;
    const marks = points.flatMap((point, index) => (point[1] === lane ? [index] : []));
    const before = marks.filter((index) => points[index][0] <= 0).length;
    marks.forEach((index, position) => {
      const place = (position - before) % order.length;
      found.set(index, order[(place + order.length) % order.length]);
    });
  }
  return found;
}

/**
 * @param {number} from
 * @param {number} to
 * @param {boolean} open
 * @returns {Stretch}
 */
function bare(from, to, open) {
  return { from, to, first: "", last: "", value: null, open };
}

/**
 * Times for an axis: about `count` round ones from `from` to `to`.
 * @param {number} from
 * @param {number} to
 * @param {number} count
 */
export function roundTimes(from, to, count) {
  const rough = Math.max(1, (to - from) / count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const times = [];
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) times.push(time);
  return times;
}
