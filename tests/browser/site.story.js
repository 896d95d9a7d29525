/**
 * The course as static files: from a plain web server that knows nothing of it, and opened as files. Board, checks and
 * explorer are in the tab, and the work is in the browser.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { PlainServer, counted, isrlab } from "./programs.js";
import { BenchPage, CHECK_TIMEOUT_MS, launch, repositoryFile, seriousViolations, visit } from "./workbench.js";

const SOLUTION = repositoryFile("lessons/15-lost-update/solution.py");
const SETTINGS = { kind: "soft", expression: "conditional", cure: "none" };
const SECONDS = 2;
const WORDS = /** @type {const} */ ({
  en: { root: "", course: "Course", other: "日本語", title: "Lost update", program: "Boards at a cable need the program", passed: /^1 of \d+ lessons passed$/ },
  ja: { root: "ja/", course: "コース", other: "English", title: "失われた更新", program: "実物のボードにはプログラムが必要です", passed: /中 1 合格$/ },
});

for (const kind of /** @type {const} */ (["from a web server", "as files"])) {
  describe(`the site, ${kind}`, () => {
    const out = mkdtempSync(join(tmpdir(), "isrlab-site-"));
    const server = new PlainServer();
    const site = { url: "" };
    before(async () => {
      await isrlab(["site", "--out", out, ...(kind === "as files" ? ["--single"] : [])]);
      site.url = kind === "as files" ? pathToFileURL(out).href : await server.start(out);
    });
    after(() => {
      server.close();
      rmSync(out, { recursive: true, force: true });
    });

    for (const language of /** @type {const} */ (["en", "ja"])) {
      const { root, course, title, other, program, passed } = WORDS[language];
      test(`a learner's way (${language})`, () => visit(site, { language }, async (page) => {
        await page.goto(`${site.url}/${root}index.html`);
        assert.equal(await page.locator("h1").textContent(), course);
        await page.locator('.lesson-chip[href$="lessons/lost-update.html"]').click();
        assert.equal(await page.locator("h1").textContent(), title);
        await page.locator("[data-board-place][data-stage=ready]").waitFor();
        assert.equal(await page.locator("[data-move-board]").isVisible(), false);
        const bench = new BenchPage(page);
        for (const [name, value] of Object.entries(SETTINGS)) await bench.choose(name, value);
        await bench.runFor(SECONDS);
        const { ran, lost } = await bench.run();
        assert.deepEqual({ ran, lost }, await counted(SETTINGS, SECONDS));

        assert.equal(await page.locator("[data-check]").isVisible(), false, "what comes after the questions waits for answers");
        await bench.openRest();
        await page.locator("[data-explore]").first().click();
        await page.locator('[data-strip]:not([aria-valuemax="0"])').first().waitFor();
        await page.locator("[data-check]").click();
        await page.locator("[data-check-message].trouble").waitFor({ timeout: CHECK_TIMEOUT_MS });
        await bench.write(SOLUTION);
        await page.locator("[data-check]").click();
        await page.locator("[data-check-message]:not(.trouble) use[href='#icon-holds']").waitFor({ timeout: CHECK_TIMEOUT_MS });
        await page.locator("[data-name=checked][data-step=done]").waitFor();
        assert.deepEqual(await seriousViolations(page), []);

        await page.reload();
        await page.locator("[data-name=checked][data-step=done]").waitFor();
        await bench.rows.first().waitFor();
        await bench.show("own");
        assert.match(await (await bench.program()).innerText(), /whoever reads adds them up/);
        await page.locator("nav.app-nav a").first().click();
        await page.locator('.lesson-chip[href$="lessons/lost-update.html"][data-state=passed]').first().waitFor();
        await page.locator("[data-course-progress]", { hasText: passed }).waitFor();
        assert.deepEqual(await seriousViolations(page), []);
        await page.locator("nav.app-nav a").last().click();
        await page.locator("h2", { hasText: program }).waitFor();
        await page.locator(".languages a", { hasText: other }).click();
        await page.waitForFunction((lang) => document.documentElement.lang === lang, language === "en" ? "ja" : "en");
      }));
    }

    test("the work goes to a file and comes back in another browser", async () => {
      let saved = "";
      await visit(site, {}, async (page) => {
        const bench = new BenchPage(page);
        await page.goto(`${site.url}/lessons/lost-update.html`);
        await bench.write("import lab\n# kept in a file\n");
        await page.goto(`${site.url}/index.html`);
        const [download] = await Promise.all([page.waitForEvent("download"), page.locator("[data-site-save]").click()]);
        saved = readFileSync(await download.path(), "utf8");
        assert.match(saved, /kept in a file/);
      });
      await visit(site, {}, async (page) => {
        await page.goto(`${site.url}/index.html`);
        const picker = page.locator("[data-site-work] input[type=file]");
        await picker.setInputFiles({ name: "other.json", mimeType: "application/json", buffer: Buffer.from("{}") });
        await page.locator("[data-site-said]", { hasText: "no file with work" }).waitFor();
        await picker.setInputFiles({ name: "work.json", mimeType: "application/json", buffer: Buffer.from(saved) });
        await page.locator('.lesson-chip[href$="lessons/lost-update.html"][data-state=started]').first().waitFor();
        await page.goto(`${site.url}/lessons/lost-update.html`);
        const bench = new BenchPage(page);
        await bench.show("own");
        assert.match(await (await bench.program()).innerText(), /kept in a file/);
      });
    });

    if (kind === "as files") return;
    test("is there without a network from the second visit on", async () => {
      const browser = await launch();
      try {
        const page = await browser.newPage();
        await page.goto(`${site.url}/index.html`);
        await page.evaluate(() => navigator.serviceWorker.ready.then(({ active }) => active?.state));
        server.close();
        await page.goto(`${site.url}/lessons/lost-update.html`);
        await page.locator("[data-board-place][data-stage=ready]").waitFor();
      } finally {
        await browser.close();
        site.url = await server.start(out);
      }
    });
  });
}
