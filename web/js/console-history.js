/**
 * Lines that were typed at a lesson's console, kept by the browser, to be called back with the arrow keys.
 * @module
 */

/** Lines kept, and the longest one, in characters. */
const KEEP_LINES = 50;
const KEEP_CHARACTERS = 500;

/** @typedef {{ getItem: (key: string) => string | null, setItem: (key: string, value: string) => void }} Keeper */

export class ConsoleHistory {
  /** @type {string[]} */
  #lines;
  /** Where the arrow keys stand; after the last line is the one being typed. */
  #at;
  #typed = "";

  /**
   * @param {string} slug
   * @param {Keeper} keeper
   */
  constructor(slug, keeper) {
    this.key = `isrlab.console.${slug}`;
    this.keeper = keeper;
    this.#lines = this.#recall();
    this.#at = this.#lines.length;
  }

  /** A line was sent. @param {string} line */
  add(line) {
    if (line.trim() !== "" && line.length <= KEEP_CHARACTERS && line !== this.#lines.at(-1)) {
      this.#lines = [...this.#lines, line].slice(-KEEP_LINES);
      try {
        this.keeper.setItem(this.key, JSON.stringify(this.#lines));
      } catch {
        // A browser may refuse to keep anything; the lines last as long as the page.
      }
    }
    this.#at = this.#lines.length;
  }

  /**
   * The line before or after the one shown; `null` where there is none.
   * @param {-1 | 1} direction
   * @param {string} shown
   */
  step(direction, shown) {
    if (this.#at === this.#lines.length) this.#typed = shown;
    const there = this.#at + direction;
    if (there < 0 || there > this.#lines.length) return null;
    this.#at = there;
    return this.#lines[there] ?? this.#typed;
  }

  /** @returns {string[]} */
  #recall() {
    try {
      const kept = JSON.parse(this.keeper.getItem(this.key) ?? "[]");
      return Array.isArray(kept) ? kept.filter((line) => typeof line === "string").slice(-KEEP_LINES) : [];
    } catch {
      // Nothing kept, or something else in its place.
      return [];
    }
  }
}
