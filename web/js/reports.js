/**
 * What a tab tells the server of its own board and checks: one after the other, each until the server has taken it or
 * refused it. While the server is away they wait; the oldest give way.
 * @module
 */
import { Trouble, post } from "./api.js";

/** After an attempt without any answer, it is tried again. */
const AGAIN_MS = 4000;
/** So many reports wait at most: as many rows as the server keeps of a lesson. */
const MOST_WAITING = 100;
const AWAY = "E-SERVER-AWAY";

/** @typedef {{ path: string, body: object, taken: (answer: any) => void }} Report */

export class Reports {
  /** @type {Report[]} */
  #waiting = [];
  #busy = false;

  /**
   * @param {(trouble: Trouble | null) => void} say null: what was said last is over
   * @param {{ post: typeof post, later: (due: () => void, ms: number) => void }} outside
   */
  constructor(say, outside = { post, later: (due, ms) => { setTimeout(due, ms); } }) {
    this.say = say;
    this.outside = outside;
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {(answer: any) => void} [taken]
   */
  send(path, body, taken = () => {}) {
    this.#waiting.push({ path, body, taken });
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    if (!this.#busy) void this.#work();
  }

  async #work() {
    this.#busy = true;
    let away = false;
    for (let report = this.#waiting.shift(); report !== undefined; report = this.#waiting.shift()) {
      try {
        report.taken(await this.outside.post(report.path, report.body));
        if (away) this.say(null);
        away = false;
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        if (!away) this.say(error);
        if (error.code !== AWAY) continue;
        away = true;
        this.#waiting.unshift(report);
        await new Promise((due) => this.outside.later(() => due(null), AGAIN_MS));
      }
    }
    this.#busy = false;
  }
}
