/** A learner's way through L15: predict, run, see, fix, checked; and nothing is lost by a reload or a crash. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, repositoryFile, visit } from "./workbench.js";

const SOLUTION = repositoryFile("lessons/15-lost-update/solution.py");
const WORDS = /** @type {const} */ ({
  en: { course: "Course", wrong: /You said 0/, right: /and so it is/, title: "Lost update", verified: /^Verified/ },
  ja: { course: "コース", wrong: /予想は「0」、結果は/, right: /そのとおりでした/, title: "失われた更新", verified: /^確認済み/ },
});

describe("lost update", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const [language, place] of /** @type {const} */ ([["en", "tab"], ["ja", "tab"], ["en", "server"]])) {
    const words = WORDS[language];
    test(`a learner finds the loss and mends it (${language}, the board is in the ${place})`, () => visit(workbench, { language }, async (page) => {
      await page.goto("/");
      assert.equal(await page.locator("h1").textContent(), words.course);
      const tile = page.locator('.lesson-tile[href="/lessons/lost-update"]');
      await page.locator(".chapter", { has: tile }).locator("summary").click();
      await tile.click();
      await page.waitForURL("**/lessons/lost-update");
      assert.equal(await page.locator("h1").textContent(), words.title);
      const bench = new BenchPage(page);
      await bench.open(`lost-update?board=${place}`);

      await page.locator('input[data-question=plain][value=zero]').check();
      await page.locator('input[data-question=conditional][value=zero]').check();
      await bench.runFor(2);

      await bench.choose("kind", "soft");
      await bench.choose("expression", "plain");
      const plain = await bench.run();
      assert.equal(plain.lost, 0);
      assert.ok(plain.ran >= 1000, `only ${plain.ran} callbacks`);
      assert.equal(plain.verdict, "holds");
      assert.match(await page.locator("[data-found=plain]").innerText(), words.right);

      await bench.choose("expression", "conditional");
      const conditional = await bench.run();
      assert.ok(conditional.lost > 0);
      assert.equal(conditional.verdict, "lost");
      assert.match(await page.locator("[data-found=conditional]").innerText(), words.wrong);
      assert.ok(await page.locator('.counter[data-value=lost]').evaluate((counter) => counter.hasAttribute("data-loud")));

      await bench.choose("kind", "hard");
      await bench.choose("cure", "disable_irq");
      assert.equal((await bench.run()).lost, 0);

      // The starter fails, the mended program passes.
      await page.locator("[data-check]").click();
      await page.locator("[data-check-message].trouble").waitFor();
      await bench.write(SOLUTION);
      await page.locator("[data-check]").click();
      await page.locator("[data-check-message]:not(.trouble) use[href='#icon-holds']").waitFor();
      await page.locator('[data-name=checked][data-step=done]').waitFor();
      // Whoever saw it pass first, the server has the last word.
      await page.locator("[data-proof]", { hasText: words.verified }).waitFor();

      await page.reload();
      await page.locator('[data-name=checked][data-step=done]').waitFor();
      await bench.rows.nth(2).waitFor();
      assert.equal(await bench.rows.count(), 3);
      assert.ok(await page.locator("input[data-question=conditional][value=zero]").isChecked());
      assert.match(await (await bench.program()).innerText(), /own|isr_count|main_count/);
      await page.goto("/");
      await page.locator('.lesson-tile[href="/lessons/lost-update"][data-state=passed]').waitFor({ state: "attached" });
    }));
  }

  test("a control changed during a run takes effect and is marked", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await bench.runFor(20);
    await bench.choose("kind", "soft");
    await bench.choose("expression", "plain");
    await page.locator(".run-row [data-run]").click();
    const lost = page.locator(".counter[data-value=lost] .figure");
    await page.waitForFunction(() => document.querySelector(".counter[data-value=lost] .figure")?.textContent === "0");
    await bench.choose("expression", "conditional");
    await page.locator(".counter[data-value=lost][data-loud]").waitFor();
    assert.notEqual(await lost.textContent(), "0");
    await page.locator('[data-instrument=history] [data-table]').click();
    await page.locator('[data-instrument=history] td', { hasText: "expression = conditional" }).waitFor();
    await page.locator("[data-instrument=timeline] [data-aside]", { hasText: "expression = conditional since" }).waitFor();
    await page.locator(".run-row [data-stop]").click();
    await bench.rows.first().waitFor();
  }));

  test("a reload in the middle of a run on the server keeps the run, its settings and its numbers", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update?board=server");
    await bench.runFor(60);
    await bench.choose("kind", "hard");
    await page.locator("#control-rate").focus();
    await page.keyboard.press("End");
    const ran = () => page.locator(".counter[data-value=isr_adds] .figure").textContent().then((words) => Number((words ?? "").replace(/\D/g, "")));
    await page.locator(".run-row [data-run]").click();
    await page.locator(".counter[data-value=lost][data-loud]").waitFor();
    const before = await ran();
    await page.reload();
    await page.locator("[data-run-state] use[href='#icon-running']").waitFor();
    await page.waitForFunction((least) => Number(document.querySelector(".counter[data-value=isr_adds] .figure")?.textContent?.replace(/\D/g, "")) > least, before);
    assert.ok(await page.locator("[data-control=kind] input[value=hard]").isChecked());
    assert.equal(await page.locator("#control-rate").getAttribute("aria-valuetext"), "20\u202f000 Hz");
    await page.locator(".run-row [data-stop]").click();
    await bench.rows.first().waitFor();
  }));

  test("a power cut during a run loses neither answers nor edits", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update?board=server");
    await page.locator("input[data-question=plain][value=some]").check();
    await bench.write("import lab\n# kept through the power cut\n");
    await bench.runFor(30);
    await page.locator(".run-row [data-run]").click();
    await page.locator("[data-run-state] use[href='#icon-running']").waitFor();
    await workbench.kill();
    await page.locator("[data-trouble] .message").waitFor();
    await workbench.start();
    await page.reload();
    assert.match(await (await bench.program()).innerText(), /kept through the power cut/);
    assert.ok(await page.locator("input[data-question=plain][value=some]").isChecked());
  }));

  test("a program with a mistake is answered with Python's own words", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await bench.write("import lab\nwhile True print(1)\n");
    await page.locator(".run-row [data-run]").click();
    await page.locator("[data-console]", { hasText: "SyntaxError" }).waitFor();
    await bench.show("lesson");
    await bench.choose("expression", "plain");
    await bench.choose("kind", "soft");
    await bench.runFor(1);
    assert.equal((await bench.run()).lost, 0);
  }));
});
