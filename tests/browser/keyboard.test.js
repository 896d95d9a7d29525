/** The whole way by keyboard: no pointer, focus always visible, nothing traps. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, paste, pressTabTo, repositoryFile, visit } from "./workbench.js";

describe("keyboard", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  test("predict, set, run, stop, edit and check without a pointer", () => visit(workbench, { reducedMotion: true }, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update?prepare");

    /** @param {string} selector */
    const tabTo = (selector) => pressTabTo(page, selector);

    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.className), "skip-link");
    await page.keyboard.press("Enter");

    await tabTo("input[data-question=plain]");
    await page.keyboard.press("Space");
    assert.ok(await page.locator("input[data-question=plain]:checked").count() === 1);

    await tabTo("#control-rate");
    const rate = page.locator("#control-rate");
    const before = await rate.getAttribute("aria-valuetext");
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await rate.getAttribute("aria-valuetext"), before);
    await page.keyboard.press("ArrowLeft");
    assert.equal(await rate.getAttribute("aria-valuetext"), before);

    await tabTo("[data-control=expression] input");
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.locator("[data-control=expression] input:checked").getAttribute("value"), "conditional");

    await page.locator("[data-run-row] [data-run]").focus();
    await page.keyboard.press("Enter");
    await page.locator(".counter[data-value=lost][data-loud]").waitFor();
    await tabTo("[data-run-row] [data-stop]");
    await page.keyboard.press("Enter");
    await bench.rows.first().waitFor();

    await tabTo("[data-instrument=balance] [data-table]");
    await page.keyboard.press("Enter");
    await page.locator("[data-instrument=balance] table.chart-table").waitFor();

    await page.locator("input[name=program]:checked").focus();
    await (await bench.program()).waitFor();
    await page.keyboard.press("ArrowRight");
    await tabTo("[data-starter]");
    await page.keyboard.press("Tab");
    await page.keyboard.press("ControlOrMeta+a");
    await paste(page.locator(".cm-content"), repositoryFile("lessons/15-lost-update/solution.py"));
    await page.keyboard.press("Escape");
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement?.shadowRoot === null || document.activeElement?.shadowRoot === undefined), "the editor is a trap");

    await page.locator("[data-check]").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-name=checked][data-step=done]").waitFor();
  }));
});
