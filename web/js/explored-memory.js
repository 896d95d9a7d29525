/**
 * What a strip of the explorer shows outlives a reload of its tab: the report, the question it answers, and where the
 * cursor stands.
 * @module
 */

/** A longer report is explored again; the browser keeps a few megabytes for the whole site. */
const KEEP_CHARACTERS = 600_000;

/** @typedef {{ report: import("./exploration-types.js").Report, question: import("./exploration-types.js").Question, at: number }} Explored */

export class ExploredMemory {
  /**
   * @param {string} slug
   * @param {string} lane
   * @param {() => Explored | null} now
   */
  constructor(slug, lane, now) {
    this.key = `explored ${lane} of ${slug}`;
    addEventListener("pagehide", () => {
      const found = now();
      if (found !== null) this.#keep(found);
    });
  }

  /** @param {Explored} found */
  #keep({ report, question, at }) {
    try {
      const words = JSON.stringify({ report, question, at });
      if (words.length <= KEEP_CHARACTERS) sessionStorage.setItem(this.key, words);
    } catch {
      // No storage: it lasts as long as the page.
    }
  }

  /** @returns {Explored | null} */
  recall() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "null");
      return kept !== null && Array.isArray(kept.report?.intervals) && kept.question?.settings ? kept : null;
    } catch {
      return null;
    }
  }
}
