import assert from "node:assert/strict";
import test from "node:test";
import { CELL, StripLayout } from "./strip-layout.js";

const groups = [
  { own: true, function: "explore", line: 3, source: "count += 1", rows: [{ from: 10, to: 15, bytecode: null }, { from: 15, to: 75, bytecode: null }] },
  { own: true, function: "explore", line: 4, source: "count += 2", rows: [{ from: 75, to: 76, bytecode: null }] },
];

for (const width of [358, 1390]) {
  test(`every arrival has a cell of its own, and a point finds it, ${width} px`, () => {
    const layout = new StripLayout(groups, width);
    const seen = new Set();
    for (let at = 10; at < 76; at += 1) {
      const place = layout.place(at);
      assert.ok(place !== null && place.x + CELL.width <= width && place.y + CELL.height <= layout.height);
      seen.add(`${place.x} ${place.y}`);
      assert.equal(layout.at(place.x + 1, place.y + 1), at);
    }
    assert.equal(seen.size, 66);
    assert.equal(layout.place(76), null);
  });
}

test("a drag beyond the cells stays on the nearest one", () => {
  const layout = new StripLayout(groups, 1390);
  assert.equal(layout.at(-50, -50), 10);
  assert.equal(layout.at(5000, 5000), 75);
  assert.equal(new StripLayout([], 400).at(0, 0), null);
});
