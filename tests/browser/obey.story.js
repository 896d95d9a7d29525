/** A learner who obeys: L01, L03 and L15 as their texts say, and what predictions and rows then say. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, visit } from "./workbench.js";

/** Settings that are left alone for so long on the board's clock count as tried. */
const STRETCH_S = 1.3;

const WORDS = /** @type {const} */ ({
  en: { right: /and so it is/, wrong: /The bench shows/, part: /part \d of \d/, stopped: /Stopped|no verdict/ },
  ja: { right: /そのとおりでした/, wrong: /結果は/, part: /実行の一部（\d\/\d）/, stopped: /停止しました|判定なし/ },
});
/** What a learner says who knows it all but for the last question of the lesson. */
const ANSWERS = {
  "where-can-it-strike": { soft: "one", with_if: "five" },
  "keep-it-short": { share: "little" },
  "lost-update": { plain: "zero", conditional: "zero" },
};

/**
 * Answers the questions as the text asks for.
 * @param {import("playwright-core").Page} page
 * @param {keyof typeof ANSWERS} slug
 */
async function predict(page, slug) {
  for (const [question, answer] of Object.entries(ANSWERS[slug])) await page.locator(`input[data-question=${question}][value=${answer}]`).check();
}

/**
 * Every question has its answer from the board, and what comes after them is open.
 * @param {import("playwright-core").Page} page
 * @param {keyof typeof ANSWERS} slug
 * @param {typeof WORDS["en" | "ja"]} words
 */
async function told(page, slug, words) {
  await page.locator(".after[data-after]").waitFor();
  const found = await page.locator("[data-predictions] [data-found]").allInnerTexts();
  assert.equal(found.length, Object.keys(ANSWERS[slug]).length);
  const right = slug === "keep-it-short" ? [true] : [true, false];
  found.forEach((said, index) => assert.match(said, right[index] ? words.right : words.wrong));
}

/** Leaves the settings alone for a while, however fast the board is here. @param {import("playwright-core").Page} page */
async function leaveAlone(page) {
  // The whole length stands beside it, before or behind.
  const elapsed_s = async () => {
    const numbers = [...(await page.locator("[data-elapsed]").innerText()).matchAll(/[\d.]+/g)].map(Number);
    return numbers.length === 0 ? 0 : Math.min(...numbers);
  };
  const until_s = await elapsed_s() + STRETCH_S;
  while (await elapsed_s() < until_s) await page.waitForTimeout(100);
}

describe("a learner who obeys", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const [slug, language] of /** @type {const} */ ([
    ["where-can-it-strike", "en"], ["where-can-it-strike", "ja"], ["keep-it-short", "en"], ["keep-it-short", "ja"], ["lost-update", "en"], ["lost-update", "ja"],
  ])) {
    const words = WORDS[language];
    test(`runs each setting of ${slug} once (${language})`, () => visit(workbench, { language }, async (page) => {
      const bench = new BenchPage(page);
      await bench.open(slug);
      await predict(page, slug);
      await bench.runFor(2);
      const tries = page.locator("[data-try] button");
      const count = await tries.count();
      for (let index = 0; index < count; index += 1) {
        await tries.nth(index).click();
        await page.keyboard.press("Enter");
        await bench.rows.nth(index).waitFor();
        await page.locator(`[data-try]:nth-child(${index + 1}) > .icon use[href='#icon-holds']`).waitFor();
      }
      assert.equal(await bench.rows.count(), count);
      for (const row of await bench.rows.all()) {
        assert.match(String(await row.getAttribute("data-verdict")), /holds|lost|price/);
        assert.doesNotMatch(await row.innerText(), words.stopped);
      }
      await told(page, slug, words);
    }));

    test(`changes the settings of ${slug} while it runs (${language})`, () => visit(workbench, { language }, async (page) => {
      const bench = new BenchPage(page);
      await bench.open(slug);
      await predict(page, slug);
      await bench.runFor(60);
      const tries = page.locator("[data-try] button");
      const count = Math.min(3, await tries.count());
      await tries.nth(0).click();
      await page.keyboard.press("Enter");
      await page.locator("[data-run-state] use[href='#icon-running']").waitFor();
      for (let index = 1; index < count; index += 1) {
        await leaveAlone(page);
        await tries.nth(index).click();
      }
      await leaveAlone(page);
      await bench.stop();
      await bench.rows.nth(count - 1).waitFor();
      assert.equal(await bench.rows.count(), count, "one row for each setting");
      for (const row of await bench.rows.all()) {
        assert.match(await row.innerText(), words.part);
        assert.match(String(await row.getAttribute("data-verdict")), /holds|lost|price/);
        assert.doesNotMatch(await row.innerText(), words.stopped);
      }
      await told(page, slug, words);
    }));
  }

  test("the work of L03 is made longer while it runs, and each length has its row", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("keep-it-short");
    await bench.runFor(60);
    await bench.choose("kind", "soft");
    await page.locator("#control-rate").evaluate((slider) => { /** @type {HTMLInputElement} */ (slider).value = "0"; slider.dispatchEvent(new Event("input")); });
    await page.locator(".run-row [data-run]").click();
    await page.locator("[data-run-state] use[href='#icon-running']").waitFor();
    const field = page.locator("[data-control=work] input[type=text]");
    await leaveAlone(page);
    await field.fill("1800");
    await field.press("Enter");
    await leaveAlone(page);
    await bench.stop();
    await bench.rows.nth(1).waitFor();
    const stalls = await bench.rows.locator("td[data-name=stall_max]").allInnerTexts();
    const ms = stalls.map((words) => Number.parseFloat(words) / (words.includes("µs") ? 1000 : 1));
    assert.ok(ms[0] >= 0.9 && ms[0] < 1.8 && ms[1] >= 1.8, `${stalls}`);
  }));
});
