/**
 * The one way in which components of a page tell each other what happened.
 * @module
 */

/**
 * @typedef {import("./types.js").Sample} Sample
 * @typedef {import("./types.js").BoardEvent} BoardEvent
 *
 * What goes over the bus: the server's events under their own names, and a few of the page's.
 * @typedef {{
 *   sample: Sample,
 *   event: BoardEvent,
 *   console: { text: string, bad_frames: number },
 *   run: import("./types.js").Run,
 *   parts: { name: string, shown: { what: string } & Record<string, any> }[],
 *   board: import("./types.js").Board,
 *   boards: { boards: import("./types.js").ListedBoard[] },
 *   notice: { code: string, message: string, hint: string },
 *   outcome: import("./types.js").Outcome,
 *   check: import("./types.js").CheckProgress,
 *   proof: import("./types.js").Proof,
 *   gap: { missed: number },
 *   link: { open: boolean },
 *   change: import("./types.js").Change,
 *   settings: import("./types.js").Settings,
 *   paint: null,
 *   trouble: import("./api.js").Trouble | null,
 *   explore: import("./types.js").ExploreProgress,
 *   show_arrival: { question: import("./exploration-types.js").Question, at: number },
 *   step: { name: string },
 *   editor: { program: string },
 *   class: import("./class-types.js").ClassState,
 *   grid: import("./class-types.js").GridEvent,
 *   shown: { program: "own" | "lesson" },
 *   explored: { tried: number, failing: number, settings: string },
 *   answered: null,
 *   opened: null,
 *   mistake: import("./types.js").Mistake,
 *   elsewhere: { run: import("./types.js").Run | null },
 * }} Topics
 */

export class Bus {
  /** @type {Map<string, Set<(detail: any) => void>>} */
  #listeners = new Map();

  /**
   * @template {keyof Topics} T
   * @param {T} topic
   * @param {(detail: Topics[T]) => void} listener
   */
  on(topic, listener) {
    const listeners = this.#listeners.get(topic) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(topic, listeners);
  }

  /**
   * @template {keyof Topics} T
   * @param {T} topic
   * @param {Topics[T]} detail
   */
  emit(topic, detail) {
    for (const listener of this.#listeners.get(topic) ?? []) listener(detail);
  }
}
