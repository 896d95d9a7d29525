import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TabBoard } from "./tab-board.js";
import { TabPacer } from "./tab-pacer.js";

/** A clock and a bench that take the time that they are told to. */
class Scene {
  now_ms = 0;
  steps = 0;
  /** @type {{ at: number, due: () => void, id: number }[]} */
  timers = [];
  /** @type {(() => void)[]} */
  soon = [];
  /** @type {any[]} */
  told = [];
  /** How long a step takes, and when the next one is due after its beginning. */
  takes_ms = 1;
  /** @type {number | null} */
  due_after_ms = 10;
  /** @type {any[]} */
  news = [];

  /** @type {import("./tab-pacer.js").Bench} */
  bench = {
    step: (now) => {
      this.steps += 1;
      this.now_ms += this.takes_ms;
      return this.#answer(now);
    },
    command: (now, { ticket }) => {
      this.news.push({ ticket, body: {} });
      return this.#answer(now);
    },
  };

  /** @type {import("./tab-pacer.js").Clock} */
  clock = {
    now: () => this.now_ms,
    later: (due, ms) => {
      const id = this.timers.length + this.steps * 1000 + 1;
      this.timers.push({ at: this.now_ms + ms, due, id });
      return id;
    },
    cancel: (id) => { this.timers = this.timers.filter((timer) => timer.id !== id); },
    soon: (due) => { this.soon.push(due); },
  };

  pacer = new TabPacer(this.bench, this.clock, (told) => { this.told.push(...told); });

  /** @param {number} now */
  #answer(now) {
    return { told: this.news.splice(0), due_ms: this.due_after_ms === null ? null : now + this.due_after_ms };
  }

  /** Does what is due until a time. @param {number} until_ms */
  pass(until_ms) {
    while (this.now_ms < until_ms) {
      const due = this.soon.shift();
      if (due) {
        due();
        continue;
      }
      const next = this.timers.sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > until_ms) break;
      this.timers.shift();
      this.now_ms = Math.max(this.now_ms, next.at);
      next.due();
    }
    this.now_ms = Math.max(this.now_ms, until_ms);
  }
}

describe("the pacer of a board in a tab", () => {
  test("sleeps until a step is due, and steps no more than is due", () => {
    const scene = new Scene();
    scene.pacer.start();
    scene.pass(1000);
    assert.ok(Math.abs(scene.steps - 100) <= 2, `${scene.steps} steps in a second`);
    assert.equal(scene.soon.length, 0);
  });

  test("a board that is behind is given all the time, but lets commands in between", () => {
    const scene = new Scene();
    scene.due_after_ms = 0;
    scene.pacer.start();
    assert.ok(scene.steps >= 5 && scene.steps <= 13, `${scene.steps} steps at once`);
    assert.equal(scene.timers.length, 0);
    assert.equal(scene.soon.length, 1);
    scene.pacer.command(7, "/api/stop", {});
    assert.deepEqual(scene.told, [{ ticket: 7, body: {} }]);
    assert.equal(scene.soon.length, 1, "one continuation is enough");
  });

  test("a board that waits for a command is not stepped, and goes on with it", () => {
    const scene = new Scene();
    scene.due_after_ms = null;
    scene.pacer.start();
    scene.pass(5000);
    assert.equal(scene.steps, 1);
    scene.due_after_ms = 10;
    scene.pacer.command(1, "/tab/wake", {});
    scene.pass(5100);
    assert.ok(scene.steps > 5, `${scene.steps} steps`);
    scene.pacer.end();
    const steps = scene.steps;
    scene.pass(6000);
    assert.equal(scene.steps, steps);
  });
});

describe("the board of a tab, as the page has it", () => {
  /** @param {any[]} sent */
  function board(sent) {
    /** @type {(event: { data: any }) => void} */
    let hear = () => {};
    /** @type {any[]} */
    const hooked = [];
    const port = { postMessage: (/** @type {any} */ message) => { sent.push(message); }, addEventListener: (/** @type {string} */ _, /** @type {typeof hear} */ listener) => { hear = listener; } };
    const hook = (/** @type {string} */ name) => (/** @type {any} */ what) => { hooked.push([name, what]); };
    const addresses = { module: "m", flash: "f", lessons: "l", language: "en" };
    const tab = new TabBoard(port, addresses, { stage: hook("stage"), broken: hook("broken"), record: hook("record") });
    return { tab, hooked, hear: (/** @type {any} */ data) => hear({ data }) };
  }

  test("what is asked before the board is there is asked when it is, and answered as by the server", async () => {
    /** @type {any[]} */
    const sent = [];
    const { tab, hear } = board(sent);
    const reply = tab.send("/api/run", { lesson: "lost-update" });
    assert.equal(sent.length, 1, "only the addresses");
    hear({ stage: "ready" });
    const { ticket } = sent[1];
    hear({ told: [{ ticket, error: { code: "board-busy", message: "m", hint: "h" } }] });
    assert.deepEqual(await reply, { ok: false, status: 409, answer: { error: { code: "board-busy", message: "m", hint: "h" } } });
  });

  test("who listens later hears how things are, and only what they listen to", () => {
    const { tab, hear, hooked } = board([]);
    hear({ told: [{ name: "board", data: { state: "ready" } }, { name: "console", data: { text: ">>> " } }] });
    /** @type {any[]} */
    const heard = [];
    tab.listen(new Set(["board", "run"]), (topic, detail) => { heard.push([topic, detail]); });
    hear({ told: [{ name: "console", data: {} }, { name: "run", data: { id: 1000 } }, { name: "record", data: { lesson: "x" } }] });
    assert.deepEqual(heard, [["board", { state: "ready" }], ["run", { id: 1000 }]]);
    assert.deepEqual(hooked, [["record", { lesson: "x" }]]);
  });

  test("nobody waits for ever for a board that broke", async () => {
    const { tab, hear, hooked } = board([]);
    const reply = tab.send("/api/stop", {});
    hear({ broken: "RuntimeError" });
    assert.equal((await reply).ok, false);
    assert.equal((await tab.send("/api/run", {})).ok, false);
    assert.deepEqual(hooked, [["broken", "RuntimeError"]]);
  });
});
