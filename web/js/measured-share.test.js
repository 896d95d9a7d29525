import assert from "node:assert/strict";
import test from "node:test";
import { measuredShare } from "./measured-share.js";

/** @type {any} */
const lesson = { slug: "lost-update", outcome: { bar: { value: "lost", shareOf: "isr_adds" } } };
/** @param {object} settings @param {number | string} lost @param {number} isr_adds @param {object} [more] @returns {any} */
const run = (settings, lost, isr_adds, more = {}) => ({ lesson: "lost-update", settings: { rate: 1000, ...settings }, values: { lost, isr_adds }, program: "lesson", ...more });

test("only free runs with the same settings, program and version of the board count, all of them together", () => {
  const hard = { kind: "hard", cure: "none" };
  const outcomes = [
    run(hard, 344, 1000), run(hard, 36, 100), run({ kind: "soft", cure: "none" }, 0, 5000),
    run(hard, 900, 1000, { program: "own" }), run(hard, 900, 1000, { lesson: "lost-bytes" }), run(hard, 900, 1000, { earlier: true }), run(hard, "–", 1000),
  ];
  assert.deepEqual(measuredShare(lesson, outcomes, hard), { part: 380, whole: 1100 });
  assert.equal(measuredShare(lesson, outcomes, { kind: "hard", cure: "mutex" }), null);
  assert.equal(measuredShare({ ...lesson, outcome: { bar: null } }, outcomes, hard), null);
});
