import assert from "node:assert/strict";
import { test } from "node:test";
import { TabJobs } from "./tab-jobs.js";

/** Workers that do nothing but note what they are sent. */
function made() {
  /** @type {{ sent: any[], ended: boolean, tell: (data: any) => void, fail: (message: string) => void }[]} */
  const workers = [];
  const start = () => {
    /** @type {Record<string, (event: any) => void>} */
    const listeners = {};
    const worker = { sent: /** @type {any[]} */ ([]), ended: false, tell: (/** @type {any} */ data) => listeners.message({ data }), fail: (/** @type {string} */ message) => listeners.error({ message }) };
    workers.push(worker);
    return {
      postMessage: (/** @type {any} */ message) => { worker.sent.push(message); },
      terminate: () => { worker.ended = true; },
      addEventListener: (/** @type {string} */ name, /** @type {(event: any) => void} */ listener) => { listeners[name] = listener; },
    };
  };
  const addresses = { module: "m", flash: "f", lessons: "l", language: "en" };
  /** @type {any[]} */
  const checked = [];
  const hooks = { refusal: (/** @type {string} */ code) => ({ code, message: "", hint: "" }), checked: (/** @type {any[]} */ ...told) => { checked.push(told); } };
  return { workers, checked, jobs: new TabJobs(start, addresses, hooks) };
}

const CHECK = "/api/lessons/torn-read/check";
const EXPLORE = "/api/lessons/torn-read/explore";

test("no worker is made before a job needs it, and its answer comes back", async () => {
  const { workers, checked, jobs } = made();
  assert.equal(workers.length, 0);
  const answer = jobs.send(CHECK, { program: "1" });
  assert.deepEqual(workers[0].sent[1], { ticket: 1, path: CHECK, body: { program: "1" } });
  workers[0].tell({ ticket: 1, body: { passed: true } });
  assert.deepEqual(await answer, { ok: true, status: 200, answer: { passed: true } });
  assert.deepEqual(checked, [[CHECK, { program: "1" }, { passed: true }]]);
  const refused = jobs.send(EXPLORE, {});
  workers[0].tell({ ticket: 2, error: { code: "explore-no-window", message: "", hint: "" } });
  assert.equal((await refused).answer.error.code, "explore-no-window");
});

test("cancelling ends the worker, and what else waited begins anew in another one", async () => {
  const { workers, jobs } = made();
  const [exploring, checking] = [jobs.send(EXPLORE, {}), jobs.send(CHECK, {})];
  assert.ok((await jobs.send(`${EXPLORE}/cancel`, {})).ok);
  assert.equal((await exploring).answer.error.code, "explore-given-up");
  assert.ok(workers[0].ended);
  assert.deepEqual(workers[1].sent.slice(1), [{ ticket: 2, path: CHECK, body: {} }]);
  workers[0].tell({ ticket: 2, body: "of a worker that has ended" });
  workers[1].tell({ ticket: 2, body: "new" });
  assert.equal((await checking).answer, "new");
});

test("a newer exploration takes the place of an older one; single arrivals wait", async () => {
  const { workers, jobs } = made();
  const [first, , second] = [jobs.send(EXPLORE, {}), jobs.send(`${EXPLORE}/at`, { at: 1 }), jobs.send(EXPLORE, { seed: 2 })];
  assert.equal((await first).answer.error.code, "explore-given-up");
  assert.deepEqual(workers[1].sent.map(({ ticket }) => ticket), [undefined, 2, 3]);
  workers[1].tell({ ticket: 3, body: 1 });
  assert.ok((await second).ok);
});

test("progress goes to whoever listens, and a broken worker refuses everything once", async () => {
  const { workers, jobs } = made();
  /** @type {any[]} */
  const heard = [];
  jobs.listen(new Set(["check"]), (topic, detail) => heard.push([topic, detail]));
  const checking = jobs.send(CHECK, {});
  workers[0].tell({ name: "check", data: 1 });
  workers[0].tell({ name: "explore", data: 2 });
  assert.deepEqual(heard, [["check", 1]]);
  workers[0].fail("out of memory");
  assert.equal((await checking).answer.error.code, "tab-broken");
  void jobs.send(CHECK, {});
  assert.equal(workers.length, 2);
});
