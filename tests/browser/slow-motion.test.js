/** Time on the board: slowed down until single interrupts can be counted, held still, and stopped at any speed. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, visit } from "./workbench.js";

/** Positions of the speed slider. */
const THOUSANDTH = 0;
const TENTH = 2;
/** A board that goes on would show it within this time. */
const STILL_MS = 1500;

describe("slow motion", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  test("pause holds every counter and the board's own time, and the run goes on from there", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await bench.runFor(60);
    const ran = page.locator(".counter[data-value=isr_adds] .figure");
    await page.locator(".run-row [data-run]").click();
    await page.waitForFunction(() => Number(document.querySelector(".counter[data-value=isr_adds] .figure")?.textContent?.replace(/\D/g, "")) > 0);
    const pause = page.locator("[data-pause-board]");
    await pause.focus();
    await page.keyboard.press("Space");
    await page.locator("[data-pause-board][aria-pressed=true]").waitFor();
    assert.match(await page.locator("[data-run-state]").innerText(), /Paused/);
    // What was on its way when the board stood still has been painted by then.
    await page.waitForTimeout(STILL_MS);
    const held = await instruments(page);
    await page.waitForTimeout(STILL_MS);
    assert.deepEqual(await instruments(page), held);
    await page.keyboard.press("Space");
    await page.waitForFunction((before) => document.querySelector(".counter[data-value=isr_adds] .figure")?.textContent !== before, await ran.textContent());
    assert.doesNotMatch(await page.locator("[data-run-state]").innerText(), /Paused/);
    await page.locator(".run-row [data-stop]").click();
    await bench.rows.first().waitFor();
  }));

  test("at a tenth of real time and 10 Hz the interrupts come one at a time", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await bench.runFor(20);
    await setSpeed(page, TENTH);
    await page.locator("#control-rate").focus();
    await page.keyboard.press("Home");
    // Every number that the counter shows, as the page paints it.
    await page.evaluate(() => {
      const figure = document.querySelector(".counter[data-value=isr_adds] .figure");
      const seen = /** @type {any} */ (window).seen = /** @type {number[]} */ ([]);
      if (figure) new MutationObserver(() => { if (figure.textContent !== "–") seen.push(Number(figure.textContent)); }).observe(figure, { childList: true, characterData: true, subtree: true });
    });
    await page.locator(".run-row [data-run]").click();
    await page.waitForFunction(() => /** @type {any} */ (window).seen.at(-1) >= 3);
    const seen = await page.evaluate(() => /** @type {number[]} */ (/** @type {any} */ (window).seen));
    seen.forEach((count, index) => assert.ok(index === 0 || count - seen[index - 1] <= 1, `more than one at a time: ${seen}`));
    assert.match(await page.locator("[data-run-facts]").innerText(), /1\/10/);
    await page.locator(".run-row [data-stop]").click();
    await bench.rows.first().waitFor();
  }));

  test("Stop answers at a thousandth of real time", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await bench.runFor(60);
    await setSpeed(page, THOUSANDTH);
    await page.locator(".run-row [data-run]").click();
    await page.locator("[data-run-state] use[href='#icon-running']").waitFor();
    // The board's time moves on, by milliseconds.
    const elapsed = () => page.locator("[data-elapsed]").innerText().then(Number.parseFloat);
    await page.waitForFunction(() => Number.parseFloat(document.querySelector("[data-elapsed]")?.textContent ?? "") > 0);
    const early = await elapsed();
    await page.waitForFunction((before) => Number.parseFloat(document.querySelector("[data-elapsed]")?.textContent ?? "") > before, early);
    assert.ok(await elapsed() < 0.1, `${await elapsed()} s of board time have passed`);
    const asked = performance.now();
    await page.locator(".run-row [data-stop]").click();
    await bench.rows.first().waitFor();
    assert.ok(performance.now() - asked < 20_000, "Stop took its time");
  }));
});

/**
 * Moves the speed slider by keyboard and waits until the board has it.
 * @param {import("playwright-core").Page} page
 * @param {number} position
 */
async function setSpeed(page, position) {
  await page.locator("[data-speed]").focus();
  await page.keyboard.press("Home");
  for (let step = 0; step < position; step += 1) await page.keyboard.press("ArrowRight");
  const words = page.locator("[data-run-facts]");
  await words.filter({ hasText: ["1/1000", "1/100", "1/10"][position] }).waitFor();
}

/** Every number of the run on the page. @param {import("playwright-core").Page} page */
function instruments(page) {
  return page.evaluate(() => ({
    elapsed: document.querySelector("[data-elapsed]")?.textContent,
    counters: [...document.querySelectorAll(".counter .figure")].map((figure) => figure.textContent),
    balance: document.querySelector("[data-instrument=balance] [data-chart]")?.textContent,
    latency: document.querySelector("[data-instrument=latency] [data-chart]")?.textContent,
  }));
}
