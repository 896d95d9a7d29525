/** The race explorer: every arrival tried, read by keyboard alone, compared, and led to by a Check that fails. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BenchPage, Workbench, overflowing, pressTabTo, repositoryFile, screenshotPath, seriousViolations, visit } from "./workbench.js";

const WORDS = /** @type {const} */ ({
  en: { lost: /^Lost, arrival \d+ of \d+/, kept: /^Kept, arrival/, own: "Your program" },
  ja: { lost: /^失われた, \d+ 通り中 \d+ 番目/, kept: /^無事, /, own: "自分のプログラム" },
});

/** A strip of the explorer and what belongs to it. */
class Strip {
  /**
   * @param {import("playwright-core").Page} page
   * @param {"a" | "b"} lane
   */
  constructor(page, lane) {
    this.page = page;
    this.selector = `[data-lane=${lane}]`;
    this.root = page.locator(this.selector);
    this.slider = this.root.locator("[data-strip]");
  }

  /** Waits until every arrival has been tried. */
  async explored() {
    await this.root.locator(".strip-chart .cursor-box").waitFor();
  }

  /** The slider's sentence about the arrival. */
  async says() {
    return await this.slider.getAttribute("aria-valuetext") ?? "";
  }

  /** @param {"tried" | "kept" | "lost"} name */
  async total(name) {
    return Number((await this.root.locator(`[data-totals] dd[data-${name}]`).innerText()).replace(/\D/g, ""));
  }
}

/** Waits until the arrival under the cursor has been played. @param {import("playwright-core").Page} page */
async function played(page) {
  await page.locator("[data-machine]:not([aria-busy]) .machine-code").waitFor();
}

describe("explorer", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const language of /** @type {const} */ (["en", "ja"])) {
    const words = WORDS[language];
    test(`from opening the page to a verdict and a comparison by keyboard alone (${language})`, () => visit(workbench, { language, reducedMotion: true }, async (page) => {
      const bench = new BenchPage(page);
      await bench.open("lost-update");
      await pressTabTo(page, ".app-nav a[href$='#explorer']");
      await page.keyboard.press("Enter");
      await page.waitForURL("**/lessons/lost-update#explorer");

      // Hard and plain is where the page begins.
      const [a, b] = [new Strip(page, "a"), new Strip(page, "b")];
      await pressTabTo(page, `${a.selector} [data-explore]`);
      await page.keyboard.press("Enter");
      await a.explored();
      const [tried, kept, lost] = [await a.total("tried"), await a.total("kept"), await a.total("lost")];
      assert.ok(tried > 200 && lost > 100, `${lost} of ${tried} lost`);
      assert.equal(kept + lost, tried);

      await pressTabTo(page, `${a.selector} [data-strip]`);
      assert.match(await a.says(), words.lost);
      await page.keyboard.press("ArrowLeft");
      assert.match(await a.says(), words.kept);
      await page.keyboard.press("ArrowRight");
      assert.match(await a.says(), words.lost);
      const first = Number(await a.slider.getAttribute("aria-valuenow"));
      // The losing arrivals are one interval: two changes, and none after.
      await page.keyboard.press("o");
      assert.match(await a.says(), words.kept);
      assert.equal(Number(await a.slider.getAttribute("aria-valuenow")) - first, lost);
      await page.keyboard.press("o");
      assert.equal(await a.slider.getAttribute("aria-valuenow"), await a.slider.getAttribute("aria-valuemax"));
      await page.keyboard.press("Home");
      assert.equal(await a.slider.getAttribute("aria-valuenow"), await a.slider.getAttribute("aria-valuemin"));
      await page.keyboard.press("]");
      assert.match(await a.says(), /LOAD_CONST_SMALL_INT/);
      await page.keyboard.press("]");
      assert.match(await a.says(), /BINARY_OP/);
      await page.keyboard.press("[");
      assert.match(await a.says(), /LOAD_CONST_SMALL_INT/);

      // Everything about this arrival, in words.
      await played(page);
      assert.match(await a.says(), words.lost);
      await page.locator("[data-verdict-panel] h3[data-verdict=lost]").waitFor();
      assert.ok((await page.locator(".verdict-sentence").innerText()).length > 20);
      assert.ok(await page.locator("[data-verdict-panel] ol li").count() >= 4, "main and callback both read and write");
      assert.match(await page.locator("[data-python] [aria-current=step]").innerText(), /LOAD_CONST_SMALL_INT/);
      assert.ok(await page.locator("[data-machine] [data-done=false]").count() > 0);

      // The same as a table, and the arrival access by access.
      await pressTabTo(page, `${a.selector} [data-table]`);
      await page.keyboard.press("Enter");
      await a.root.locator("table.chart-table tbody tr").first().waitFor();
      await pressTabTo(page, "[data-motion-on]");
      await page.keyboard.press("Enter");
      await page.locator("[data-motion-words]", { hasText: /^1\./ }).waitFor();
      await page.keyboard.press("Enter");
      await page.locator("[data-motion-words]", { hasText: /^2\./ }).waitFor();

      // Soft, below it: nothing is lost.
      await page.locator("[data-compare]").focus();
      await page.keyboard.press("Enter");
      await pressTabTo(page, `${b.selector} [data-explore]`);
      await page.keyboard.press("Enter");
      await b.explored();
      assert.equal(await b.total("tried"), tried);
      assert.equal(await b.total("lost"), 0);
      assert.equal(await a.total("lost"), lost, "the first strip stays");
      await pressTabTo(page, `${b.selector} [data-strip]`);
      await page.keyboard.press("End");
      assert.match(await b.says(), words.kept);
      await page.locator("[data-verdict-panel] h3[data-verdict=kept]").waitFor();
    }));

    test(`a wrong fix is answered with an arrival that still loses (${language})`, () => visit(workbench, { language }, async (page) => {
      const bench = new BenchPage(page);
      await bench.open("lost-update?prepare");
      await bench.write(repositoryFile("lessons/15-lost-update/wrong/step_first.py"));
      await page.locator("[data-check]").click();
      await page.locator("[data-show-arrival]").waitFor();
      const card = page.locator("[data-exercise]");
      assert.match(await card.locator(".criteria").innerText(), /lost = \d+/, "the criteria say what was measured");
      assert.doesNotMatch(await card.innerText(), /<code>|\[object|`/);
      await page.locator("[data-show-arrival]").click();
      const strip = new Strip(page, "a");
      await strip.explored();
      assert.ok(await strip.root.locator("input[value=own]").isChecked());
      assert.ok(await strip.total("lost") > 0);
      assert.match(await strip.says(), words.lost);
      await played(page);
      await page.locator("[data-verdict-panel] h3[data-verdict=lost]").waitFor();
      assert.ok(await page.evaluate(() => document.activeElement?.matches("[data-strip]")), "focus is on the arrival");
      // The check and the strip count the same arrivals, and the verdict stands beside them.
      const measured = await card.locator(".criteria li").last().innerText();
      for (const name of /** @type {const} */ (["tried", "lost"])) assert.match(measured.replaceAll("\u202f", ""), new RegExp(`${name} = ${await strip.total(name)}\\b`));
      const [beside, box] = await Promise.all([strip.root.locator("[data-verdict-panel]").boundingBox(), strip.slider.boundingBox()]);
      assert.ok(beside && box && beside.x > box.x + box.width && beside.y < box.y + box.height, "the verdict is beside the strip");
      // It is all there again after a reload, and no board is asked for that.
      const [says, lost] = [await strip.says(), await strip.total("lost")];
      const asked = [];
      page.on("request", (request) => { if (/\/explore(\/at)?$/.test(new URL(request.url()).pathname)) asked.push(request.url()); });
      await page.reload();
      await strip.explored();
      assert.deepEqual([await strip.says(), await strip.total("lost"), asked.length], [says, lost, 0]);
      await strip.root.locator("[data-verdict-panel] h3[data-verdict=lost]").waitFor();
      await page.locator("[data-explored]").filter({ hasText: String(lost) }).waitFor();

      // The right one has no losing arrival.
      await bench.write(repositoryFile("lessons/15-lost-update/solution.py"));
      await strip.root.locator("[data-note]", { hasText: words.own }).waitFor();
      await strip.root.locator("[data-explore]").click();
      await page.waitForFunction(() => document.querySelector("[data-lane=a] dd[data-lost]")?.textContent === "0");
    }));
  }

  test("what the explorer predicts is what free runs measure", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    const strip = new Strip(page, "a");
    await strip.root.locator("[data-explore]").click();
    await strip.explored();
    const shares = strip.root.locator("[data-shares] dd");
    await shares.nth(1).locator("button").click();
    await bench.runFor(4);
    await bench.run();
    await shares.nth(1).locator("strong").waitFor();
    const [predicted, measured] = (await shares.locator("strong").allInnerTexts()).map(Number.parseFloat);
    // At a single rate it counts how the timer's period and the loop go together: four points at most. Over six rates
    // `the_foretold_share_is_the_measured_one` holds them closer.
    assert.ok(Math.abs(predicted - measured) < 4.5, `${predicted} % predicted, ${measured} % measured`);
  }));

  test("a program that cannot be explored is refused with words and a code, and the page goes on", () => visit(workbench, {}, async (page) => {
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await bench.write("import lab\n\nwhile True print(1)\n");
    const strip = new Strip(page, "a");
    await strip.root.locator("input[value=own]").check({ force: true });
    await strip.root.locator("[data-explore]").click();
    await strip.root.locator("[data-lane-trouble] .code", { hasText: "explore-program-failed" }).waitFor();
    assert.match(await strip.root.locator("[data-lane-trouble]").innerText(), /SyntaxError/);
    await strip.root.locator("input[value=lesson]").check({ force: true });
    await strip.root.locator("[data-explore]").click();
    await strip.explored();
    assert.equal(await strip.root.locator("[data-lane-trouble] .code").count(), 0);
  }));

  for (const [width, theme, language, slug] of /** @type {const} */ ([
    [1440, "light", "en", "lost-update"], [1440, "dark", "ja", "lost-bytes"], [390, "light", "ja", "lost-update"], [390, "dark", "en", "lost-bytes"],
  ])) {
    test(`${slug}, ${width} px, ${theme}, ${language}: accessible, inside the page, and dragged by pointer`, () => visit(workbench, { width, theme, language }, async (page) => {
      const bench = new BenchPage(page);
      await bench.open(slug);
      const strip = new Strip(page, "a");
      await strip.root.locator("[data-explore]").click();
      await strip.explored();
      await played(page);
      await strip.slider.scrollIntoViewIfNeeded();
      const overview = await strip.slider.locator(".strip-overview").boundingBox();
      assert.ok(overview);
      await page.mouse.move(overview.x + 2, overview.y + 6);
      await page.mouse.down();
      const begin = Number(await strip.slider.getAttribute("aria-valuenow"));
      await page.mouse.move(overview.x + overview.width / 2, overview.y + 6, { steps: 4 });
      await page.mouse.up();
      assert.ok(Number(await strip.slider.getAttribute("aria-valuenow")) > begin + 50);
      await played(page);
      assert.deepEqual([...await seriousViolations(page), ...await overflowing(page, slug)], []);
      await page.locator("#explorer").screenshot({ path: screenshotPath(`explorer-${slug}-${width}-${theme}-${language}`) });
    }));
  }
});
