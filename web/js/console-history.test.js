import assert from "node:assert/strict";
import { test } from "node:test";
import { ConsoleHistory } from "./console-history.js";

/** @param {string} [kept] */
function keeper(kept) {
  const items = new Map(kept === undefined ? [] : [["isrlab.console.lost-update", kept]]);
  return { getItem: (/** @type {string} */ key) => items.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ value) => { items.set(key, value); } };
}

test("arrow keys go through what was typed and come back to what is being typed", () => {
  const storage = keeper();
  const history = new ConsoleHistory("lost-update", storage);
  for (const line of ["a", "b", "b", "  "]) history.add(line);
  assert.deepEqual([history.step(-1, "typ"), history.step(-1, "b"), history.step(-1, "a")], ["b", "a", null]);
  assert.deepEqual([history.step(1, "a"), history.step(1, "b"), history.step(1, "typ")], ["b", "typ", null]);
  const again = new ConsoleHistory("lost-update", storage);
  assert.equal(again.step(-1, ""), "b");
  assert.equal(new ConsoleHistory("torn-read", storage).step(-1, ""), null);
});

test("what is kept is bounded, and nonsense in its place is no history", () => {
  const storage = keeper();
  const history = new ConsoleHistory("lost-update", storage);
  for (let n = 0; n < 200; n += 1) history.add(`line ${n}`);
  history.add("x".repeat(501));
  let back = 0;
  while (history.step(-1, "") !== null) back += 1;
  assert.equal(back, 50);
  for (const kept of ["{", "7", "[1, null]"]) assert.equal(new ConsoleHistory("lost-update", keeper(kept)).step(-1, ""), null, kept);
  const refusing = { getItem: () => { throw new Error("no"); }, setItem: () => { throw new Error("no"); } };
  const shy = new ConsoleHistory("lost-update", refusing);
  shy.add("a");
  assert.equal(shy.step(-1, ""), "a");
});
