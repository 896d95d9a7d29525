/** The logic analyser on a lesson's page: ten presses as edges, cursors by mouse and by keyboard, and both files. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { press } from "./hands.js";
import { BenchPage, Workbench, screenshotPath, seriousViolations, visit } from "./workbench.js";

const LESSON = "ask-or-be-told";
const BELL_PIN = 10;
const PRESSES = 10;
/** What the lesson's wiring says. */
const HELD_MS = 30;
/** A part moves at the boundary of an instruction. */
const SLACK_MS = 0.001;
const WORDS = /** @type {const} */ ({
  en: { falls: "falls", ran: "callback", recorded: "Recorded" },
  ja: { falls: "立ち下がり", ran: "コールバック", recorded: "記録" },
});

/** What a button of the analyser saves. @param {import("playwright-core").Page} page @param {string} what */
async function saved(page, what) {
  const download = page.waitForEvent("download");
  await page.locator(`[data-pins=${what}]`).click();
  return readFileSync(await (await download).path(), "utf8");
}

/** How often a pin falls in a value change dump. @param {string} vcd @param {number} pin */
function falls(vcd, pin) {
  const code = new RegExp(`\\$var wire 1 (\\S+) GPIO${pin}\\b`).exec(vcd.replaceAll("_", " "))?.[1];
  assert.ok(code !== undefined, vcd.slice(0, 400));
  const changes = vcd.slice(vcd.indexOf("$dumpvars"));
  return changes.slice(changes.indexOf("$end")).split("\n").filter((line) => line === `0${code}`).length;
}

describe("the analyser on a lesson's page", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const [hand, place, language] of /** @type {const} */ ([["mouse", "tab", "en"], ["keyboard", "server", "ja"]])) {
    test(`tells each press and what became of it, by ${hand}`, () => visit(workbench, { language }, async (page) => {
      const words = WORDS[language];
      const bench = new BenchPage(page);
      await bench.open(`${LESSON}?board=${place}`);
      await page.locator(`[data-board-place][data-place=${place}]`).waitFor({ state: "attached" });
      await press(page, hand, "[data-analyser] summary");
      await page.locator("[data-pins-state]").filter({ hasText: /./ }).waitFor();
      await page.locator("input[data-question=slow]").first().check();
      await bench.runFor(3);
      await page.locator(".run-row [data-run]").click();
      await bench.rows.first().waitFor();
      await page.locator("[data-pins-state]").filter({ hasText: words.recorded }).waitFor();

      await press(page, hand, "[data-pins=whole]");
      const row = page.locator("[data-pins-rows] tbody tr").filter({ hasText: words.falls });
      await row.nth(PRESSES - 1).waitFor();
      assert.equal(await row.count(), PRESSES);
      assert.equal(await row.filter({ hasText: words.ran }).count(), PRESSES, await page.locator("[data-pins-rows]").innerText());

      // From the first fall to the rise after it.
      const step = () => (hand === "mouse" ? press(page, hand, "[data-pins=later]") : page.keyboard.press("ArrowRight"));
      const put = (/** @type {"1" | "2"} */ cursor) => (hand === "mouse" ? press(page, hand, `[data-pins=${cursor === "1" ? "one" : "two"}]`) : page.keyboard.press(cursor));
      if (hand === "keyboard") await page.locator("[data-pins-chart]").focus();
      do await step(); while (!(await page.locator("[data-pins-said]").innerText()).includes(words.falls));
      await put("1");
      await step();
      await put("2");
      const facts = await page.locator("[data-pins-facts]").innerText();
      const apart_ms = Number(/Δ ([\d.]+)/.exec(facts)?.[1]);
      assert.ok(Math.abs(apart_ms - HELD_MS) <= SLACK_MS, `${facts}: the button was held for ${HELD_MS} ms`);

      assert.equal(falls(await saved(page, "vcd"), BELL_PIN), PRESSES);
      const trace = JSON.parse(await saved(page, "perfetto"));
      assert.ok(trace.traceEvents.length > 2 * PRESSES, `${trace.traceEvents.length} events`);
      assert.deepEqual(await seriousViolations(page), []);
      await page.screenshot({ path: screenshotPath(`analyser-lesson-${hand}`), fullPage: true });
    }));
  }
});
