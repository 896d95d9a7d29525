/** The console: it keeps its size, remembers what was typed, takes Ctrl-C and Ctrl-D, and shows no other lesson's text. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, seriousViolations, visit } from "./workbench.js";

const WORDS = /** @type {const} */ ({
  en: { over: "Time is over", stopped: "Stopped", notRun: "Not run yet", asks: "input" },
  ja: { over: "時間切れ", stopped: "停止しました", notRun: "未実行", asks: "入力" },
});
const FLOOD = "for i in range(2000):\n    print('line', i, 'of a flood that fills more than one screen')\n";

/** The console of a bench. */
class Console {
  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    this.output = page.locator("[data-console]");
    this.line = page.locator("#console-line");
  }

  /** @param {string} words */
  async shows(words) {
    await this.output.filter({ hasText: words }).waitFor();
  }

  /** @param {string} words */
  async type(words) {
    await this.line.fill(words);
    await this.line.press("Enter");
  }

  /** @param {string} words how often they stand there */
  async count(words) {
    return ((await this.output.textContent()) ?? "").split(words).length - 1;
  }

  /** Waits until they stand there more than so often. @param {string} words @param {number} times */
  async more(words, times) {
    await this.page.waitForFunction(([what, before]) => (document.querySelector("[data-console]")?.textContent ?? "").split(String(what)).length - 1 > Number(before), /** @type {const} */ ([words, times]));
  }
}

/** @param {import("playwright-core").Page} page @param {string} words */
async function state(page, words) {
  await page.locator("[data-run-state]").filter({ hasText: words }).waitFor();
}

describe("console", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const language of /** @type {const} */ (["en", "ja"])) {
    for (const place of /** @type {const} */ (["server", "tab"])) {
      const words = WORDS[language];
      test(`is talked to at any moment (${place}, ${language})`, () => visit(workbench, { language }, async (page) => {
        const bench = new BenchPage(page);
        const console = new Console(page);
        await bench.open(`lost-update?board=${place}`);
        await page.locator(`[data-board-place][data-place=${place}]`).waitFor({ state: "attached" });

        // A question is answered while the program runs.
        await bench.write("name = input('who? ')\nprint('hello', name)\n");
        await bench.runFor(60);
        await page.locator(".run-row [data-run]").click();
        await console.shows("who?");
        assert.equal(await page.locator("[data-prompt]").innerText(), words.asks);
        await console.type("Ada");
        await console.shows("hello Ada");
        await page.locator(".run-row [data-stop][aria-disabled=true]").waitFor();

        // A loop typed at the prompt ends with Ctrl-C from the keyboard, and by the button for fingers.
        for (const stop of ["key", "button"]) {
          const before = await console.count("KeyboardInterrupt");
          await console.type("while True: pass");
          await console.type("");
          if (stop === "key") await console.line.press("Control+c");
          else await page.locator("[data-send=interrupt]").click();
          await console.more("KeyboardInterrupt", before);
        }
        await console.line.press("Control+d");
        await console.shows("soft reboot");
        // What is typed while the interpreter begins anew may be lost, as on any board.
        await page.waitForTimeout(500);
        await console.type("6 * 7");
        await console.shows("42");

        // Ctrl-C ends a running program as Stop does; it is nobody's mistake.
        await bench.write("while True:\n    pass\n");
        await page.locator(".run-row [data-run]").click();
        await page.locator("[data-run-state] use[href='#icon-running']").waitFor();
        await page.locator("[data-board-chip][data-shown=running]").waitFor({ state: "attached" });
        await page.waitForFunction(() => /[1-9]/.test(document.querySelector("[data-elapsed]")?.textContent ?? ""));
        await page.locator("[data-send=interrupt]").click();
        await state(page, words.stopped);
        assert.equal(await page.locator("[data-trouble] .message").count(), 0);

        // A program without end is told that its time is over.
        await bench.runFor(1);
        await page.locator(".run-row [data-run]").click();
        await state(page, words.over);
        assert.doesNotMatch(await page.locator("[data-trouble]").innerText(), /KeyboardInterrupt/);
        assert.deepEqual(await seriousViolations(page), []);

        // What was typed comes back with the arrow keys, also after a reload.
        await page.reload();
        await page.locator("[data-board-chip][data-shown=ready]").waitFor({ state: "attached" });
        await console.shows("KeyboardInterrupt");
        await console.line.press("ArrowUp");
        assert.equal(await console.line.inputValue(), "6 * 7");
        await console.line.press("ArrowUp");
        assert.equal(await console.line.inputValue(), "while True: pass");
        await console.line.press("ArrowDown");
        await console.line.press("ArrowDown");
        assert.equal(await console.line.inputValue(), "");
        await state(page, words.over);

        // Another lesson has none of this.
        await bench.open(`torn-read?board=${place}`);
        await page.waitForTimeout(500);
        assert.doesNotMatch(await console.output.innerText(), /KeyboardInterrupt|hello Ada/);
        await state(page, words.notRun);
        assert.equal(await page.locator("[data-trouble] .message").count(), 0);
        assert.equal(await bench.rows.count(), 0);
        await console.line.press("ArrowUp");
        assert.equal(await console.line.inputValue(), "");
      }));
    }
  }

  for (const width of [1440, 390]) {
    test(`a flood scrolls inside and leaves the page as high as it was (${width} px)`, () => visit(workbench, { width }, async (page) => {
      const bench = new BenchPage(page);
      const console = new Console(page);
      await bench.open("lost-update");
      await bench.write(FLOOD);
      const heights = () => page.evaluate(() => [document.querySelector("[data-console]")?.clientHeight, document.querySelector(".bench-main")?.clientHeight]);
      const before = await heights();
      await page.locator(width > 700 ? ".run-row [data-run]" : "[data-bottom-bar] [data-run]").click();
      await console.shows("line 1999");
      const after = await heights();
      // A row of figures may round to another pixel.
      assert.ok(after.every((height, at) => Math.abs(Number(height) - Number(before[at])) <= 2), `${before} before, ${after} after`);
      assert.ok(((await console.output.textContent()) ?? "").length <= 40_000);
      assert.ok(await console.output.evaluate((output) => output.scrollHeight > 5 * output.clientHeight && output.scrollTop > 0), "it has scrolled to its end");
    }));
  }
});
