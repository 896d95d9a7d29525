import assert from "node:assert/strict";
import test from "node:test";
import { isTime, latencyBinEdge, valueOf } from "./measured.js";

/** @param {Partial<import("./types.js").Source>} fields */
const source = (fields) => ({
  id: "t0", hard: false, hz: 1000, expected: 10, fired: 10, missed: 0, ran: 9, dropped: 0, queued: 1, disabled: false,
  lat: { min: 3, p50: 4, p99: 8, max: 13 }, ...fields,
});
/** @type {import("./types.js").Sample} */
const sample = {
  n: 1, us: 1, run: 1, run_us: 1, q: 1, qmax: 2, main: 77, stall_max: 5, locked_max: 0, exc: 0, lost_frames: 0, bad_bytes: 0,
  src: [source({}), source({ id: "t1", ran: 4, lat: { min: 2, p50: 9, p99: 9, max: 20 } })],
  v: { lost: 0, count: 12 },
};

test("names mean what the lesson map says", () => {
  assert.equal(valueOf(sample, "ran"), 13);
  assert.equal(valueOf(sample, "t1.ran"), 4);
  assert.equal(valueOf(sample, "lat_max"), 20);
  assert.equal(valueOf(sample, "lat_min"), 2);
  assert.equal(valueOf(sample, "jitter"), 18);
  assert.equal(valueOf(sample, "main"), 77);
  assert.equal(valueOf(sample, "lost"), 0);
  assert.equal(valueOf(sample, "nothing"), undefined);
  assert.equal(valueOf(sample, "disabled"), 0);
});

test("a source that never ran has no latency", () => {
  const quiet = { ...sample, src: [source({ ran: 0 })] };
  assert.equal(valueOf(quiet, "lat_max"), undefined);
});

test("bin edges double every four bins", () => {
  assert.equal(latencyBinEdge(0), 1);
  assert.equal(latencyBinEdge(4), 2);
  assert.equal(latencyBinEdge(5), 2.5);
  assert.equal(latencyBinEdge(40), 1024);
  assert.ok(isTime("lat_max") && isTime("t0.lat_p99") && !isTime("ran"));
});
