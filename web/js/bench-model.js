/**
 * What is known of the run on this bench: the newest sample, what it was set to, when it changed.
 * Nothing here is computed that a frame of the board did not say.
 * @module
 */
import { valueOf } from "./measured.js";

/** A trace that a trigger has caught is an event of this kind. */
const TRACE = "trace";

/** Numbers on the page change at most this often. */
const PAINT_PERIOD_MS = 250;
/** Rates are taken over this much of the run's own time. */
const RATE_WINDOW_US = 1e6;

export class BenchModel {
  /** @type {import("./types.js").Sample | null} */
  sample = null;
  /** @type {import("./types.js").Run | null} */
  run = null;
  /** @type {import("./types.js").Board | null} */
  board = null;
  /** Latency bins, which the board sends only now and then, per source. @type {Map<string, { from: number, bins: number[] }>} */
  bins = new Map();
  /** Histograms of the program, sent now and then. @type {Record<string, number[]>} */
  lists = {};
  /** A run of another lesson that the board carries out now. @type {import("./types.js").Run | null} */
  elsewhere = null;
  /** The last capture of the timeline. @type {import("./types.js").BoardEvent | null} */
  #trace = null;
  /** Whether what is shown was measured before the page was loaded. */
  #restored = false;
  /** Control changes in this run. @type {import("./types.js").Change[]} */
  changes = [];
  /** @type {import("./types.js").Sample[]} */
  #recent = [];
  #painting = 0;
  #lastPaint = 0;

  /**
   * @param {import("./bus.js").Bus} bus
   * @param {import("./types.js").Settings} settings where the controls stand
   * @param {string} slug of the lesson
   */
  constructor(bus, settings, slug) {
    this.bus = bus;
    this.settings = settings;
    this.key = `last run of ${slug}`;
    bus.on("elsewhere", ({ run }) => { this.elsewhere = run; });
    bus.on("event", (event) => { if (event.kind === TRACE && event.run === this.run?.id) this.#trace = event; });
    bus.on("sample", (sample) => this.#take(sample));
    bus.on("run", (run) => this.#follow(run));
    bus.on("board", (board) => this.#meet(board));
    bus.on("change", (change) => { this.changes.push(change); });
  }

  /** Shows the last run of this lesson again, after a reload; call it when every instrument listens. */
  restore() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "null");
      if (kept === null || this.run !== null) return;
      [this.run, this.sample, this.lists] = [kept.run, kept.sample, kept.lists];
      this.bins = new Map(kept.bins);
      this.#restored = true;
      if (kept.trace) this.bus.emit("event", kept.trace);
      this.#paintSoon();
    } catch {
      // No storage, or something else in it.
    }
  }

  #keep() {
    try {
      const { run, sample, lists } = this;
      sessionStorage.setItem(this.key, JSON.stringify({ run, sample, lists, bins: [...this.bins], trace: this.#trace }));
    } catch {
      // No storage: the numbers last as long as the page.
    }
  }

  get running() {
    return this.run !== null && this.run.state !== "ended";
  }

  /** Whether interrupts of the run shown are hard. */
  get hard() {
    return this.sample?.src[0]?.hard ?? this.settings.kind === "hard";
  }

  /**
   * @param {string} name
   * @returns {number | undefined}
   */
  value(name) {
    return this.sample === null ? undefined : valueOf(this.sample, name);
  }

  /**
   * How fast a value grows, per second of the run's own time.
   * @param {string} name
   * @returns {number | undefined}
   */
  perSecond(name) {
    const [first, last] = [this.#recent[0], this.#recent.at(-1)];
    if (!first || !last || last.run_us - first.run_us < RATE_WINDOW_US / 4) return undefined;
    const [before, now] = [valueOf(first, name), valueOf(last, name)];
    if (before === undefined || now === undefined) return undefined;
    return ((now - before) * 1e6) / (last.run_us - first.run_us);
  }

  /** Another board on this bench has run nothing yet. @param {import("./types.js").Board} board */
  #meet(board) {
    if (this.board !== null && this.board.id !== board.id) {
      this.run = null;
      this.#forget();
      this.#paintSoon();
    }
    this.board = board;
  }

  /** @param {import("./types.js").Sample} sample */
  #take(sample) {
    if (this.run !== null && sample.run !== this.run.id) return;
    if (this.sample !== null && sample.run_us < this.sample.run_us) this.#forget();
    this.sample = sample;
    for (const source of sample.src) {
      if (source.lat.bins) this.bins.set(source.id, { from: source.lat.from ?? 0, bins: source.lat.bins });
    }
    if (sample.h) this.lists = { ...this.lists, ...sample.h };
    this.#recent.push(sample);
    while (this.#recent.length > 2 && sample.run_us - this.#recent[1].run_us > RATE_WINDOW_US) this.#recent.shift();
    this.#paintSoon();
  }

  /** @param {import("./types.js").Run} run */
  #follow(run) {
    if (run.id !== this.run?.id || (this.#restored && run.state !== "ended")) this.#forget();
    this.run = run;
    this.#paintSoon(run.state === "ended");
    if (run.state === "ended") this.#keep();
  }

  #forget() {
    this.sample = null;
    this.bins.clear();
    this.lists = {};
    this.changes = [];
    this.#trace = null;
    this.#restored = false;
    this.#recent = [];
  }

  /** @param {boolean} [now] */
  #paintSoon(now = false) {
    if (this.#painting !== 0) {
      if (!now) return;
      clearTimeout(this.#painting);
    }
    const wait = now ? 0 : Math.max(0, this.#lastPaint + PAINT_PERIOD_MS - performance.now());
    this.#painting = setTimeout(() => {
      this.#painting = 0;
      this.#lastPaint = performance.now();
      this.bus.emit("paint", null);
    }, wait);
  }
}
