/** First steps, every lesson: predict, set, run and read the answer, on a phone by touch and by keyboard with roles and names alone. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { BenchPage, CHECK_TIMEOUT_MS, Workbench, overflowing, paste, repositoryFile, repositoryPath, visit } from "./workbench.js";

const RUN = { en: /^Run/, ja: /^実行/ };
const SET = { en: /^Set/, ja: /^設定する/ };
const CHECK = { en: /^Check/, ja: /^確認する/ };
const SECONDS = 2;
const SLUGS = readdirSync(repositoryPath("lessons/")).filter((name) => /^F\d/.test(name)).sort()
  .map((name) => String(/^slug = "(.*)"$/m.exec(repositoryFile(`lessons/${name}/lesson.toml`))?.[1]));

describe("first steps", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  test("are eight", () => assert.equal(SLUGS.length, 8));

  for (const slug of SLUGS) {
    for (const [how, language] of /** @type {const} */ ([["on a phone", "ja"], ["on a phone", "en"], ["by keyboard", "en"], ["by keyboard", "ja"]])) {
      const phone = how === "on a phone";
      test(`${slug} ${how} (${language})`, () => visit(workbench, { language, ...(phone ? { width: 390, height: 844 } : {}) }, async (page) => {
        const bench = new BenchPage(page);
        await bench.open(`${slug}?board=server`);
        /** @param {import("playwright-core").Locator} control */
        const use = async (control, key = "Enter") => {
          if (phone) return control.click();
          await control.focus();
          return page.keyboard.press(key);
        };
        const questions = page.getByRole("group").filter({ has: page.locator("[data-question]") });
        assert.ok(await questions.count() > 0);
        for (const group of await questions.all()) await use(group.getByRole("radio").first(), "Space");
        await use(page.getByRole("button", { name: SET[language] }).first());
        await bench.runFor(SECONDS);
        await use(page.getByRole("button", { name: RUN[language] }).first());
        await bench.rows.first().waitFor();
        assert.deepEqual(await overflowing(page, slug), []);
        if (phone || slug !== SLUGS[0]) return;
        // The first lesson to its end.
        await bench.openRest();
        await page.locator("input[name=program]:checked").focus();
        await page.keyboard.press("ArrowRight");
        await (await bench.program()).focus();
        await page.keyboard.press("ControlOrMeta+a");
        await paste(page.locator(".cm-content"), repositoryFile("lessons/F1-ask-or-be-told/solution.py"));
        await page.keyboard.press("Escape");
        await use(page.locator("[data-exercise]").getByRole("button", { name: CHECK[language] }).first());
        await page.locator("[data-name=checked][data-step=done]").waitFor({ timeout: CHECK_TIMEOUT_MS });
      }));
    }
  }
});
