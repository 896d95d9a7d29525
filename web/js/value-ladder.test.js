import assert from "node:assert/strict";
import test from "node:test";
import { lastWrong, leftOut } from "./value-ladder.js";

/** @param {string} side @param {string} does @param {string} name @param {string} value @returns {any} */
const step = (side, does, name, value) => ({ side, does, name, value, function: "f", line: 1, text: "program" });

test("the last write decides, name by name, whether something is lost", () => {
  const steps = [step("main", "reads", "count", "4"), step("hard", "writes", "count", "5"), step("main", "writes", "count", "5")];
  assert.equal(lastWrong(steps, { count: "6" }), 2);
  assert.equal(lastWrong(steps, { count: "5" }), -1);
  assert.equal(lastWrong(steps, {}), -1);
  assert.equal(lastWrong([step("main", "reads", "count", "4")], { count: "5" }), -1);
});

test("a long story is shown in part, and how much is left out is known", () => {
  assert.equal(leftOut(Array.from({ length: 30 }, () => step("main", "reads", "n", "1"))), 6);
  assert.equal(leftOut([]), 0);
});
