/**
 * The board's WebAssembly module: its few functions, with bytes and JSON in the place of addresses.
 * What they do, and who owns the memory between them, stands in `crates/tab/src/border.rs`.
 * @module
 */

/** What the module refuses, in the learner's language; `code` is stable, `cause` is for the browser's console. */
export class TabRefusal extends Error {
  /** @param {{ error: { code: string, message: string, hint: string }, cause: string }} answer */
  constructor({ error, cause }) {
    super(error.message);
    this.name = "TabRefusal";
    this.code = error.code;
    this.hint = error.hint;
    this.cause = cause;
  }
}

/** The module came to a state that its own checks call impossible. It is of no more use. */
export class TabBroken extends Error {
  /** @param {string} said @param {unknown} cause */
  constructor(said, cause) {
    super(said || String(cause));
    this.name = "TabBroken";
    this.cause = cause;
  }
}

/** Custom sections: in the board's module, the module of traces (`xtask/src/tab.rs`), and in that one what it says of them. */
const TRACES = "traces";
const TRACES_TABLE = "table";

/** The least speed of a clock: one that stands still, for calls that take no time. */
const NO_TIME = 0;

/**
 * @typedef {{ memory: WebAssembly.Memory, tab_room: (bytes: number) => number, tab_answer_at: () => number,
 *   tab_answer_bytes: () => number } & Record<string, (now_ms: number) => number>} Exports
 * @typedef {{ name: string, data: any } | { ticket: number, body?: any, error?: { code: string, message: string, hint: string } }} Told
 * @typedef {{ told: Told[], due_ms: number | null }} Step
 */

export class TabModule {
  /** @type {Exports} */
  #exports;

  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    this.#exports = /** @type {any} */ (instance.exports);
  }

  /**
   * Starts a compiled module. It imports one function, which hears of progress while a job goes on.
   * @param {WebAssembly.Module} module
   * @param {(event: { name: string, data: any }) => void} [heard]
   */
  static async start(module, heard = () => {}) {
    const tab = await TabModule.startWithoutTraces(module, heard);
    const [traces] = WebAssembly.Module.customSections(module, TRACES);
    try {
      if (traces !== undefined) await tab.#useTraces(await WebAssembly.compile(traces));
    } catch (error) {
      // Boards are slower without, and the same.
      console.warn(error);
    }
    return tab;
  }

  /**
   * The same, but boards interpret all that they run.
   * @param {WebAssembly.Module} module
   * @param {(event: { name: string, data: any }) => void} [heard]
   */
  static async startWithoutTraces(module, heard = () => {}) {
    /** @type {WebAssembly.Instance} */
    const instance = await WebAssembly.instantiate(module, {
      tab: { tab_hear: (/** @type {number} */ at, /** @type {number} */ bytes) => heard(JSON.parse(textAt(instance.exports.memory, at, bytes))) },
    });
    return new TabModule(instance);
  }

  /**
   * Gives boards the traces of a module: it works on this module's memory, and this one calls it through its own table.
   * @param {WebAssembly.Module} module
   */
  async #useTraces(module) {
    const { memory, isrlab_help, __indirect_function_table: functions } = /** @type {any} */ (this.#exports);
    const { exports } = await WebAssembly.instantiate(module, { tab: { memory, isrlab_help } });
    const run = functions.grow(1);
    functions.set(run, exports.run);
    this.#call("tab_use_traces", new Uint8Array(WebAssembly.Module.customSections(module, TRACES_TABLE)[0]), run);
  }

  /** How much memory the module has. */
  get memoryBytes() {
    return this.#exports.memory.buffer.byteLength;
  }

  /** @param {string} tag such as `ja` */
  chooseLanguage(tag) {
    this.#call("tab_choose_language", bytesOf(tag));
  }

  /** @param {Record<string, string>} files the text of every file of the lessons by its path */
  loadLessons(files) {
    this.#call("tab_load_lessons", bytesOf(JSON.stringify(files)));
  }

  /** Loads the firmware's symbols, which explorations need; before the board is booted. @param {Uint8Array} elf */
  loadSymbols(elf) {
    this.#call("tab_load_symbols", elf);
  }

  /** Boots a board with this flash. @param {Uint8Array} flash */
  boot(flash) {
    this.#call("tab_boot", flash);
  }

  /**
   * One run as fast as it goes.
   * @param {object} asked
   * @returns {string} what `isrlab run --json` prints
   */
  headlessRun(asked) {
    return this.#call("tab_headless_run", bytesOf(JSON.stringify(asked)));
  }

  /**
   * Hashes of the board's state at some times after a run was begun, for tests.
   * @param {{ run: object, times_us: number[] }} asked
   * @returns {string[]}
   */
  stateHashes(asked) {
    return JSON.parse(this.#call("tab_state_hashes", bytesOf(JSON.stringify(asked))));
  }

  /**
   * A check or an exploration, from its beginning to its end.
   * @param {{ path: string, body: object }} asked the path and body of the server's route
   * @returns {string} what the server would answer
   */
  job(asked) {
    return this.#call("tab_job", bytesOf(JSON.stringify(asked)));
  }

  /**
   * @param {number} now_ms
   * @param {{ ticket: number, path: string, body: object }} command
   * @returns {Step}
   */
  command(now_ms, command) {
    return JSON.parse(this.#call("tab_command", bytesOf(JSON.stringify(command)), now_ms));
  }

  /** @param {number} now_ms @returns {Step} */
  step(now_ms) {
    return JSON.parse(this.#call("tab_step", new Uint8Array(0), now_ms));
  }

  /**
   * @param {string} name
   * @param {Uint8Array} bytes
   */
  #call(name, bytes, argument = NO_TIME) {
    const { memory, tab_room } = this.#exports;
    let refused;
    try {
      const at = tab_room(bytes.length);
      new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
      refused = this.#exports[name](argument);
    } catch (cause) {
      throw new TabBroken(this.#answer(), cause);
    }
    const answer = this.#answer();
    if (refused) throw new TabRefusal(JSON.parse(answer));
    return answer;
  }

  #answer() {
    const { memory, tab_answer_at, tab_answer_bytes } = this.#exports;
    return textAt(memory, tab_answer_at(), tab_answer_bytes());
  }
}

/** @param {any} memory @param {number} at @param {number} bytes */
function textAt(memory, at, bytes) {
  return new TextDecoder().decode(new Uint8Array(memory.buffer, at, bytes));
}

/** @param {string} text */
function bytesOf(text) {
  return new TextEncoder().encode(text);
}
