/**
 * What a bench shows of its board's news: only those of its own lesson. A board goes on while its visitor turns pages, and
 * another lesson's run, numbers or text must never look like this one's.
 * @module
 */

export class OwnLesson {
  /** The run of another lesson that was heard of last. @type {number | null} */
  #foreign = null;

  /**
   * @param {string} slug
   * @param {(run: import("./types.js").Run | null) => void} elsewhere hears of a run of another lesson, `null` when it is over
   */
  constructor(slug, elsewhere) {
    this.slug = slug;
    this.elsewhere = elsewhere;
  }

  /**
   * Whether this page shows it.
   * @param {string} topic
   * @param {any} detail
   */
  shows(topic, detail) {
    switch (topic) {
      case "run": return this.#run(detail);
      case "sample":
      case "event": return detail.run === undefined || detail.run !== this.#foreign;
      case "console":
      case "mistake": return (detail.lesson ?? this.slug) === this.slug;
      default: return true;
    }
  }

  /** @param {import("./types.js").Run} run */
  #run(run) {
    if ((run.lesson ?? this.slug) === this.slug) {
      if (this.#foreign !== null) this.elsewhere(null);
      this.#foreign = null;
      return true;
    }
    this.#foreign = run.id;
    this.elsewhere(run.state === "ended" ? null : run);
    return false;
  }
}
