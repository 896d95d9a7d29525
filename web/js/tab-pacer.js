/**
 * Paces the live board of a tab: steps it when it is due, ahead of time and never spinning, and lets it sleep where
 * nobody sees it. The module counts; when, is decided here.
 * @module
 */

/** The most time that the board takes at once, so that commands are heard soon. */
const BURST_MS = 12;

/**
 * @typedef {import("./tab-module.js").Step} Step
 * @typedef {{ step: (now_ms: number) => Step, command: (now_ms: number, command: { ticket: number, path: string, body: object }) => Step }} Bench
 * @typedef {{ now: () => number, later: (due: () => void, ms: number) => number, cancel: (id: number) => void, soon: (due: () => void) => void }} Clock
 *   `soon` calls back after whatever else waits, without the 4 ms that nested timers are held back for
 */

export class TabPacer {
  /** @type {number | null} */
  #timer = null;
  #awaited = false;
  #ended = false;

  /**
   * @param {Bench} bench
   * @param {Clock} clock
   * @param {(told: Step["told"]) => void} tell
   */
  constructor(bench, clock, tell) {
    this.bench = bench;
    this.clock = clock;
    this.tell = tell;
  }

  /** Lets the board run until it waits for something. */
  start() {
    this.#burst();
  }

  /** Hands a command over; what comes of it is told. @param {number} ticket @param {string} path @param {object} body */
  command(ticket, path, body) {
    this.#follow(this.bench.command(this.clock.now(), { ticket, path, body }));
  }

  /** Nothing is stepped any more. */
  end() {
    this.#ended = true;
    this.#drop();
  }

  #burst() {
    if (this.#ended) return;
    const begun = this.clock.now();
    let step = this.bench.step(begun);
    while (step.told.length === 0 && step.due_ms !== null && step.due_ms <= this.clock.now() && this.clock.now() - begun < BURST_MS) {
      step = this.bench.step(this.clock.now());
    }
    this.#follow(step);
  }

  /** @param {Step} step */
  #follow(step) {
    if (step.told.length > 0) this.tell(step.told);
    this.#drop();
    if (step.due_ms === null || this.#ended) return;
    const wait = step.due_ms - this.clock.now();
    if (wait > 0) {
      this.#timer = this.clock.later(() => { this.#timer = null; this.#burst(); }, wait);
    } else if (!this.#awaited) {
      this.#awaited = true;
      this.clock.soon(() => { this.#awaited = false; this.#burst(); });
    }
  }

  #drop() {
    if (this.#timer !== null) this.clock.cancel(this.#timer);
    this.#timer = null;
  }
}
