/** The main story in a second browser, over WebDriver BiDi: on the workbench, on a plain web server, and opened as files. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { PlainServer, counted, isrlab } from "./programs.js";
import { CHECK_TIMEOUT_MS, STEP_TIMEOUT_MS, Workbench, repositoryFile, repositoryPath } from "./workbench.js";

const require = createRequire(repositoryPath("web/"));
/** @type {typeof import("puppeteer-core")} */
const { default: puppeteer } = await import(require.resolve("puppeteer-core"));
const SOLUTION = repositoryFile("lessons/15-lost-update/solution.py");
const SETTINGS = { kind: "soft", expression: "conditional", cure: "none" };
const SECONDS = 2;

/** A learner runs the lesson, fails the check, mends the program and passes. @param {string} address of the bench */
async function story(address) {
  const browser = await puppeteer.launch({ browser: "firefox", executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr", headless: true });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(STEP_TIMEOUT_MS);
    await page.setViewport({ width: 1440, height: 900 });
    await page.goto(address);
    await page.waitForSelector("[data-board-place][data-stage=ready]");
    await page.evaluate((settings, seconds) => {
      for (const [name, value] of Object.entries(settings)) {
        const place = document.querySelector(`[data-control="${name}"]`);
        const radio = place?.querySelector(`input[value="${value}"]`);
        if (radio instanceof HTMLInputElement) radio.click();
        const select = place?.querySelector("select");
        if (select) {
          select.value = value;
          select.dispatchEvent(new Event("change", { bubbles: true }));
        }
      }
      const field = document.querySelector("[data-seconds]");
      if (field instanceof HTMLInputElement) field.value = String(seconds);
    }, SETTINGS, SECONDS);
    await page.click("[data-run-row] [data-run]");
    await page.waitForSelector("table.outcomes tbody tr:not([data-running])");
    const row = await page.evaluate(() => Object.fromEntries(["ran", "lost"].map((name) =>
      [name, Number(document.querySelector(`table.outcomes td[data-name="${name}"]`)?.textContent?.replace(/\D/g, ""))])));
    assert.deepEqual(row, await counted(SETTINGS, SECONDS));

    // The question is answered by the learner too, and what comes after it opens.
    await page.evaluate(() => {
      for (const question of document.querySelectorAll("[data-predictions] .question-block")) question.querySelector("input")?.click();
      const anyway = document.querySelector("[data-open-anyway]");
      if (anyway instanceof HTMLButtonElement && !anyway.hidden) anyway.click();
    });
    await page.waitForSelector("[data-closed][hidden]", { hidden: true });
    await page.waitForSelector("[data-check]", { visible: true });
    await page.click("[data-check]");
    await page.waitForSelector("[data-check-message].trouble:not([hidden])", { timeout: CHECK_TIMEOUT_MS });
    await page.evaluate(() => document.querySelector("[data-editor]")?.scrollIntoView());
    // The editor lives in a shadow root.
    const editor = await page.waitForSelector(">>> .cm-content");
    await editor?.click();
    await page.keyboard.down("Control");
    await page.keyboard.press("a");
    await page.keyboard.up("Control");
    await editor?.evaluate((content, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      // Firefox knows no clipboardData here, and takes the text itself.
      const pasted = { clipboardData, data: text, dataType: "text/plain", bubbles: true, cancelable: true };
      content.dispatchEvent(new ClipboardEvent("paste", pasted));
    }, SOLUTION);
    await page.waitForFunction(() => document.querySelector("[data-saved]")?.textContent === "saved");
    await page.click("[data-check]");
    await page.waitForSelector("[data-name=checked][data-step=done]", { timeout: CHECK_TIMEOUT_MS });
    await page.reload();
    await page.waitForSelector("[data-name=checked][data-step=done]");
  } finally {
    await browser.close();
  }
}

describe("a learner's way in Firefox", () => {
  const workbench = new Workbench();
  const folders = ["site", "single"].map((name) => mkdtempSync(join(tmpdir(), `isrlab-${name}-`)));
  const server = new PlainServer();
  let site = "";
  before(async () => {
    await workbench.start();
    await isrlab(["site", "--out", folders[0]]);
    await isrlab(["site", "--out", folders[1], "--single"]);
    site = await server.start(folders[0]);
  });
  after(async () => {
    server.close();
    await workbench.close();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  test("on the workbench", () => story(`${workbench.url}/lessons/lost-update`));
  test("on a plain web server", () => story(`${site}/lessons/lost-update.html`));
  test("opened as files", () => story(`${pathToFileURL(folders[1]).href}/lessons/lost-update.html`));
});
