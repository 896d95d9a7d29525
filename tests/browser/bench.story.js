/** The bench as a lesson is worked through: answers closed until they are asked for, program beside result, one Run. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, overflowing, repositoryFile, screenshotPath, seriousViolations, visit } from "./workbench.js";

const WORDS = /** @type {const} */ ({
  en: { see: "What you see", own: "your program", lesson: "the lesson's program", part: /part 1 of 2/, line: /line 2/, nothing: /Nothing else was checked/, advice: "Lesson: what allocates", title: "What allocates" },
  ja: { see: "見えること", own: "自分のプログラム", lesson: "レッスンのプログラム", part: /実行の一部/, line: /2 行目/, nothing: /ほかの条件は調べていません/, advice: "レッスン: 割り当てるのはどれ", title: "" },
});
const FORGETFUL = "import lab\nlab.value('count', coutn)\n";
const ALLOCATES = "import lab\nimport micropython\n\nmicropython.alloc_emergency_exception_buf(100)\n\n\ndef tick(t):\n    return [t]\n\n\ntimer = lab.timer(tick)\nwhile lab.running():\n    pass\n";

/** @param {import("playwright-core").Page} page */
function closed(page) {
  return page.locator("[data-closed]");
}

describe("bench", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const [language, width] of /** @type {const} */ ([["en", 1440], ["ja", 390]])) {
    const words = WORDS[language];
    test(`what answers the questions opens when they are answered and run (${language}, ${width} px)`, () => visit(workbench, { language, width }, async (page) => {
      const bench = new BenchPage(page);
      await bench.open("lost-update");
      const after = page.locator(".after[data-after]");
      assert.ok(await after.isHidden() && await page.locator("[data-exercise]").isHidden());
      assert.equal(await closed(page).locator(".closed-card").count(), 3);
      assert.equal(await page.locator(".cm-hazard-note").count(), 0);
      await bench.runFor(1);
      const run = page.locator(width > 700 ? ".run-row [data-run]" : "[data-bottom-bar] [data-run]");

      // A run without an answer runs, and opens nothing.
      await run.click();
      await bench.rows.first().waitFor();
      assert.ok(await after.isHidden());
      await page.screenshot({ path: screenshotPath(`bench-closed-${width}-${language}`), fullPage: true });

      // One question answered is not enough; with both answered the page says what is left to run, and sets it.
      await page.locator("input[data-question=plain][value=some]").check();
      await page.locator("input[data-question=conditional][value=some]").check();
      assert.ok(await after.isHidden());
      const still = closed(page).locator("[data-still] code");
      await still.filter({ hasText: "count += 1 if flag else 2" }).waitFor();
      await closed(page).locator("[data-set-next]").click();
      assert.equal(await page.locator("[data-control=expression] input:checked").getAttribute("value"), "conditional");
      await run.click();
      await after.waitFor();
      assert.ok(await closed(page).isHidden() && await page.locator("[data-exercise]").isVisible());
      assert.ok((await after.innerText()).includes(words.see) || language === "ja");
      assert.deepEqual([...await seriousViolations(page), ...await overflowing(page, "open")], []);

      // It stays open, whatever becomes of the rows.
      await page.locator("[data-clear]").click();
      await page.reload();
      await after.waitFor();
      assert.ok(await closed(page).isHidden());
    }));
  }

  test("a host who prepares sees everything, and so does a page without scripts", () => visit(workbench, {}, async (page, context) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await page.locator(".prepare a").click();
    await page.waitForURL("**/lessons/lost-update?prepare");
    assert.ok(await page.locator(".after[data-after]").isVisible() && await page.locator("[data-exercise]").isVisible());
    assert.ok(await page.locator("[data-explain][open]").isVisible());
    const plain = await context.browser()?.newContext({ baseURL: workbench.url, javaScriptEnabled: false });
    assert.ok(plain);
    const silent = await plain.newPage();
    await silent.goto("/lessons/lost-update");
    assert.ok(await silent.locator(".after[data-after]").isVisible() && await silent.locator("[data-exercise]").isVisible());
    assert.ok(await silent.locator("[data-closed]").isHidden());
    await plain.close();
  }));

  for (const [width, height] of [[1440, 900], [1280, 800]]) {
    test(`the program stands beside its result from the first moment (${width} px)`, () => visit(workbench, { width, height }, async (page) => {
      const bench = new BenchPage(page);
      for (const slug of ["lost-update", "where-can-it-strike", "keep-it-short"]) {
        await bench.open(slug);
        await bench.program();
        await page.evaluate(() => scrollTo(0, 0));
        const [program, result] = await Promise.all([page.locator("[data-editor]").boundingBox(), page.locator(".bench-first > [data-instrument]").boundingBox()]);
        assert.ok(program && result);
        assert.ok(Math.abs(program.y - result.y) < 4 && result.x > program.x + program.width, `${slug}: side by side`);
        assert.ok(program.y < 0.8 * height, `${slug}: the program begins at ${program.y} of ${height}`);
        assert.deepEqual(await overflowing(page, slug), []);
        await page.screenshot({ path: screenshotPath(`bench-first-${slug}-${width}`) });
      }
    }));
  }

  test("on a phone the program is one tap away, and its result one tap back", () => visit(workbench, { width: 390, height: 844 }, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    const door = page.locator("[data-to-program]");
    const seen = (/** @type {string} */ selector) => page.waitForFunction((wanted) => {
      const box = document.querySelector(wanted)?.getBoundingClientRect();
      return box !== undefined && box.top < innerHeight - 100 && box.bottom > 100;
    }, selector);
    await door.click();
    await seen("[data-editor]");
    await door.filter({ hasText: "Result" }).click();
    await seen(".bench-first > [data-instrument]");
  }));

  for (const language of /** @type {const} */ (["en", "ja"])) {
    const words = WORDS[language];
    test(`one Run says what it runs, and an error is marked in its line (${language})`, () => visit(workbench, { language }, async (page) => {
      const bench = new BenchPage(page);
      await bench.open("lost-update");
      const what = page.locator(".run-row [data-run-what]");
      assert.equal(await what.innerText(), words.lesson);
      await bench.write(FORGETFUL);
      assert.equal(await what.innerText(), words.own);
      await page.locator(".cm-content").click();
      await page.keyboard.press("Control+Enter");
      const failed = page.locator(".cm-line.cm-failed");
      await failed.waitFor();
      assert.match(await failed.innerText(), /coutn/);
      assert.match(await page.locator(".cm-failed-note").innerText(), /NameError/);
      assert.match(await page.locator("[data-trouble]").innerText(), words.line);
      assert.ok(await page.locator(".run-row").evaluate((row) => row.getBoundingClientRect().bottom > 0), "the run row is in sight");
      await page.screenshot({ path: screenshotPath(`bench-error-${language}`) });

      // Repaired, the mark goes with the next run.
      await bench.write("import lab\nlab.value('count', 1)\n");
      await page.keyboard.press("Control+Enter");
      await failed.waitFor({ state: "detached" });
      await page.locator(".run-row [data-stop][aria-disabled=true]").waitFor();

      // An error of a known kind has one sentence and a link, below its traceback.
      await bench.choose("kind", "hard");
      await bench.runFor(1);
      await bench.write(ALLOCATES);
      await page.keyboard.press("Control+Enter");
      const advice = page.locator("[data-advice] a");
      await advice.waitFor();
      assert.equal(await advice.innerText(), words.advice);
      await failed.filter({ hasText: "return [t]" }).waitFor();
      await page.locator(".run-row [data-stop][aria-disabled=true]").waitFor();
      await advice.click();
      await page.waitForURL("**/lessons/what-allocates");
      assert.equal(await page.locator("[data-advice]:visible").count(), 0);
    }));

    test(`a check says one thing of one mistake, and its words outlive a reload (${language})`, () => visit(workbench, { language }, async (page) => {
      const bench = new BenchPage(page);
      await bench.open("where-can-it-strike?prepare");
      await bench.write("import lab\nwhile True print(1)\n");
      await bench.show("lesson");
      await page.locator("[data-check]").click();
      const message = page.locator("[data-check-message].trouble");
      await message.waitFor();
      assert.match(await message.innerText(), words.line);
      assert.match(await message.innerText(), words.nothing);
      assert.equal(await page.locator("[data-criterion] > .icon use:not([href='#icon-ring'])").count(), 0);
      await page.locator(".cm-line.cm-failed", { hasText: "while True print" }).waitFor();
      await page.reload();
      await message.waitFor();
      assert.match(await message.innerText(), words.nothing);

      await bench.write(repositoryFile("lessons/01-where-can-it-strike/starter.py"));
      await page.locator("[data-check]").click();
      await page.locator("[data-criterion] > .icon use[href='#icon-lost']").first().waitFor();
      const said = await message.innerText();
      await page.reload();
      await message.waitFor();
      assert.equal(await message.innerText(), said);
    }));
  }

  for (const place of ["server", "tab"]) {
    test(`numbers, picture and rows of the last run are there again after a reload (${place})`, () => visit(workbench, {}, async (page) => {
      const bench = new BenchPage(page);
      await bench.open(`where-can-it-strike?board=${place}`);
      await bench.runFor(1);
      await page.locator(".run-row [data-run]").click();
      await bench.rows.first().waitFor();
      const shown = async () => {
        await page.locator(".bench-first [data-table][aria-expanded=false]").click();
        return page.locator(".bench-first table.chart-table").innerText();
      };
      await page.waitForTimeout(400);
      const before = await shown();
      await page.reload();
      await page.locator("[data-board-chip][data-shown=ready]").waitFor({ state: "attached" });
      await page.waitForFunction(() => document.querySelector("[data-run-state] use")?.getAttribute("href") === "#icon-holds");
      assert.equal(await shown(), before);
      assert.equal(await bench.rows.count(), 1);
    }));
  }
});
