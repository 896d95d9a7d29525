/**
 * Checks and explorations in this tab, as the page has them: a second worker, made when it is first needed, so that the
 * live board goes on beside them. A job is given up by ending the worker; what else waited begins anew in the next one.
 * @module
 */

/**
 * @typedef {import("./transport.js").Reply} Reply
 * @typedef {import("./transport.js").Heard} Heard
 * @typedef {"check" | "explore" | "explore/at"} Kind
 * @typedef {{ postMessage: (message: any) => void, terminate: () => void,
 *   addEventListener: (name: "message" | "error", listener: (event: any) => void) => void }} JobWorker
 * @typedef {{ kind: Kind, path: string, body: object, answered: (reply: Reply) => void }} Job
 * @typedef {{ code: string, message: string, hint: string }} Refusal
 * @typedef {{ refusal: (code: "check-given-up" | "explore-given-up" | "tab-broken") => Refusal, checked: (path: string, body: any, verdict: any) => void }} JobHooks
 *   what is said of a job without a result, and who hears of verdicts
 */

/** The status with which the server answers what was given up. */
const CONFLICT = 409;
const DONE = { ok: true, status: 200, answer: { done: true } };

export class TabJobs {
  #ticket = 0;
  /** @type {JobWorker | null} */
  #worker = null;
  /** What has no answer yet, in order. @type {Map<number, Job>} */
  #pending = new Map();
  /** @type {{ topics: Set<string>, heard: Heard }[]} */
  #listeners = [];

  /**
   * @param {() => JobWorker} start
   * @param {import("./tab-load.js").Addresses} addresses
   * @param {JobHooks} hooks
   */
  constructor(start, addresses, hooks) {
    this.start = start;
    this.addresses = addresses;
    this.hooks = hooks;
  }

  /**
   * A job by the path of the server's route, answered as the server would. Of checks and explorations only the newest
   * counts, as on the server.
   * @param {string} path
   * @param {object} body
   * @returns {Promise<Reply>}
   */
  send(path, body) {
    if (path.endsWith("/explore/cancel")) {
      this.#giveUp("explore");
      return Promise.resolve(DONE);
    }
    const kind = /** @type {Kind} */ (path.split("/").slice(4).join("/"));
    if (kind !== "explore/at") this.#giveUp(kind);
    this.#ticket += 1;
    const ticket = this.#ticket;
    return new Promise((answered) => {
      this.#pending.set(ticket, { kind, path, body, answered });
      if (this.#worker === null) this.#begin();
      else this.#worker.postMessage({ ticket, path, body });
    });
  }

  /** Hears of the progress. @param {Set<string>} topics @param {Heard} heard */
  listen(topics, heard) {
    this.#listeners.push({ topics, heard });
  }

  /** Starts a worker with everything that waits. */
  #begin() {
    const worker = this.start();
    this.#worker = worker;
    worker.addEventListener("message", ({ data }) => { if (this.#worker === worker) this.#hear(data); });
    worker.addEventListener("error", (event) => { if (this.#worker === worker) this.#fail(event.message); });
    worker.postMessage({ addresses: this.addresses });
    for (const [ticket, { path, body }] of this.#pending) worker.postMessage({ ticket, path, body });
  }

  #end() {
    this.#worker?.terminate();
    this.#worker = null;
  }

  /** @param {"check" | "explore"} kind */
  #giveUp(kind) {
    const given = [...this.#pending].filter(([, job]) => job.kind === kind);
    if (given.length === 0) return;
    this.#end();
    for (const [ticket] of given) this.#answer(ticket, { ok: false, status: CONFLICT, answer: { error: this.hooks.refusal(`${kind}-given-up`) } });
    if (this.#pending.size > 0) this.#begin();
  }

  /** The worker is of no more use: what waited is refused, and the next job gets another one. @param {string} cause */
  #fail(cause) {
    console.error(cause);
    this.#end();
    for (const ticket of [...this.#pending.keys()]) this.#answer(ticket, { ok: false, status: CONFLICT, answer: { error: this.hooks.refusal("tab-broken") } });
  }

  /** @param {number} ticket @param {Reply} reply */
  #answer(ticket, reply) {
    this.#pending.get(ticket)?.answered(reply);
    this.#pending.delete(ticket);
  }

  /** @param {{ broken: string } | { ticket: number, body?: any, error?: Refusal } | { name: string, data: any }} told */
  #hear(told) {
    if ("broken" in told) {
      this.#fail(told.broken);
    } else if ("ticket" in told) {
      const { ticket, body, error } = told;
      const job = this.#pending.get(ticket);
      if (job?.kind === "check" && !error) this.hooks.checked(job.path, job.body, body);
      this.#answer(ticket, error ? { ok: false, status: CONFLICT, answer: { error } } : { ok: true, status: 200, answer: body });
    } else {
      for (const { topics, heard } of this.#listeners) if (topics.has(told.name)) heard(told.name, told.data);
    }
  }
}
