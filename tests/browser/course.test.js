/** Somebody comes for the first time: the path, a word, the questions at a chapter's end; by mouse, touch and keyboard. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Workbench, pressTabTo, screenshotPath, seriousViolations, visit } from "./workbench.js";

describe("the course", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  test("who comes for the first time begins at the first lesson and comes back to it", () => visit(workbench, {}, async (page) => {
    await page.goto("/");
    const card = page.locator(".continue");
    assert.match(await card.innerText(), /Start here/);
    const first = await page.locator(".lesson-tile").first().getAttribute("href");
    assert.equal(await card.locator("a").getAttribute("href"), first);
    assert.equal(await page.locator(".chapter details[open]").count(), 1);

    await card.locator("a").click();
    await page.waitForURL(`**${first}`);
    await page.locator("input[data-question]").first().check({ force: true });
    // The answer is kept on the server before the visitor leaves.
    await page.waitForFunction(async (slug) => {
      const kept = await (await fetch(`/api/lessons/${slug}/work`)).json();
      return Object.keys(kept.prediction ?? {}).length > 0;
    }, first?.split("/").at(-1));
    await page.locator(".app-nav a").first().click();
    await card.filter({ hasText: "Continue here" }).waitFor();
    assert.equal(await page.locator(".lesson-tile[aria-current=step]").getAttribute("href"), first);
  }));

  test("chapters open one at a time, by keyboard too", () => visit(workbench, { reducedMotion: true }, async (page) => {
    await page.goto("/");
    await pressTabTo(page, ".chapter:nth-child(2) summary");
    await page.keyboard.press("Enter");
    await page.locator(".chapter:nth-child(2) .lesson-tile").first().waitFor();
    assert.equal(await page.locator(".chapter details[open]").count(), 1);
    await pressTabTo(page, ".chapter:nth-child(2) .quiz-tile");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/chapters/*/quiz");
  }));

  test("a little time gives lessons that fit", () => visit(workbench, { width: 390, height: 844 }, async (page) => {
    await page.goto("/");
    await page.locator(".time-choices a").first().click();
    await page.waitForURL("**/?time=45");
    assert.ok(await page.locator(".lectures .lesson-chip").count() > 2);
    assert.deepEqual(await seriousViolations(page), []);
  }));

  for (const [language, others] of /** @type {const} */ ([["en", /[\u3040-\u30ff\u4e00-\u9fff]/], ["ja", /^[\x20-\x7e]+$/]])) {
    test(`the documents are in the reader's language: ${language}`, () => visit(workbench, { language }, async (page) => {
      await page.goto("/documents");
      const headings = await page.locator("h2, .document-section .heading").allInnerTexts();
      assert.ok(headings.length > 20);
      assert.deepEqual(headings.filter((heading) => others.test(heading)), []);
      assert.ok(await page.locator(`[lang=${language === "en" ? "ja" : "en"}].original`).count() === 1, "the other document's own title");
    }));
  }

  test("a word explains itself, by keyboard and by touch", async () => {
    await visit(workbench, {}, async (page) => {
      await page.goto("/lessons/where-can-it-strike");
      await pressTabTo(page, ".term");
      await page.keyboard.press("Enter");
      const note = page.locator(".term-note:popover-open");
      await note.waitFor();
      assert.deepEqual(await seriousViolations(page), []);
      await page.screenshot({ path: screenshotPath("term-1440") });
      await page.keyboard.press("Escape");
      await note.waitFor({ state: "hidden" });
      assert.ok(await page.evaluate(() => document.activeElement?.classList.contains("term")), "focus is where it was");
    });
    await visit(workbench, { width: 390, height: 844, language: "ja" }, async (page) => {
      await page.goto("/lessons/where-can-it-strike");
      await page.locator(".term").first().tap().catch(() => page.locator(".term").first().click());
      const note = page.locator(".term-note:popover-open");
      await note.waitFor();
      const box = await note.boundingBox();
      assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 390, "the note is on the screen");
      await page.screenshot({ path: screenshotPath("term-390-ja") });
      await note.locator("a").click();
      await page.waitForURL("**/glossary#term-*");
      assert.equal(await page.locator(".glossary-term:target").count(), 1);
    });
  });

  test("questions are answered and compared without a pointer", () => visit(workbench, {}, async (page) => {
    await page.goto("/chapters/when/quiz");
    const question = page.locator(".quiz-question").first();
    const wrong = question.locator("input[value=other]").first();
    await wrong.focus();
    await page.keyboard.press("Space");
    assert.ok(!await question.locator(".quiz-right").isVisible());
    await pressTabTo(page, ".quiz-answer summary");
    await page.keyboard.press("Enter");
    assert.match(await question.locator(".quiz-right").innerText(), /Another answer is right/);
    await question.locator("input[value=right]").check({ force: true });
    assert.match(await question.locator(".quiz-right").innerText(), /You were right/);
    assert.deepEqual(await seriousViolations(page), []);
  }));

  test("a call in a text leads to its place in the reference", () => visit(workbench, {}, async (page) => {
    await page.goto("/lessons/keep-it-short");
    await page.locator('a[href="/lab#beat"]').first().click();
    await page.waitForURL("**/lab#beat");
    assert.match(await page.locator(".lab-call:has(:target)").innerText(), /lab\.beat/);
  }));

  test("a worksheet prints on paper of its own, without the page around it", () => visit(workbench, {}, async (page) => {
    await page.goto("/chapters/when/worksheets");
    await page.emulateMedia({ media: "print" });
    assert.ok(!await page.locator(".app-bar").isVisible());
    const breaks = await page.locator(".sheet").evaluateAll((sheets) => sheets.map((sheet) => getComputedStyle(sheet).breakAfter));
    assert.deepEqual(breaks, [...Array(breaks.length - 1).fill("page"), "auto"]);
    const pdf = await page.pdf({ format: "A4" });
    assert.ok(pdf.length > 10_000);
  }));
});
