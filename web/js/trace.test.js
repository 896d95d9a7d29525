import assert from "node:assert/strict";
import test from "node:test";
import { Trace, roundTimes } from "./trace.js";

/** @type {import("./trace.js").Meaning[]} */
const MEANINGS = [
  { lane: "main", does: "begin", label: "reads {value}" },
  { lane: "main", does: "end", label: "writes {value}" },
  { lane: "interrupt", does: "point", label: "adds" },
];

test("a soft callback inside a stretch of main is the race", () => {
  const trace = new Trace([[-21000, 0, 40], [-20000, 0, 40], [-15000, 0, 41], [-12000, 0, 41], [-11000, 1, 0], [-9000, 4, 1], [-8000, 5, 0], [-5000, 8, 3], [-3000, 6, 0], [0, 0, 42], [2000, 0, 42]], MEANINGS);
  assert.deepEqual(trace.main.map(({ from, to, first, last }) => [from, to, first, last]), [
    [-21000, -21000, "", "writes 40"], [-20000, -15000, "reads 40", "writes 41"], [-12000, 0, "reads 41", "writes 42"], [2000, 2000, "reads 42", ""]]);
  assert.deepEqual(trace.alarms, [{ ns: -11000, kind: "queued", depth: 1 }]);
  assert.deepEqual(trace.soft.map(({ from, to }) => [from, to]), [[-8000, -3000]]);
  assert.deepEqual(trace.instants, [{ ns: -5000, label: "adds", lane: "scheduler" }]);
  assert.equal(trace.race?.from, -12000);
});

test("recordings that begin or end in the middle stay whole", () => {
  const trace = new Trace([[-30, 3, 0], [-20, 0, 2], [20, 0, 1], [30, 1, 0], [31, 7, 0], [40, 2, 0], [50, 8, 3]], MEANINGS);
  assert.deepEqual(trace.hard.map(({ from, to, open }) => [from, to, open]), [[-30, -30, true], [40, 50, true]]);
  assert.equal(trace.alarms[0].kind, "dropped");
  assert.equal(trace.main.length, 2);
  assert.equal(trace.race, undefined);
  assert.equal(new Trace([], MEANINGS).main.length, 0);
});

test("any order and any lane number is taken", () => {
  for (let seed = 1; seed < 300; seed += 1) {
    let x = seed;
    /** @type {import("./types.js").TracePoint[]} */
    const points = Array.from({ length: 40 }, () => {
      x = (x * 1103515245 + 12345) % 2147483648;
      return [x % 1000, x % 11, x % 4];
    });
    const trace = new Trace(points, MEANINGS);
    for (const { from, to } of [...trace.main, ...trace.callbacks]) assert.ok(from <= to);
  }
});

test("axis times are round", () => {
  assert.deepEqual(roundTimes(-10000, 30000, 8), [-10000, -5000, 0, 5000, 10000, 15000, 20000, 25000, 30000]);
  assert.ok(roundTimes(0, 0, 8).length <= 1);
});
