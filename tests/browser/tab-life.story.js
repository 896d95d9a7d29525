/**
 * A board in a tab lives with its page: it stands still while nobody looks, it ends with the page and says so, two tabs have
 * two, and a network that is gone for a while loses nothing.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, visit } from "./workbench.js";

/** So long nobody looks. */
const HIDDEN_MS = 4000;
const KEPT = "# typed before it happened\n";

/** @param {import("playwright-core").Page} page */
async function running(page) {
  const bench = new BenchPage(page);
  await bench.open("lost-update");
  await page.locator("[data-board-place][data-stage=ready]").waitFor();
  await bench.show("lesson");
  await bench.runFor(60);
  await page.locator(".run-row [data-run]").first().click();
  await page.waitForFunction(() => Number.parseFloat(document.querySelector("[data-elapsed]")?.textContent ?? "") > 0.5);
  return bench;
}

/** @param {import("playwright-core").Page} page */
async function elapsed_s(page) {
  return Number.parseFloat(await page.locator("[data-elapsed]").innerText());
}

/** What the visitor wrote is still there. @param {BenchPage} bench */
async function kept(bench) {
  await bench.show("own");
  assert.match(await (await bench.program()).innerText(), /typed before/);
}

/** What a browser tells a page that is covered or comes back. @param {import("playwright-core").Page} page @param {boolean} hidden */
function cover(page, hidden) {
  return page.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

describe("the life of a board in a tab", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  test("it stands still while nobody sees it, and catches nothing up", () => visit(workbench, {}, async (page) => {
    await running(page);
    await cover(page, true);
    await page.waitForTimeout(HIDDEN_MS / 4);
    const before = await elapsed_s(page);
    await page.waitForTimeout(HIDDEN_MS);
    assert.equal(await elapsed_s(page), before);
    await cover(page, false);
    await page.waitForFunction((before) => Number.parseFloat(document.querySelector("[data-elapsed]")?.textContent ?? "") > before, before);
    const after = await elapsed_s(page);
    assert.ok(after < before + HIDDEN_MS / 2000, `${before} s before, ${after} s after`);
  }));

  test("a reload and the way back end the run, say so, and keep what was typed", () => visit(workbench, {}, async (page) => {
    await new BenchPage(page).open("lost-update");
    await new BenchPage(page).write(KEPT);
    let bench = await running(page);
    await page.reload();
    await page.locator("[data-trouble] .code", { hasText: "tab-run-ended" }).waitFor();
    await kept(bench);
    bench = await running(page);
    await page.goto("/");
    await page.goBack();
    await page.locator("[data-trouble] .code", { hasText: "tab-run-ended" }).waitFor();
    await kept(bench);
    await bench.show("lesson");
    await bench.runFor(1);
    assert.ok((await bench.run()).ran > 0);
    await page.reload();
    await page.locator("[data-board-place][data-stage=ready]").waitFor();
    assert.equal(await page.locator("[data-trouble] .message").count(), 0, "nothing was lost this time");
  }));

  test("two tabs of one learner have a board each and one table of outcomes", () => visit(workbench, {}, async (page, context) => {
    const other = await context.newPage();
    const benches = [new BenchPage(page), new BenchPage(other)];
    for (const bench of benches) {
      await bench.open("lost-update");
      await bench.runFor(2);
    }
    await Promise.all(benches.map((bench) => bench.page.locator(".run-row [data-run]").first().click()));
    for (const bench of benches) {
      await bench.rows.nth(1).waitFor();
      assert.equal(await bench.rows.count(), 2);
    }
  }));

  test("a network that is gone for a while loses neither what was typed nor what was measured", () => visit(workbench, {}, async (page, context) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await page.locator("[data-board-place][data-stage=ready]").waitFor();
    await bench.show("own");
    await bench.program();
    await context.setOffline(true);
    await page.locator(".cm-content").click();
    // In front of what is there: replaced as a whole, Chromium itself tries to keep a style in line.
    await page.keyboard.press("ControlOrMeta+Home");
    await page.keyboard.type(KEPT);
    await page.locator("[data-saved]", { hasText: "not saved" }).waitFor();
    await bench.show("lesson");
    await bench.runFor(1);
    await page.locator(".run-row [data-run]").first().click();
    await page.locator("[data-trouble] .code", { hasText: "E-SERVER-AWAY" }).waitFor();
    await context.setOffline(false);
    await bench.rows.first().waitFor();
    await page.locator("[data-saved]", { hasText: /^saved$/ }).waitFor();
    assert.equal(await page.locator("[data-trouble] .message").count(), 0);
    await page.reload();
    await kept(bench);
    assert.equal(await bench.rows.count(), 1);
  }));
});
