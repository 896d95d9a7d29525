import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnLesson } from "./own-lesson.js";

test("another lesson's run, numbers, text and mistakes are not this page's", () => {
  /** @type {(number | null)[]} */
  const elsewhere = [];
  const own = new OwnLesson("lost-update", (run) => elsewhere.push(run?.id ?? null));
  const run = (/** @type {string} */ lesson, /** @type {number} */ id, state = "running") => own.shows("run", { lesson, id, state });
  assert.ok(own.shows("sample", { run: 1000 }));
  assert.ok(!run("torn-read", 1000));
  for (const topic of ["sample", "event"]) assert.ok(!own.shows(topic, { run: 1000 }), topic);
  assert.ok(!run("torn-read", 1000, "ended"));
  assert.ok(!own.shows("sample", { run: 1000 }), "its last numbers stay foreign");
  assert.ok(run("lost-update", 1001));
  assert.ok(own.shows("sample", { run: 1001 }));
  assert.deepEqual(elsewhere, [1000, null, null]);
  for (const topic of ["console", "mistake"]) {
    assert.ok(own.shows(topic, { lesson: "lost-update" }) && own.shows(topic, {}) && !own.shows(topic, { lesson: "torn-read" }), topic);
  }
  assert.ok(own.shows("board", {}) && own.shows("outcome", { lesson: "torn-read" }));
});
