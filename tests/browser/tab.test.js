/** The board in the learner's own tab: the same lesson, the same numbers, and the server keeps them. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { counted } from "./programs.js";
import { BenchPage, Workbench, seriousViolations, visit } from "./workbench.js";

const WORDS = /** @type {const} */ ({
  en: { here: "The board runs in this tab.", share: /^\d+ % of real time$/, elsewhere: "The board runs on the server." },
  ja: { here: "ボードはこのタブで動いています。", share: /^実時間の \d+ %$/, elsewhere: "ボードはサーバーで動いています。" },
});
const SETTINGS = { kind: "soft", expression: "conditional", cure: "none" };
const SECONDS = 2;

/** @param {import("playwright-core").Page} page */
async function setUp(page) {
  const bench = new BenchPage(page);
  await bench.open("lost-update?board=tab");
  await page.locator("[data-board-place][data-stage=ready]").waitFor();
  for (const [name, value] of Object.entries(SETTINGS)) await bench.choose(name, value);
  await bench.runFor(SECONDS);
  return bench;
}

describe("the board in the tab", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const language of /** @type {const} */ (["en", "ja"])) {
    test(`counts what the command line counts, and the server keeps it (${language})`, () => visit(workbench, { language }, async (page) => {
      const words = WORDS[language];
      /** @type {string[]} */
      const asked = [];
      page.on("request", (request) => { if (request.method() === "POST") asked.push(new URL(request.url()).pathname); });
      const bench = await setUp(page);
      assert.equal(await page.locator("[data-board-place-text]").innerText(), words.here);
      const { ran, lost } = await bench.run();
      assert.deepEqual({ ran, lost }, await counted(SETTINGS, SECONDS));
      assert.ok(lost > 0 && ran > 0);
      assert.match(await page.locator("[data-board-share]").innerText(), words.share);
      assert.ok(!asked.includes("/api/run"), `the server's board was asked: ${asked}`);
      assert.deepEqual(await seriousViolations(page), []);

      await page.reload();
      await bench.rows.first().waitFor();
      assert.equal(await bench.rows.count(), 1);
    }));
  }

  test("the board is in the tab by itself; the button moves it, and the choice stays", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    const place = page.locator("[data-board-place]");
    await page.locator("[data-board-place][data-stage=ready]").waitFor();
    await place.locator("[data-move-board]").click();
    await page.locator("[data-board-place][data-place=server]").waitFor();
    assert.equal(await place.locator("[data-board-place-text]").innerText(), WORDS.en.elsewhere);
    await bench.open("torn-read");
    await page.locator("[data-board-place][data-place=server]").waitFor();
    await place.locator("[data-move-board]").click();
    await page.locator("[data-board-place][data-stage=ready]").waitFor();
  }));

  test("a program that never ends is stopped, and the console answers again", () => visit(workbench, {}, async (page) => {
    const bench = await setUp(page);
    await bench.write("while True:\n    pass\n");
    await bench.runFor(60);
    await page.locator(".run-row [data-run]").click();
    await page.locator("[data-board-chip][data-shown=running]").waitFor({ state: "attached" });
    await page.locator(".run-row [data-stop]").click();
    await page.locator("[data-board-chip][data-shown=ready]").waitFor({ state: "attached" });
    await page.locator("#console-line").fill("6 * 7");
    await page.locator("#console-line").press("Enter");
    await page.locator("[data-console]").filter({ hasText: "42" }).waitFor();
  }));
});
