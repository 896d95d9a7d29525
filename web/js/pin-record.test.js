import assert from "node:assert/strict";
import { test } from "node:test";
import { PinRecord } from "./pin-record.js";

/** @param {Partial<import("./pin-record.js").News>} more @returns {import("./pin-record.js").News} */
function news(more) {
  return { record: 1, ticks_per_second: 1e6, from: 0, now: 10_000, first: 0, unseen: 0, pins: [{ pin: 3, name: "bell", level: true }],
    changes: [], next_change: 0, sees_callbacks: true, steps: [], next_step: 0, more: false, ...more };
}

test("changes make edges, and a change without another level makes none", () => {
  const record = new PinRecord();
  record.take(news({ changes: [[10, 3, 0], [20, 3, 0], [30, 3, 1], [40, 3, 0]], next_change: 4 }));
  assert.deepEqual(record.edges(3, 0, 35, 10), [{ tick: 10, level: 0 }, { tick: 30, level: 1 }]);
  assert.deepEqual(record.edges(3, 10, 40, 10), [{ tick: 30, level: 1 }, { tick: 40, level: 0 }]);
  assert.equal(record.edges(3, 0, 100, 2), null);
  assert.deepEqual([5, 10, 29, 30, 99].map((tick) => record.level(3, tick)), [1, 0, 0, 1, 0]);
  assert.deepEqual(record.question, { want: "news", record: 1, changes: 4, steps: 0 });
  record.take(news({ first: 6, changes: [[50, 3, 1]], next_change: 7 }));
  assert.equal(record.missing, 2);
  assert.equal(record.take(news({ record: 2, changes: [[5, 3, 0]], next_change: 1 })), true);
  assert.deepEqual(record.edges(3, 0, 100, 10), [{ tick: 5, level: 0 }]);
});

test("a pulse train has its edges wherever one looks", () => {
  const record = new PinRecord();
  // 100 ticks a period, the first 30 high, until tick 350.
  record.take(news({ changes: [[100, 3, 1, [100, 2560, 10, 0, 3, 0]], [350, 3, 0]], next_change: 2 }));
  const ticks = record.edges(3, 0, 1000, 100)?.map(({ tick, level }) => [tick, level]);
  assert.deepEqual(ticks, [[130, 0], [200, 1], [230, 0], [300, 1], [330, 0]]);
  assert.deepEqual(record.edges(3, 210, 300, 100), [{ tick: 230, level: 0 }, { tick: 300, level: 1 }]);
  assert.deepEqual(record.neighbour(230, 1), { pin: 3, tick: 300, level: 1 });
  assert.deepEqual(record.neighbour(230, -1), { pin: 3, tick: 200, level: 1 });
  assert.deepEqual(record.neighbour(1000, -1), { pin: 3, tick: 330, level: 0 });
  assert.equal(record.neighbour(1000, 1), null);
});

test("edges of two pins are walked in order of time", () => {
  const record = new PinRecord();
  record.take(news({ pins: [{ pin: 3, name: "", level: false }, { pin: 4, name: "", level: false }], changes: [[10, 3, 1], [20, 4, 1], [30, 3, 0]], next_change: 3 }));
  const walked = [];
  for (let at = record.neighbour(-1, 1); at !== null; at = record.neighbour(at.tick, 1)) walked.push([at.pin, at.tick]);
  assert.deepEqual(walked, [[3, 10], [4, 20], [3, 30]]);
});

test("each edge says what became of it", () => {
  const record = new PinRecord();
  record.take(news({
    changes: [[100, 3, 0], [150, 3, 1], [300, 3, 0], [301, 3, 1], [302, 3, 0], [500, 3, 1], [700, 3, 0], [900, 3, 1], [950, 3, 0]],
    steps: [[105, "queued", 3, "falling"], [120, "soft", 3], [125, "over", 3], [310, "queued", 3, "falling"], [600, "soft", 3], [610, "over", 3],
      [705, "dropped", 3, "falling"], [955, "queued", 3, "falling"], [20, "hard", "Timer 0"]],
    next_change: 9, next_step: 9,
  }));
  const told = record.rows.map(({ tick, fate, interrupt, callback, late }) => [tick, fate, interrupt, callback, late]);
  assert.deepEqual(told, [
    [100, "ran", 105, 120, false], [150, "none", null, null, false],
    [300, "ran", 310, 600, true], [301, "none", null, null, false], [302, "merged", null, null, false],
    [500, "none", null, null, false], [700, "dropped", 705, null, false],
    [900, "none", null, null, false], [950, "waits", 955, null, false],
  ]);
  assert.deepEqual(record.stretches.filter(({ source }) => source === 3).map(({ from, to, hard }) => [from, to, hard]), [[120, 125, false], [600, 610, false]]);
});

test("an edge between acknowledgement and callback belongs to the next interrupt", () => {
  const record = new PinRecord();
  record.take(news({ changes: [[100, 3, 0], [103, 3, 1], [104, 3, 0]], steps: [[110, "hard", 3, "falling"], [112, "over", 3], [115, "hard", 3, "falling"], [117, "over", 3]], next_change: 3, next_step: 4 }));
  assert.deepEqual(record.rows.filter(({ level }) => level === 0).map(({ fate, callback }) => [fate, callback]), [["ran", 110], ["ran", 115]]);
});

test("of a pin that interrupts at one kind of edge only these are edges", () => {
  const record = new PinRecord();
  record.take(news({
    source: "board", unseen: 4, given_up: [8], sees_callbacks: false, ticks_per_second: 16e6,
    changes: [[100, 3, 1, "only"], [200, 3, 1, "only"], [300, 3, 1, "only"]], next_change: 3,
  }));
  const edges = [{ tick: 100, level: 1 }, { tick: 200, level: 1 }, { tick: 300, level: 1 }];
  assert.deepEqual(record.edges(3, 0, 1000, 100), edges);
  assert.deepEqual(record.edges(3, 150, 250, 100, true), [{ tick: 200, level: 1 }, { tick: 201, level: 0 }], "drawn as a needle");
  const walked = [];
  for (let at = record.neighbour(-1, 1); at !== null; at = record.neighbour(at.tick, 1)) walked.push(at.tick);
  assert.deepEqual(walked, [100, 200, 300]);
  assert.equal(record.neighbour(300, -1)?.tick, 200);
  assert.deepEqual(record.rows.map(({ tick, fate }) => [tick, fate]), [[100, "none"], [200, "none"], [300, "none"]]);
  assert.deepEqual([record.byBoard, record.unstamped, record.givenUp, record.pins[0].only], [true, 4, [8], 1]);
});
