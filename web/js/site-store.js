/**
 * A learner's work on a site without a server: in this browser's IndexedDB, one record for each lesson.
 * @module
 */

const DATABASE = "isrlab";
const STORE = "work";
const VERSION = 1;
/** Rows of the outcome table kept for a lesson, as on the server; the oldest give way. */
const OUTCOMES_KEPT = 100;
/** The form of a saved file. */
const FILE_FORM = "isrlab-work-1";

/**
 * @typedef {{ program: string | null, prediction: Record<string, string>, steps: Record<string, boolean>,
 *   outcomes: any[], failures: number, passed: boolean, last_check: { criteria: any[] } | null }} SiteWork
 */

/** @returns {SiteWork} */
export function untouched() {
  return { program: null, prediction: {}, steps: {}, outcomes: [], failures: 0, passed: false, last_check: null };
}

/** Adds a row to a lesson's outcomes and numbers it. @param {SiteWork} work @param {any} outcome @param {number} at_s */
export function withOutcome(work, outcome, at_s) {
  const row = { ...outcome, n: Math.max(0, ...work.outcomes.map(({ n }) => n)) + 1, at: at_s };
  return { row, work: { ...work, outcomes: [...work.outcomes, row].slice(-OUTCOMES_KEPT) } };
}

/** Notes what a check came to. @param {SiteWork} work @param {{ passed: boolean, criteria: any[] }} verdict @returns {SiteWork} */
export function withCheck(work, { passed, criteria }) {
  return { ...work, last_check: { criteria }, failures: work.failures + (passed ? 0 : 1), passed: work.passed || passed };
}

/** All work as a file's text. @param {Map<string, SiteWork>} all */
export function fileText(all) {
  return JSON.stringify({ form: FILE_FORM, lessons: Object.fromEntries(all) }, null, 1);
}

/**
 * The work in a file's text; what is not of this form in it is left out.
 * @param {string} text
 * @returns {Map<string, SiteWork> | null} null: this is no such file
 */
export function fileWork(text) {
  /** @type {any} */
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    return null;
  }
  if (file?.form !== FILE_FORM || typeof file.lessons !== "object" || file.lessons === null) return null;
  const isRecord = (/** @type {any} */ value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const only = (/** @type {any} */ value, /** @type {string} */ type) =>
    Object.fromEntries(Object.entries(isRecord(value) ? value : {}).filter(([, one]) => typeof one === type));
  return new Map(Object.entries(file.lessons).filter(([, work]) => isRecord(work)).map(([slug, work]) => [slug, {
    program: typeof work.program === "string" ? work.program : null,
    prediction: only(work.prediction, "string"),
    steps: only(work.steps, "boolean"),
    outcomes: (Array.isArray(work.outcomes) ? work.outcomes : []).filter((/** @type {any} */ row) => isRecord(row) && isRecord(row.values) && isRecord(row.settings)
      && isRecord(row.answers) && typeof row.n === "number" && row.lesson === slug).slice(-OUTCOMES_KEPT),
    failures: Number.isSafeInteger(work.failures) && work.failures > 0 ? work.failures : 0,
    passed: work.passed === true,
    last_check: Array.isArray(work.last_check?.criteria) ? { criteria: work.last_check.criteria.filter(isRecord) } : null,
  }]));
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class SiteStore {
  /** @type {Promise<IDBDatabase> | null} */
  #opened = null;

  #database() {
    if (this.#opened === null) {
      const request = indexedDB.open(DATABASE, VERSION);
      request.onupgradeneeded = () => { request.result.createObjectStore(STORE); };
      this.#opened = settled(request);
      this.#opened.catch(() => { this.#opened = null; });
    }
    return this.#opened;
  }

  /** @param {string} slug @returns {Promise<SiteWork>} */
  async work(slug) {
    const store = (await this.#database()).transaction(STORE).objectStore(STORE);
    return await settled(store.get(slug)) ?? untouched();
  }

  /** @returns {Promise<Map<string, SiteWork>>} */
  async all() {
    const store = (await this.#database()).transaction(STORE).objectStore(STORE);
    const [slugs, works] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
    return new Map(slugs.map((slug, at) => [String(slug), works[at]]));
  }

  /**
   * Changes a lesson's work in one step, so that two tabs lose nothing of each other.
   * @template T
   * @param {string} slug
   * @param {(work: SiteWork) => { work: SiteWork, answer: T }} change
   * @returns {Promise<T>} when it is kept
   */
  async change(slug, change) {
    const transaction = (await this.#database()).transaction(STORE, "readwrite");
    const store = transaction.objectStore(STORE);
    return new Promise((resolve, reject) => {
      /** @type {{ work: SiteWork, answer: T } | null} */
      let changed = null;
      const request = store.get(slug);
      request.onsuccess = () => {
        changed = change(request.result ?? untouched());
        store.put(changed.work, slug);
      };
      transaction.oncomplete = () => { if (changed !== null) resolve(changed.answer); };
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  }

  /** Puts this work in the place of what is there of the same lessons. @param {Map<string, SiteWork>} all */
  async take(all) {
    for (const [slug, work] of all) await this.change(slug, () => ({ work, answer: null }));
  }
}
