/**
 * Keeps what the visitor wrote and did on the server, a moment after it changed.
 * @module
 */
import { Trouble, put } from "./api.js";

/** Typing rests this long before it is saved. */
const REST_MS = 600;
/** After a failure it is tried again. */
const AGAIN_MS = 4000;

export class Work {
  #timer = 0;
  #version = 0;

  /**
   * @param {string} slug
   * @param {() => { program: string, prediction: Record<string, string>, steps: Record<string, boolean> }} now
   * @param {(state: "saving" | "saved" | "failed") => void} say
   */
  constructor(slug, now, say) {
    this.path = `/api/lessons/${slug}/work`;
    this.now = now;
    this.say = say;
    // Leaving the page: the request outlives it.
    addEventListener("pagehide", () => {
      if (this.#timer === 0) return;
      fetch(this.path, { method: "PUT", keepalive: true, headers: { "content-type": "application/json" }, body: JSON.stringify(this.now()) });
    });
  }

  /** Something changed. */
  changed() {
    this.#version += 1;
    this.say("saving");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), REST_MS);
  }

  /** Saves now what has not been saved. */
  async save() {
    clearTimeout(this.#timer);
    const version = this.#version;
    try {
      await put(this.path, this.now());
      if (version !== this.#version) return;
      this.#timer = 0;
      this.say("saved");
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.say("failed");
      this.#timer = setTimeout(() => this.save(), AGAIN_MS);
    }
  }
}
