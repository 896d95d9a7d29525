/** The histogram of a class. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { countsOf, scaleOf } from "./sample-chart.js";

test("a scale holds every value, with round bins, and each value is counted once", () => {
  for (const values of [[0.283, 0.279, 0.291, 0.285], [0, 0, 0], [17], [-4, 1e6], [0.1, 0.1], [431, 432, 440]]) {
    const scale = scaleOf(values);
    const digits = Number(scale.bin.toExponential().split("e")[0]);
    assert.ok([1, 2, 5, 10].some((round) => Math.abs(digits - round) < 1e-9), String(scale.bin));
    assert.ok(values.every((value) => value >= scale.from && value < scale.from + 24 * scale.bin), `${values} in ${scale.from}, ${scale.bin}`);
    assert.equal(countsOf(values, scale).reduce((sum, count) => sum + count, 0), values.length);
  }
});

test("the same value from everybody is one bin in the middle", () => {
  const counts = countsOf([0.25, 0.25, 0.25], scaleOf([0.25, 0.25, 0.25]));
  assert.deepEqual(counts.flatMap((count, at) => (count > 0 ? [[at, count]] : [])), [[12, 3]]);
});
