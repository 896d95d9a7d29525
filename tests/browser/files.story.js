/** Files on the board: put there, taken from it, deleted, and main.py at start, by mouse and by keyboard, on both boards. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { press } from "./hands.js";
import { Workbench, paste, screenshotPath, seriousViolations, visit } from "./workbench.js";

/** @typedef {import("./hands.js").Page} Page */

const MODULE = "def twice(x):\n    return 2 * x\n";
const MAIN = "import double\nprint('main says', double.twice(21))\n";
const WORDS = /** @type {const} */ ({
  en: { none: "no files", atStart: "after Ctrl-D", download: "Download", delete: "Delete" },
  ja: { none: "ありません", atStart: "Ctrl-D の後", download: "ダウンロード", delete: "削除" },
});

/** Waits until the console has said it so often. @param {Page} page @param {string} words @param {number} times */
function said(page, words, times) {
  return page.waitForFunction(([what, often]) => (document.querySelector("[data-console]")?.textContent ?? "").split(String(what)).length - 1 >= Number(often), /** @type {const} */ ([words, times]));
}

describe("files on the board", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const [hand, place, language] of /** @type {const} */ ([["mouse", "tab", "ja"], ["keyboard", "server", "en"]])) {
    test(`by ${hand}, board of the ${place} (${language})`, () => visit(workbench, { language }, async (page) => {
      const words = WORDS[language];
      const list = page.locator("[data-files-list]");
      await page.goto(`/workshop?board=${place}`);
      await page.locator("[data-board-chip][data-shown=ready]").waitFor({ state: "attached" });
      await page.locator(".cm-content").click();
      await page.keyboard.press("ControlOrMeta+a");
      await paste(page.locator(".cm-content"), MAIN);

      await press(page, hand, "[data-files] summary");
      await list.filter({ hasText: words.none }).waitFor();
      // The program goes to the board while the module is still on its way: one comes after the other.
      if (hand === "mouse") {
        await page.locator("[data-files-upload]").setInputFiles({ name: "double.py", mimeType: "text/x-python", buffer: Buffer.from(MODULE) });
      } else {
        await press(page, hand, "[data-files-new]");
        await page.keyboard.type("double.py");
        await page.keyboard.press("Tab");
        await page.keyboard.type(MODULE);
        await press(page, hand, "[data-file-editor] [type=submit]");
      }
      await press(page, hand, "[data-files-main]");
      await list.filter({ hasText: "/double.py" }).filter({ hasText: "/main.py" }).waitFor();
      await list.locator("li").filter({ hasText: "/main.py" }).filter({ hasText: words.atStart }).waitFor();

      const download = page.waitForEvent("download");
      await press(page, hand, `[data-files-list] [aria-label='${words.download}: /double.py']`);
      assert.equal(readFileSync(await (await download).path(), "utf8"), MODULE);

      await press(page, hand, "[data-restart]");
      await said(page, "main says 42", 1);
      page.on("dialog", (dialog) => { void dialog.accept(); });
      await press(page, hand, `[data-files-list] [aria-label='${words.delete}: /main.py']`);
      await page.locator("[data-files-said]").filter({ hasText: "/main.py" }).waitFor();
      await list.filter({ hasNotText: "/main.py" }).waitFor();
      await press(page, hand, "[data-restart]");
      await said(page, "MPY: soft reboot", 2);
      await page.waitForTimeout(500);
      const console = await page.locator("[data-console]").innerText();
      assert.equal(console.split("main says").length - 1, 1, console);

      await press(page, hand, `[data-files-list] [aria-label='${words.delete}: /double.py']`);
      await list.filter({ hasText: words.none }).waitFor();
      assert.deepEqual(await seriousViolations(page), []);
      await page.screenshot({ path: screenshotPath(`files-${hand}-${language}`), fullPage: true });
    }));
  }
});
