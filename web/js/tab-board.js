/**
 * The board in this tab, as the page has it: a worker, the commands that wait for its answers, and who listens.
 * @module
 */

/**
 * @typedef {import("./transport.js").Reply} Reply
 * @typedef {import("./transport.js").Heard} Heard
 * @typedef {{ postMessage: (message: any) => void, addEventListener: (name: "message", listener: (event: { data: any }) => void) => void }} Port
 * @typedef {{ stage: (name: string) => void, broken: (cause: string) => void, record: (outcome: any) => void }} Hooks
 */

/** The answer to whoever asks a board that is gone or has not come yet. */
const CONFLICT = 409;

export class TabBoard {
  #ticket = 0;
  /** @type {Map<number, (reply: Reply) => void>} */
  #waiting = new Map();
  /** @type {{ topics: Set<string>, heard: Heard }[]} */
  #listeners = [];
  /** The newest event of each kind that describes a state, for who listens later. @type {Map<string, any>} */
  #states = new Map();
  #ready = false;
  /** What the worker cannot take yet. @type {{ ticket: number, path: string, body: object }[]} */
  #early = [];
  #broken = false;

  /**
   * @param {Port} worker
   * @param {import("./tab-load.js").Addresses} addresses
   * @param {Hooks} hooks
   */
  constructor(worker, addresses, hooks) {
    this.worker = worker;
    this.hooks = hooks;
    worker.addEventListener("message", ({ data }) => this.#hear(data));
    worker.postMessage({ addresses });
  }

  /**
   * A command by its path, answered as the server would.
   * @param {string} path
   * @param {object} body
   * @returns {Promise<Reply>}
   */
  send(path, body) {
    if (this.#broken) return Promise.resolve({ ok: false, status: CONFLICT, answer: null });
    this.#ticket += 1;
    const command = { ticket: this.#ticket, path, body };
    if (this.#ready) this.worker.postMessage(command);
    else this.#early.push(command);
    return new Promise((answered) => this.#waiting.set(command.ticket, answered));
  }

  /** Hears these topics, and at once how things are. @param {Set<string>} topics @param {Heard} heard */
  listen(topics, heard) {
    this.#listeners.push({ topics, heard });
    for (const [topic, detail] of this.#states) if (topics.has(topic)) heard(topic, detail);
  }

  /** A page that nobody sees stands still, and catches nothing up. @param {boolean} seen */
  seen(seen) {
    void this.send(seen ? "/tab/wake" : "/tab/sleep", {});
  }

  /** @param {any} message */
  #hear(message) {
    if (message.told) {
      for (const told of message.told) this.#told(told);
    } else if (message.stage) {
      if (message.stage === "ready") {
        this.#ready = true;
        for (const command of this.#early.splice(0)) this.worker.postMessage(command);
      }
      this.hooks.stage(message.stage);
    } else if (message.broken) {
      this.#broken = true;
      for (const answered of this.#waiting.values()) answered({ ok: false, status: CONFLICT, answer: null });
      this.#waiting.clear();
      this.hooks.broken(message.broken);
    }
  }

  /** @param {import("./tab-module.js").Told} told */
  #told(told) {
    if ("ticket" in told) {
      const { ticket, body, error } = told;
      this.#waiting.get(ticket)?.({ ok: !error, status: error ? CONFLICT : 200, answer: error ? { error } : body });
      this.#waiting.delete(ticket);
    } else if (told.name === "record") {
      this.hooks.record(told.data);
    } else {
      if (["board", "run", "sample", "parts"].includes(told.name)) this.#states.set(told.name, told.data);
      for (const { topics, heard } of this.#listeners) if (topics.has(told.name)) heard(told.name, told.data);
    }
  }
}
