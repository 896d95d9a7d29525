/** Every page at every width, in both languages and both themes: accessible and complete. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, overflowing, screenshotPath, seriousViolations, visit } from "./workbench.js";

const PAGES = [
  ["course", "/"], ["documents", "/documents"], ["glossary", "/glossary"], ["lab", "/lab"], ["quiz", "/chapters/when/quiz"],
  ["teachers", "/teachers"], ["key", "/teachers/key"], ["worksheet", "/lessons/how-late/worksheet"],
  ["boards", "/boards"], ["trouble", "/no-such-page"],
];

describe("every page", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  // What has room depends on width and language, what has contrast on the theme alone.
  for (const [width, height, theme, language] of /** @type {const} */ ([
    [1440, 900, "light", "en"], [1440, 900, "dark", "ja"], [820, 1180, "dark", "en"], [820, 1180, "light", "ja"], [390, 844, "dark", "en"], [390, 844, "light", "ja"],
  ])) {
    test(`${width} px, ${theme}, ${language}`, () => visit(workbench, { width, height, theme, language }, async (page) => {
      const found = [];
      for (const [name, path] of PAGES) {
        await page.goto(path);
        found.push(...(await seriousViolations(page)).map((violation) => `${name}: ${violation}`));
        found.push(...await overflowing(page, name));
        await page.screenshot({ path: screenshotPath(`${name}-${width}-${theme}-${language}`), fullPage: true });
      }
      const bench = new BenchPage(page);
      await bench.open("lost-update");
      await bench.runFor(2);
      await bench.choose("expression", "conditional");
      await bench.run();
      await bench.program();
      found.push(...(await seriousViolations(page)).map((violation) => `bench: ${violation}`));
      found.push(...await overflowing(page, "bench"));
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: screenshotPath(`bench-${width}-${theme}-${language}`), fullPage: true });
      assert.deepEqual(found, []);
    }));
  }

  test("every lesson's bench runs", () => visit(workbench, {}, async (page) => {
    await page.goto("/");
    const lessons = await page.locator(".lesson-tile:not(.quiz-tile)").evaluateAll((links) => links.map((link) => link.getAttribute("href")?.split("/").at(-1) ?? ""));
    assert.ok(lessons.length >= 5, `only ${lessons}`);
    for (const slug of lessons) {
      const bench = new BenchPage(page);
      await bench.open(slug);
      await bench.runFor(1);
      await page.locator(".run-row [data-run]").click();
      await bench.rows.first().waitFor();
      assert.deepEqual(await seriousViolations(page), [], slug);
      await page.screenshot({ path: screenshotPath(`bench-${slug}`), fullPage: true });
    }
  }));

  test("a page is readable before its scripts run", async () => {
    const answer = await fetch(`${workbench.url}/lessons/lost-update`, { headers: { "accept-language": "ja" } });
    const html = await answer.text();
    assert.match(html, /失われた更新/);
    assert.match(html, /<textarea[^>]*data-own[^>]*>[^<]*def tick/);
    assert.match(html, /disable_irq/);
    assert.match(answer.headers.get("content-security-policy") ?? "", /script-src 'self'/);
  });

  test("language and theme follow the visitor", () => visit(workbench, {}, async (page) => {
    await page.goto("/boards");
    await page.locator(".languages button[value=ja]").click();
    await page.waitForURL("**/boards");
    assert.equal(await page.locator("html").getAttribute("lang"), "ja");
    await page.locator(".theme-menu summary").click();
    await page.locator(".theme-menu button[value=dark]").click();
    await page.waitForURL("**/boards");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    await page.goto("/");
    assert.equal(await page.locator("html").getAttribute("lang"), "ja");
  }));
});
