/**
 * Keeps what the visitor wrote and did on the server, a moment after it changed.
 * @module
 */
import { Trouble, put } from "./api.js";
import { leave } from "./transport.js";

/** Typing rests this long before it is saved. */
const REST_MS = 600;
/** It is saved at most this often: a class of hundreds types at the same time. */
const PERIOD_MS = 2000;
/** After a failure it is tried again. */
const AGAIN_MS = 4000;

export class Work {
  #timer = 0;
  #version = 0;
  #sent = -PERIOD_MS;

  /**
   * @param {string} slug
   * @param {() => { program: string, prediction: Record<string, string>, steps: Record<string, boolean> }} now
   * @param {(state: "saving" | "saved" | "failed") => void} say
   * @param {boolean} keeps whether anything is saved: somebody else's work that is only looked at is not
   */
  constructor(slug, now, say, keeps = true) {
    this.path = `/api/lessons/${slug}/work`;
    this.now = now;
    this.say = say;
    this.keeps = keeps;
    // Leaving the page: the request outlives it.
    addEventListener("pagehide", () => {
      if (this.#timer === 0) return;
      leave(this.path, this.now());
    });
  }

  /** Something changed. */
  changed() {
    if (!this.keeps) return;
    this.#version += 1;
    this.say("saving");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), Math.max(REST_MS, this.#sent + PERIOD_MS - performance.now()));
  }

  /** Saves now what has not been saved. */
  async save() {
    if (!this.keeps) return;
    clearTimeout(this.#timer);
    this.#sent = performance.now();
    const version = this.#version;
    try {
      await put(this.path, this.now());
      if (version !== this.#version) return;
      this.#timer = 0;
      this.say("saved");
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.say("failed");
      // A class that has ended takes nothing any more, however often it is asked.
      if (error.code === "class-ended") {
        this.#timer = 0;
        return;
      }
      this.#timer = setTimeout(() => this.save(), AGAIN_MS);
    }
  }
}
