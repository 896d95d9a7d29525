import assert from "node:assert/strict";
import test from "node:test";
import { Arrivals } from "./arrivals.js";

/** Two statements of a window of 20 boundaries; the second bytecode loses, and one call before. @returns {any} */
function report() {
  /** @param {number} from @param {number} to @param {number} line @param {string} opcode @param {object} [more] */
  const bytecode = (from, to, line, opcode, more = {}) => ({ from, to, lost: 0, text: "driver", function: "explore", line, offset: from, opcode, argument: "", safe_point: false, ...more });
  return {
    instructions: 19,
    statement: [6, 14],
    in_statement: { tried: 8, kept: 4, lost: 3, broken: 1 },
    in_window: { tried: 20, kept: 15, lost: 4, broken: 1 },
    texts: { program: [], driver: ["def explore():", "    lab.mark(1)", "    count += 1", "    lab.mark(2)"] },
    intervals: [
      { from: 0, to: 4, verdict: "kept" }, { from: 4, to: 5, verdict: "lost" }, { from: 5, to: 8, verdict: "kept" },
      { from: 8, to: 11, verdict: "lost" }, { from: 11, to: 12, verdict: "endless" }, { from: 12, to: 20, verdict: "kept" },
    ],
    deliveries: [{ from: 0, to: 12, after: 1 }, { from: 12, to: 13, at: 15 }, { from: 13, to: 14 }, { from: 14, to: 20, after: 1 }],
    bytecodes: [bytecode(3, 5, 2, "CALL_METHOD"), bytecode(6, 9, 3, "LOAD_GLOBAL"), bytecode(9, 14, 3, "STORE_GLOBAL"), bytecode(14, 20, 4, "LOAD_CONST_NONE")],
    functions: ["mp_execute_bytecode", "mp_load_global"],
    machine: [[0, 7, 0], [7, 9, 1], [9, 20, -1]],
    shared: ["count"],
    stories: [{ from: 0, to: 20, steps: [] }],
  };
}

test("the statement is shown with all that fails around it, or the whole window", () => {
  const arrivals = new Arrivals(report());
  assert.deepEqual([arrivals.from, arrivals.to], [3, 14]);
  assert.equal(arrivals.outside, 1);
  arrivals.whole = true;
  assert.deepEqual([arrivals.from, arrivals.to], [0, 20]);
});

test("rows follow the program and leave no arrival out", () => {
  const arrivals = new Arrivals(report());
  arrivals.whole = true;
  const rows = arrivals.groups().flatMap((group) => group.rows);
  assert.deepEqual(rows.map(({ from, to }) => [from, to]), [[0, 3], [3, 5], [5, 6], [6, 9], [9, 14], [14, 20]]);
  assert.deepEqual(arrivals.groups().map(({ line, source }) => [line, source]), [[0, ""], [2, "lab.mark(1)"], [3, "count += 1"], [4, "lab.mark(2)"]]);
});

test("the cursor finds changes of outcome and bytecodes in both directions", () => {
  const arrivals = new Arrivals(report());
  assert.equal(arrivals.nextChange(5, 1), 8);
  assert.equal(arrivals.nextChange(8, 1), 11);
  assert.equal(arrivals.nextChange(12, 1), 13);
  assert.equal(arrivals.nextChange(8, -1), 7);
  assert.equal(arrivals.nextBytecode(6, 1), 9);
  assert.equal(arrivals.nextBytecode(12, -1), 9);
  assert.equal(arrivals.nextBytecode(9, -1), 6);
  assert.equal(arrivals.nextBytecode(13, 1), 13);
});

test("an arrival is prompt, held back, or never served", () => {
  const arrivals = new Arrivals(report());
  assert.deepEqual(arrivals.delivery(3), { kind: "prompt" });
  assert.deepEqual(arrivals.delivery(12), { kind: "held", until: 15 });
  assert.deepEqual(arrivals.delivery(13), { kind: "never" });
  assert.equal(arrivals.outcome(11), "broken");
  assert.equal(arrivals.machine(8), "mp_load_global");
  assert.equal(arrivals.machine(9), null);
});

test("the table joins only what is alike", () => {
  const arrivals = new Arrivals(report());
  assert.deepEqual(arrivals.stretches().map(({ from, to, verdict, delivery }) => [from, to, verdict, delivery]), [
    [3, 4, "kept", "prompt"], [4, 5, "lost", "prompt"], [5, 6, "kept", "prompt"], [6, 8, "kept", "prompt"], [8, 9, "lost", "prompt"],
    [9, 11, "lost", "prompt"], [11, 12, "endless", "prompt"], [12, 13, "kept", "held"], [13, 14, "kept", "never"],
  ]);
});

test("the overview is what is shown, cut at its ends", () => {
  const arrivals = new Arrivals(report());
  assert.deepEqual(arrivals.outcomes().map(({ from, to, outcome }) => [from, to, outcome]), [
    [3, 4, "kept"], [4, 5, "lost"], [5, 8, "kept"], [8, 11, "lost"], [11, 12, "broken"], [12, 14, "kept"],
  ]);
});
