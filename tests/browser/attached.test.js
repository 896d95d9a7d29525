/** A learner's way with a real board: take it on the boards page, flash it, run L15 on it, give it back. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CabledBoard } from "./cabled-board.js";
import { BenchPage, Workbench, screenshotPath, seriousViolations, visit } from "./workbench.js";

const WORDS = /** @type {const} */ ({
  en: { take: "Take this board", flash: "Write the lesson firmware", back: "Give back", done: /written and verified/, there: /nothing was written/ },
  ja: { take: "このボードを使う", flash: "レッスン用ファームウェアを書き込む", back: "返す", done: /書き込み、確認しました/, there: /書き込みは不要/ },
});

describe("an attached board", () => {
  const board = new CabledBoard("lesson-firmware-esp32c3.bin");
  const official = new CabledBoard("plain-firmware-esp32c3.bin");
  const workbench = new Workbench();
  before(async () => {
    await Promise.all([board.start(), official.start()]);
    await workbench.start(["--board", board.port, "--board", official.port]);
  });
  after(async () => {
    await workbench.close();
    board.close();
    official.close();
  });

  for (const language of /** @type {const} */ (["en", "ja"])) {
    const words = WORDS[language];
    test(`is taken, flashed, run on and given back (${language})`, () => visit(workbench, { language }, async (page) => {
      await page.goto("/boards");
      const card = page.locator(`[data-board="${board.port}"]`);
      await card.locator("[data-action=take]", { hasText: words.take }).click();
      await card.and(page.locator("[data-state=ready]")).waitFor();
      await page.locator("[data-board-chip] .name", { hasText: "ESP32-C3" }).waitFor();
      assert.deepEqual(await seriousViolations(page), []);

      // By keyboard, and the focus stays on the card.
      await card.locator("[data-action=flash]", { hasText: words.flash }).press("Enter");
      await card.locator(".flash-done", { hasText: language === "en" ? words.done : words.there }).waitFor();
      await card.and(page.locator("[data-state=ready]")).waitFor();
      assert.ok(await card.evaluate((element) => element.contains(document.activeElement)), "the focus is lost");
      assert.match(await card.locator("[data-log]").textContent() ?? "", /ESP32-C3/);
      await page.screenshot({ path: screenshotPath(`boards-attached-${language}`), fullPage: true });

      const bench = new BenchPage(page);
      await bench.open("lost-update");
      await page.locator("details.run-details").evaluate((details) => { /** @type {HTMLDetailsElement} */ (details).open = true; });
      await page.locator("[data-real-time]:not([hidden])").waitFor();
      assert.equal(await page.locator("[data-pause-board]").isVisible(), false);
      await bench.runFor(1);
      await bench.choose("kind", "hard");
      await bench.choose("expression", "conditional");
      const row = await bench.run();
      assert.ok(row.ran > 100, `only ${row.ran} callbacks`);
      assert.equal(row.verdict, row.lost > 0 ? "lost" : "holds");

      await page.goto("/boards");
      await card.locator("[data-action=give-back]", { hasText: words.back }).click();
      await card.and(page.locator("[data-state=free]")).waitFor();
      await page.locator("[data-board^=virtual] [data-action=bench]").waitFor();
    }));
  }

  test("with official MicroPython says that it has no hard interrupts", () => visit(workbench, {}, async (page) => {
    await page.goto("/boards");
    const card = page.locator(`[data-board="${official.port}"]`);
    await card.locator("[data-action=take]").click();
    await card.and(page.locator("[data-state=ready]")).waitFor();
    await card.locator("dd", { hasText: "soft only" }).waitFor();
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await page.locator("[data-board-note]:not([hidden])", { hasText: "soft interrupts only" }).waitFor();
    await bench.choose("kind", "hard");
    await page.locator(".run-row [data-run]").click();
    await page.locator("[data-trouble] .code", { hasText: "board-needs-hard" }).waitFor();
    assert.deepEqual(await seriousViolations(page), []);
    await page.locator("[data-use-virtual]").click();
    await page.locator("[data-board-chip] .name", { hasText: "Virtual" }).waitFor();
    await page.locator("[data-board-note]").waitFor({ state: "hidden" });
    await bench.runFor(1);
    assert.ok((await bench.run()).ran > 0);
  }));
});
