/** First steps: the first lesson from its question to the passed check, with a hand on the button, wherever the board is. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, CHECK_TIMEOUT_MS, Workbench, overflowing, pressTabTo, repositoryFile, screenshotPath, seriousViolations, visit } from "./workbench.js";

const FIRST = "ask-or-be-told";
const WORDS = /** @type {const} */ ({
  en: { open: "open", closed: "closed", connected: "connected" },
  ja: { open: "開", closed: "閉", connected: "接続済み" },
});

/** @param {import("playwright-core").Page} page @param {"tab" | "server"} place */
async function open(page, place) {
  const bench = new BenchPage(page);
  await bench.open(`${FIRST}?board=${place}`);
  if (place === "tab") await page.locator("[data-board-place][data-stage=ready]").waitFor();
  return bench;
}

/** @param {import("playwright-core").Page} page @param {string} words */
function button(page, words) {
  return page.locator("[data-part=bell] [data-part-shown]").filter({ hasText: words });
}

/** Waits until a counter of the page shows this. @param {import("playwright-core").Page} page @param {string} name @param {RegExp} shown */
function figure(page, name, shown) {
  return page.locator(`.counter[data-value=${name}] .figure`).filter({ hasText: shown }).waitFor();
}

describe("the first lesson", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const place of /** @type {const} */ (["server", "tab"])) {
    for (const language of /** @type {const} */ (["en", "ja"])) {
      test(`by mouse, board of the ${place} (${language})`, () => visit(workbench, { language }, async (page) => {
        const words = WORDS[language];
        const bench = await open(page, place);
        await page.locator("input[data-question=slow][value=some]").check();
        await bench.runFor(3);
        await page.locator(".run-row [data-run]").click();
        await bench.rows.first().waitFor();
        const [told, asked] = await Promise.all(["told", "asked"].map((name) => bench.rows.first().locator(`td[data-name=${name}]`).innerText()));
        assert.ok(told === "10" && Number(asked) < 10, `told ${told}, asked ${asked}`);
        assert.equal(await page.locator("[data-parts-state]").innerText(), words.connected);
        await page.locator("[data-found=slow] b").first().waitFor();

        // A hand presses as well: it is told, once more than the ten.
        await bench.runFor(60);
        await page.locator(".run-row [data-run]").click();
        // The run before has left its ten there: a hand among the lesson's own presses would be one press with them.
        await figure(page, "told", /^(?!10$)/);
        await figure(page, "told", /^10$/);
        // The lesson's own last press is over a moment after it is told.
        await page.waitForTimeout(1000);
        await button(page, words.open).waitFor();
        const hold = page.locator("[data-part=bell] [data-style=hold]");
        await hold.hover();
        await page.mouse.down();
        await button(page, words.closed).waitFor();
        await page.mouse.up();
        await button(page, words.open).waitFor();
        await figure(page, "told", /^11$/);
        await page.locator(".run-row [data-stop]").click();

        await bench.openRest();
        await bench.write(repositoryFile("lessons/F1-ask-or-be-told/solution.py"));
        await page.locator("[data-check]").click();
        await page.locator("[data-name=checked][data-step=done]").waitFor({ timeout: CHECK_TIMEOUT_MS });
        assert.deepEqual(await seriousViolations(page), []);
        await page.screenshot({ path: screenshotPath(`first-lesson-${place}-${language}`), fullPage: true });
      }));
    }
  }

  test("by keyboard", () => visit(workbench, { reducedMotion: true }, async (page) => {
    const bench = await open(page, "server");
    await pressTabTo(page, "input[data-question=slow]");
    await page.keyboard.press("ArrowDown");
    await bench.runFor(60);
    await page.locator("[data-run-row] [data-run]").focus();
    await page.keyboard.press("Enter");
    await figure(page, "told", /^10$/);
    await page.waitForTimeout(1000);
    await button(page, WORDS.en.open).waitFor();
    await pressTabTo(page, "[data-part=bell] [data-style=hold]");
    await page.keyboard.down("Space");
    await button(page, WORDS.en.closed).waitFor();
    await page.keyboard.up("Space");
    await button(page, WORDS.en.open).waitFor();
    await figure(page, "told", /^11$/);
    await page.locator("[data-run-row] [data-stop]").focus();
    await page.keyboard.press("Enter");
    await bench.rows.first().waitFor();
  }));

  test("on a phone, by touch: nothing is cut off", () => visit(workbench, { width: 390, height: 844 }, async (page) => {
    await open(page, "server");
    assert.deepEqual(await overflowing(page, FIRST), []);
    assert.deepEqual(await seriousViolations(page), []);
    await page.screenshot({ path: screenshotPath("first-lesson-phone"), fullPage: true });
  }));
});
