import assert from "node:assert/strict";
import test from "node:test";
import { Scale } from "./log-scale.js";

test("the ends are exact and every position comes back", () => {
  for (const scale of [new Scale("log", 10, 20_000), new Scale("linear", 0, 2000)]) {
    assert.equal(scale.valueAt(0), scale.lo);
    assert.equal(scale.valueAt(scale.steps), scale.hi);
    let last = -1;
    for (let p = 0; p <= scale.steps; p += 1) {
      const value = scale.valueAt(p);
      assert.ok(value > last, `${value} at ${p} is not above ${last}`);
      assert.equal(scale.positionOf(value), p);
      last = value;
    }
  }
});

test("powers of ten are on the way", () => {
  const scale = new Scale("log", 10, 20_000);
  for (const value of [10, 100, 1000, 10_000]) assert.equal(scale.valueAt(scale.positionOf(value)), value);
  assert.equal(scale.clamp(5), 10);
  assert.equal(scale.clamp(1e9), 20_000);
});
