/**
 * One arrival in slow motion: main and the callback over time, and a line that walks through it.
 * The times were recorded on the explorer's board. Without motion it steps from access to access.
 * @module
 */
import { sideName, stepWords } from "./arrival-words.js";
import { text } from "./catalogue.js";
import { draw, icon, one, setText } from "./dom.js";
import { duration } from "./format.js";
import { roundTimes } from "./trace.js";

/**
 * @typedef {import("./exploration-types.js").Arrival} Arrival
 * @typedef {import("./exploration-types.js").Side} Side
 */

/** So long takes the whole recording. */
const PLAY_MS = 9000;
/** So long rests each access where nothing may move. */
const STEP_MS = 1500;
const LANES = /** @type {const} */ (["main", "hard", "soft"]);
const ROLES = { main: "main", hard: "interrupt", soft: "scheduler" };
const PITCH = 40;
const TOP = 18;
const NAMES_WIDTH = 96;
const LEAST_PX = 3;
const PATTERN_PX = 8;
/** Room that the number of an access takes. */
const NUMBER_PX = 14;
/** The recording is shown to a little after the last thing that happened. */
const REST = 1.06;

export class ArrivalMotion {
  /** @type {Arrival | null} */
  #arrival = null;
  /** Where the line stands; `null` before it has been played. @type {number | null} */
  #ns = null;
  /** What is to be called off when the playback pauses. @type {(() => void) | null} */
  #stop = null;
  #line = draw("line", { class: "playhead" });

  /**
   * @param {HTMLElement} panel
   * @param {(done: number) => void} follow hears how many accesses have happened, -1 for all
   */
  constructor(panel, follow) {
    this.panel = panel;
    this.follow = follow;
    this.chart = one(panel, "[data-motion-chart]", HTMLElement);
    this.words = one(panel, "[data-motion-words]", HTMLElement);
    this.playButton = one(panel, "[data-motion-play]", HTMLButtonElement);
    this.playButton.addEventListener("click", () => { if (this.#stop === null) this.play(); else this.pause(); });
    one(panel, "[data-motion-back]", HTMLButtonElement).addEventListener("click", () => this.#step(-1));
    one(panel, "[data-motion-on]", HTMLButtonElement).addEventListener("click", () => this.#step(1));
    let width = 0;
    new ResizeObserver(() => {
      if (this.chart.clientWidth === width) return;
      width = this.chart.clientWidth;
      this.#paint();
    }).observe(this.chart);
  }

  /** @param {Arrival} arrival */
  show(arrival) {
    this.pause();
    this.#arrival = arrival;
    this.#ns = null;
    setText(this.words, "");
    this.#paint();
  }

  play() {
    const arrival = this.#arrival;
    if (arrival === null) return;
    const end = ends(arrival);
    const from = this.#ns === null || this.#ns >= end ? 0 : this.#ns;
    this.#moveTo(from);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      const timer = setInterval(() => { if (!this.#step(1)) this.pause(); }, STEP_MS);
      this.#stop = () => clearInterval(timer);
    } else {
      const began = performance.now();
      let frame = requestAnimationFrame(function next() { advance(); frame = requestAnimationFrame(next); });
      const advance = () => {
        const ns = from + ((performance.now() - began) / PLAY_MS) * end;
        this.#moveTo(Math.min(ns, end));
        if (ns >= end) this.pause();
      };
      this.#stop = () => cancelAnimationFrame(frame);
    }
    this.#showButton(true);
  }

  pause() {
    this.#stop?.();
    this.#stop = null;
    this.#showButton(false);
  }

  /** @param {boolean} playing */
  #showButton(playing) {
    this.playButton.setAttribute("aria-pressed", String(playing));
    this.playButton.querySelector(".icon")?.replaceWith(icon(playing ? "pause" : "play"));
    setText(one(this.playButton, "[data-words]", HTMLElement), playing ? text("explore.pause") : text("explore.play"));
  }

  /**
   * To the next access or the one before.
   * @param {1 | -1} direction
   * @returns {boolean} whether there was one
   */
  #step(direction) {
    const arrival = this.#arrival;
    if (arrival === null) return false;
    const here = this.#ns ?? (direction > 0 ? -1 : ends(arrival));
    const times = arrival.steps.map(({ ns }) => ns ?? 0);
    const there = direction > 0 ? times.find((ns) => ns > here) : times.findLast((ns) => ns < here);
    if (there === undefined) return false;
    this.#moveTo(there);
    return true;
  }

  /** @param {number} ns */
  #moveTo(ns) {
    const arrival = this.#arrival;
    if (arrival === null) return;
    this.#ns = ns;
    const done = arrival.steps.filter((step) => (step.ns ?? 0) <= ns);
    this.follow(done.length);
    const last = done.at(-1);
    setText(this.words, last === undefined ? "" : `${done.length}. ${stepWords(last)}`);
    this.#placeLine();
  }

  #placeLine() {
    this.#line.toggleAttribute("hidden", this.#ns === null);
    const x = String(this.#x(this.#ns ?? 0));
    this.#line.setAttribute("x1", x);
    this.#line.setAttribute("x2", x);
  }

  /** @param {number} ns */
  #x(ns) {
    const width = Math.max(240, this.chart.clientWidth) - NAMES_WIDTH - 8;
    return NAMES_WIDTH + (ns / (this.#arrival === null ? 1 : ends(this.#arrival))) * width;
  }

  #paint() {
    const arrival = this.#arrival;
    if (arrival === null || this.chart.clientWidth === 0) return;
    const end = ends(arrival);
    const lanes = LANES.filter((lane) => lane !== "soft" || arrival.callbacks.some(({ side }) => laneOf(side) === "soft"));
    const floor = TOP + lanes.length * PITCH;
    const svg = draw("svg", { class: "chart motion-chart", height: floor + 24, role: "img", "aria-label": `${text("explore.motion_label")}: ${arrival.steps.map(stepWords).join("; ")}` });
    /** @param {Side} side */
    const middle = (side) => TOP + lanes.indexOf(laneOf(side)) * PITCH + PITCH / 2;
    for (const ns of roundTimes(0, end, 6)) {
      svg.append(draw("line", { class: "grid", x1: this.#x(ns), x2: this.#x(ns), y1: TOP, y2: floor }), draw("text", { class: "middle", x: this.#x(ns), y: floor + 18 }, duration(ns / 1000)));
    }
    for (const lane of lanes) svg.append(draw("text", { class: "label", x: 0, y: middle(lane) + 4 }, lane === "main" ? sideName("main") : text(lane === "hard" ? "live.lane_interrupt" : "live.lane_scheduler")));
    /** @param {Side} side @param {number} from @param {number} to */
    const bar = (side, from, to) => svg.append(draw("rect", {
      class: `${this.#x(to) - this.#x(from) >= PATTERN_PX ? "role" : "solid"}-${ROLES[laneOf(side)]}`,
      x: this.#x(from), y: middle(side) - 11, width: Math.max(LEAST_PX, this.#x(to) - this.#x(from)), height: 22, rx: 2 }));
    let from = 0;
    let interrupted = 0;
    for (const { side, entered_ns, returned_ns } of arrival.callbacks) {
      if (entered_ns === undefined || entered_ns === null) continue;
      bar("main", from, entered_ns);
      from = returned_ns ?? end;
      bar(side, entered_ns, from);
      // From the interrupt that queued it to the callback.
      if (laneOf(side) === "soft") svg.append(draw("line", { class: "link", x1: this.#x(interrupted), x2: this.#x(entered_ns), y1: middle("hard"), y2: middle(side) }));
      interrupted = from;
    }
    if (from < end) bar("main", from, end);
    /** Where the last number of each lane stands. @type {Partial<Record<Side, number>>} */
    const numbered = {};
    arrival.steps.forEach(({ side, ns, does }, index) => {
      const [x, y] = [this.#x(ns ?? 0), middle(side)];
      svg.append(draw("circle", { class: does === "writes" ? "access writes" : "access", cx: x, cy: y, r: 4 }));
      // Accesses close together: the numbers between can be counted.
      if (x - (numbered[side] ?? -Infinity) < NUMBER_PX) return;
      numbered[side] = x;
      svg.append(draw("text", { class: "middle halo strong", x, y: y - 14 }, String(index + 1)));
    });
    this.#line.setAttribute("y1", String(TOP - 8));
    this.#line.setAttribute("y2", String(floor));
    svg.append(this.#line);
    this.chart.replaceChildren(svg);
    this.#placeLine();
  }
}

/** A scheduled function runs in the scheduler's lane, like a soft callback. @param {Side} side */
function laneOf(side) {
  return side === "scheduled" ? "soft" : side;
}

/** Where the recording ends, in nanoseconds from the window's begin. @param {Arrival} arrival */
function ends({ steps, callbacks }) {
  const times = [...steps.map(({ ns }) => ns ?? 0), ...callbacks.flatMap(({ entered_ns, returned_ns }) => [entered_ns ?? 0, returned_ns ?? 0])];
  return Math.max(100, ...times) * REST;
}
