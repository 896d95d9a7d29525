import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_CHARACTERS, fromFragment, toFragment } from "./workshop-link.js";

const WORKSHOP = {
  program: "print('日本')\n".repeat(40),
  wiring: { parts: [{ kind: "led", name: "light", pins: { anode: 4 } }] },
  seed: 7,
};

test("a link brings back what was put into it", async () => {
  const fragment = await toFragment(WORKSHOP);
  assert.ok(fragment.length < 400 && /^1\.[\w-]+$/.test(fragment), fragment);
  assert.deepEqual(await fromFragment(fragment), WORKSHOP);
});

test("a link that was cut or changed loads nothing", async () => {
  const fragment = await toFragment(WORKSHOP);
  for (const wrong of ["", "x", fragment.slice(0, -9), fragment.slice(2), `2.${fragment.slice(2)}`, "1.AAAA", `1.${"A".repeat(MOST_CHARACTERS)}`]) {
    assert.equal(await fromFragment(wrong), null, wrong.slice(0, 40));
  }
});

test("a small link that unfolds to very much is refused", async () => {
  const fragment = await toFragment({ ...WORKSHOP, program: " ".repeat(4_000_000) });
  assert.ok(fragment.length < MOST_CHARACTERS);
  assert.equal(await fromFragment(fragment), null);
});

test("what has another form is no workshop", async () => {
  for (const wiring of [null, {}, { parts: [{ kind: 1 }] }, { parts: [{ kind: "led", name: "l" }] }]) {
    assert.equal(await fromFragment(await toFragment({ ...WORKSHOP, wiring: /** @type {any} */ (wiring) })), null);
  }
});
