import assert from "node:assert/strict";
import { test } from "node:test";
import { fileText, fileWork, untouched, withCheck, withOutcome } from "./site-store.js";

test("outcomes are numbered on, and the oldest give way", () => {
  let work = untouched();
  for (let at = 0; at < 130; at += 1) ({ work } = withOutcome(work, { lesson: "a" }, at));
  assert.deepEqual([work.outcomes.length, work.outcomes[0].n, work.outcomes.at(-1)?.n], [100, 31, 130]);
});

test("what is passed stays passed, and failures are counted", () => {
  let work = untouched();
  for (const passed of [false, true, false]) work = withCheck(work, { passed, criteria: [{ ok: passed }] });
  assert.deepEqual([work.failures, work.passed, work.last_check], [2, true, { criteria: [{ ok: false }] }]);
});

test("a saved file comes back as it was, and nothing else is taken for one", () => {
  const row = { lesson: "a", settings: {}, values: { lost: 1 }, answers: {}, n: 1, at: 2 };
  const work = { ...untouched(), program: "print(1)", outcomes: [row], passed: true };
  assert.deepEqual(fileWork(fileText(new Map([["a", work]]))), new Map([["a", work]]));
  for (const text of ["", "[]", "{}", "null", '{"form":"isrlab-work-1"}', '{"form":"isrlab-work-1","lessons":null}', '{"form":"other","lessons":{}}']) {
    assert.equal(fileWork(text), null, text);
  }
  const odd = { form: "isrlab-work-1", lessons: { a: { program: 1, steps: [true], outcomes: [row, { n: 1 }, { ...row, lesson: "b" }], failures: -1, passed: "yes" }, b: 7 } };
  assert.deepEqual(fileWork(JSON.stringify(odd)), new Map([["a", { ...untouched(), outcomes: [row] }]]));
});
