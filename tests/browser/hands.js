/**
 * A hand on a page: the mouse, or the keyboard, which comes to everything by Tab.
 * @module
 */
import assert from "node:assert/strict";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {"mouse" | "keyboard"} Hand */

/** More presses of Tab than any page has places. */
const MOST_TABS = 150;

/**
 * Comes to a control by Tab; out of the editor by Escape, then Tab.
 * @param {Page} page
 * @param {string} control
 */
async function reach(page, control) {
  for (let presses = 0; presses < MOST_TABS; presses += 1) {
    const place = await page.evaluate((wanted) => {
      const focused = document.activeElement;
      if (focused?.matches(wanted)) return "there";
      // Only the editor has a shadow tree.
      return focused?.shadowRoot ? "editor" : "elsewhere";
    }, control);
    if (place === "there") return;
    if (place === "editor") await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab does not lead to ${control}`);
}

/**
 * Presses a control once.
 * @param {Page} page
 * @param {Hand} hand
 * @param {string} control
 * @param {string} [key] of the keyboard
 */
export async function press(page, hand, control, key = "Enter") {
  if (hand === "mouse") {
    await page.locator(control).click();
    return;
  }
  await reach(page, control);
  await page.keyboard.press(key);
}

/**
 * Holds a control down meanwhile.
 * @param {Page} page
 * @param {Hand} hand
 * @param {string} control
 * @param {() => Promise<unknown>} meanwhile
 */
export async function hold(page, hand, control, meanwhile) {
  if (hand === "mouse") {
    await page.locator(control).hover();
    await page.mouse.down();
    await meanwhile();
    await page.mouse.up();
    return;
  }
  await reach(page, control);
  await page.keyboard.down("Space");
  await meanwhile();
  await page.keyboard.up("Space");
}

/**
 * Puts words into a field in the place of what stands there, and presses Enter.
 * @param {Page} page
 * @param {Hand} hand how it comes to the field
 * @param {string} field
 * @param {string} words
 */
export async function fill(page, hand, field, words) {
  if (hand === "mouse") await page.locator(field).click();
  else await reach(page, field);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(words);
  await page.keyboard.press("Enter");
}

/**
 * Moves a slider to a share of its way: the mouse clicks there, the keyboard goes to the end that is nearer.
 * @param {Page} page
 * @param {Hand} hand
 * @param {string} slider
 * @param {number} share
 */
export async function slide(page, hand, slider, share) {
  if (hand === "keyboard") {
    await press(page, hand, slider, share < 0.5 ? "Home" : "End");
    return;
  }
  const box = await page.locator(slider).boundingBox();
  assert.ok(box !== null, `${slider} is not to be seen`);
  await page.locator(slider).click({ position: { x: Math.max(1, (box.width - 2) * share), y: box.height / 2 } });
}
