import assert from "node:assert/strict";
import { test } from "node:test";
import { Trouble } from "./api.js";
import { Reports } from "./reports.js";

/** A server that answers with what it is told to; `null`: it is away. @param {(string | null)[]} answers */
function made(answers) {
  /** @type {any[]} */
  const [asked, said] = [[], []];
  /** @type {() => void} */
  let due = () => {};
  const outside = {
    post: async (/** @type {string} */ path, /** @type {any} */ body) => {
      asked.push(`${path} ${body?.n}`);
      const answer = answers.shift();
      if (answer === null) throw new Trouble("E-SERVER-AWAY", "away", "");
      if (answer?.startsWith("refused")) throw new Trouble(answer, "", "");
      return answer;
    },
    later: (/** @type {() => void} */ next) => { due = next; },
  };
  const reports = new Reports((trouble) => said.push(trouble?.code ?? null), outside);
  const settle = () => new Promise((done) => setImmediate(done));
  return { reports, asked, said, settle, wake: async () => { due(); await settle(); } };
}

test("what the server cannot be told waits, in its order, and is said once", async () => {
  const { reports, asked, said, settle, wake } = made([null, null, "a", "b"]);
  /** @type {string[]} */
  const taken = [];
  for (const n of [1, 2]) reports.send("/x", { n }, (answer) => taken.push(answer));
  await settle();
  await wake();
  assert.deepEqual([asked, said, taken], [["/x 1", "/x 1"], ["E-SERVER-AWAY"], []]);
  await wake();
  assert.deepEqual([asked.slice(2), said, taken], [["/x 1", "/x 2"], ["E-SERVER-AWAY", null], ["a", "b"]]);
});

test("what the server refuses is said and not sent again", async () => {
  const { reports, asked, said, settle } = made(["refused-1", "b"]);
  for (const n of [1, 2]) reports.send("/x", { n });
  await settle();
  assert.deepEqual([asked, said], [["/x 1", "/x 2"], ["refused-1"]]);
});

test("no more wait than the server would keep", async () => {
  const { reports, asked, settle, wake } = made([null]);
  for (let n = 0; n < 300; n += 1) reports.send("/x", { n });
  await settle();
  await wake();
  await settle();
  assert.ok(asked.length <= 102 && asked.at(-1) === "/x 299", asked.at(-1));
});
