/** The stream of the server's events: closed while nobody looks, and back without a gap. */
import assert from "node:assert/strict";
import { test } from "node:test";

/** @type {FakeSource[]} */
const opened = [];

class FakeSource extends EventTarget {
  static CLOSED = 2;
  readyState = 1;

  /** @param {string} path */
  constructor(path) {
    super();
    this.path = path;
    opened.push(this);
  }

  close() {
    this.readyState = FakeSource.CLOSED;
  }

  /** @param {string} topic @param {object} detail @param {string} id */
  say(topic, detail, id) {
    this.dispatchEvent(Object.assign(new Event(topic), { data: JSON.stringify(detail), lastEventId: id }));
  }
}

const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
Object.assign(globalThis, { EventSource: FakeSource, document: page });
const { stream } = await import("./transport.js");

/** @param {string} state */
function look(state) {
  page.visibilityState = state;
  page.dispatchEvent(new Event("visibilitychange"));
}

test("a hidden page's stream is closed after a while, and goes on after the last event", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  opened.length = 0;
  /** @type {any[]} */
  const heard = [];
  const live = stream("/events?board=tab", ["class"], (topic, detail) => heard.push([topic, detail.n]), () => {});
  opened[0]?.say("class", { n: 1 }, "17");
  look("hidden");
  context.mock.timers.tick(5000);
  look("visible");
  context.mock.timers.tick(60_000);
  assert.deepEqual([opened.length, opened[0]?.readyState], [1, 1], "a short look away closes nothing");
  look("hidden");
  context.mock.timers.tick(60_000);
  assert.equal(opened[0]?.readyState, FakeSource.CLOSED);
  look("visible");
  assert.equal(opened[1]?.path, "/events?board=tab&last=17");
  opened[1]?.say("class", { n: 2 }, "18");
  assert.deepEqual(heard, [["class", 1], ["class", 2]]);
  live.close();
  look("hidden");
  look("visible");
  assert.equal(opened.length, 2, "a page that has left opens nothing");
});

test("a stream that the server refuses is asked for again", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  opened.length = 0;
  /** @type {boolean[]} */
  const links = [];
  const live = stream("/events", [], () => {}, (open) => links.push(open));
  const [first] = opened;
  assert.ok(first);
  first.dispatchEvent(new Event("error"));
  context.mock.timers.tick(10_000);
  assert.equal(opened.length, 1, "the browser comes back by itself");
  first.readyState = FakeSource.CLOSED;
  first.dispatchEvent(new Event("error"));
  context.mock.timers.tick(10_000);
  assert.equal(opened.length, 2);
  opened[1]?.dispatchEvent(new Event("open"));
  assert.deepEqual(links, [false, false, true]);
  live.close();
});
