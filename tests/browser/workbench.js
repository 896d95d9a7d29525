/**
 * What the browser stories share: a workbench of their own on a free port, a browser, and a guard
 * that no request leaves this machine.
 *
 * `ISRLAB` names the binary, `CHROMIUM` the browser (Debian's by default).
 * @module
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const require = createRequire(join(REPOSITORY, "web/"));
/** @type {typeof import("playwright-core")} */
const { chromium } = require("playwright-core");
const AXE_SOURCE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** A board on a busy machine may take its time; a story waits so long for one step. */
export const STEP_TIMEOUT_MS = 60_000;
/** A check in the tab takes some seconds of a processor that it may have to share with everything else. */
export const CHECK_TIMEOUT_MS = 240_000;
/** How long the server may take to say where it listens. */
const START_TIMEOUT_MS = 30_000;

/** A file of the repository, or of what was built in it. @param {string} path */
export function repositoryPath(path) {
  return join(REPOSITORY, path);
}

/** A text of the course or of the repository. @param {string} path */
export function repositoryFile(path) {
  return readFileSync(repositoryPath(path), "utf8");
}

/** The text of every file below a folder, by its path. @param {string} folder */
export function filesBelow(folder) {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(`${folder}/${path}`).isFile());
  return Object.fromEntries(paths.map((path) => [path, readFileSync(`${folder}/${path}`, "utf8")]));
}

/** Where screenshots go. @param {string} name */
export function screenshotPath(name) {
  const folder = join(REPOSITORY, "target/screenshots");
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.png`);
}

/** A running server with its own data folder. */
export class Workbench {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;

  constructor() {
    this.data = mkdtempSync(join(tmpdir(), "isrlab-story-"));
    this.url = "";
  }

  /**
   * Starts the server, or starts it again on the same data and port.
   * @param {string[]} options more options of `isrlab serve`
   */
  async start(options = []) {
    const binary = process.env.ISRLAB;
    assert.ok(binary, "the variable ISRLAB names no binary; `cargo xtask e2e` sets it");
    const listen = this.url === "" ? "127.0.0.1:0" : new URL(this.url).host;
    const server = spawn(binary, ["serve", "--listen", listen, "--data", this.data, ...options], { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = server;
    this.url = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the server did not say where it listens")), START_TIMEOUT_MS);
      let said = "";
      server.stdout.on("data", (chunk) => {
        said += chunk;
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
        if (found) {
          clearTimeout(timer);
          resolve(found[0]);
        }
      });
      server.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
  }

  /** Ends the server without a chance to say goodbye, as a power cut would. */
  async kill() {
    const server = this.#process;
    if (server === null) return;
    this.#process = null;
    await new Promise((resolve) => {
      server.removeAllListeners("exit");
      server.on("exit", resolve);
      server.kill("SIGKILL");
    });
  }

  /** Ends everything and forgets the data. */
  async close() {
    await this.kill();
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** A browser. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/**
 * Runs a story in a browser of its own; any request to another host fails it, and so does any
 * error in a script.
 * @param {{ url: string }} workbench
 * @param {{ language?: "en" | "ja", theme?: "light" | "dark", width?: number, height?: number, reducedMotion?: boolean }} visitor
 * @param {(page: import("playwright-core").Page, context: import("playwright-core").BrowserContext) => Promise<void>} story
 */
export async function visit(workbench, visitor, story) {
  const browser = await launch();
  try {
    const context = await browser.newContext({
      baseURL: `${workbench.url}/`,
      locale: visitor.language === "ja" ? "ja-JP" : "en-GB",
      colorScheme: visitor.theme ?? "light",
      reducedMotion: visitor.reducedMotion ? "reduce" : "no-preference",
      viewport: { width: visitor.width ?? 1440, height: visitor.height ?? 900 },
    });
    context.setDefaultTimeout(STEP_TIMEOUT_MS);
    /** @type {string[]} */
    const troubles = [];
    await context.route("**", (route) => {
      const asked = route.request().url();
      if (asked.startsWith(`${workbench.url}/`) || asked.startsWith("blob:")) return route.continue();
      troubles.push(`another host was asked: ${asked}`);
      return route.abort();
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => troubles.push(`error in a script: ${error.message}`));
    page.on("console", (message) => {
      // The browser itself reports refused requests; stories that cause one look at the page instead.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) troubles.push(`console: ${message.text()}`);
    });
    await story(page, context);
    assert.deepEqual(troubles, []);
  } finally {
    await browser.close();
  }
}

/**
 * Violations that keep somebody from using the page.
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string[]>}
 */
export async function seriousViolations(page) {
  await page.evaluate(AXE_SOURCE);
  const result = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run(document, {
    // It would ask for the style sheets once more, which a page that was opened as a file may not.
    preload: location.protocol !== "file:",
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  return result.violations
    .filter((/** @type {any} */ violation) => ["serious", "critical"].includes(violation.impact))
    .map((/** @type {any} */ violation) => `${violation.id}: ${violation.nodes.map((/** @type {any} */ node) => node.target.join(" ")).join(", ")}`);
}

/**
 * Presses Tab until an element that the selector matches has focus, and shows it.
 * @param {import("playwright-core").Page} page
 * @param {string} selector
 */
export async function pressTabTo(page, selector) {
  for (let presses = 0; presses < 120; presses += 1) {
    await page.keyboard.press("Tab");
    const there = await page.evaluate((wanted) => {
      const focused = document.activeElement;
      if (!focused?.matches(wanted)) return false;
      const style = getComputedStyle(focused.matches(".segment input, .answer input") ? focused.closest("label")?.querySelector("span") ?? focused : focused);
      const label = focused.closest("label, .number-field");
      return style.outlineStyle !== "none" || (label !== null && getComputedStyle(label).outlineStyle !== "none") ? "visible" : "invisible";
    }, selector);
    if (there === "visible") return;
    assert.notEqual(there, "invisible", `${selector} has focus and does not show it`);
  }
  assert.fail(`Tab does not lead to ${selector}`);
}

/**
 * Whether a page scrolls sideways at its width, in words; nothing if it does not.
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function overflowing(page, name) {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  return wide > room ? [`${name}: ${wide} px wide in ${room} px`] : [];
}

/**
 * What a paste from the clipboard does; typing would meet the editor's own indentation.
 * @param {import("playwright-core").Locator} editor
 * @param {string} source
 */
export async function paste(editor, source) {
  await editor.evaluate((element, text) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, source);
}

/** The bench of a lesson, as a visitor uses it. */
export class BenchPage {
  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    this.rows = page.locator("table.outcomes tbody tr:not([data-running])");
  }

  /** @param {string} slug */
  async open(slug) {
    await this.page.goto(`/lessons/${slug}`);
    await this.page.locator("[data-board-chip][data-shown=ready], [data-board-chip][data-shown=running]").waitFor({ state: "attached" });
  }

  /** @param {string} control @param {string} option */
  async choose(control, option) {
    const place = this.page.locator(`[data-control="${control}"]`);
    const radio = place.locator(`input[type=radio][value="${option}"]`);
    if (await radio.count() > 0) await radio.check({ force: true });
    else await place.locator("select").selectOption(option);
  }

  /** @param {number} seconds */
  async runFor(seconds) {
    await this.page.locator("details.run-details").evaluate((details) => { /** @type {HTMLDetailsElement} */ (details).open = true; });
    await this.page.locator("[data-seconds]").fill(String(seconds));
  }

  /**
   * Runs to the end and returns the new row of the outcome table by column.
   * @returns {Promise<{ lost: number, ran: number, verdict: string | null }>}
   */
  async run() {
    const before = await this.rows.count();
    await this.page.locator(".run-row [data-run]").click();
    const row = this.rows.nth(before);
    await row.waitFor();
    return {
      lost: await this.#number(row, "lost"),
      ran: await this.#number(row, "ran"),
      verdict: await row.getAttribute("data-verdict"),
    };
  }

  /** @param {import("playwright-core").Locator} row @param {string} name */
  async #number(row, name) {
    const text = await row.locator(`td[data-name="${name}"]`).textContent();
    return Number((text ?? "").replaceAll("\u202f", "").replace("\u2212", "-"));
  }

  /** Answers what is asked and lets the board answer: what comes after the questions opens, if need be "anyway". */
  async openRest() {
    for (const question of await this.page.locator("[data-predictions] .question-block").all()) {
      if (await question.locator("input:checked").count() === 0) await question.locator("input").first().check({ force: true });
    }
    if (await this.rows.count() === 0) {
      await this.page.locator(".run-row [data-run]").click();
      await this.rows.first().waitFor();
    }
    const closed = this.page.locator("[data-closed]");
    if (await closed.isVisible()) await this.page.locator("[data-open-anyway]").click();
    await closed.waitFor({ state: "hidden" });
  }

  /** Shows the lesson's program or the visitor's: Run runs the one that is shown. @param {"lesson" | "own"} which */
  async show(which) {
    await this.page.locator(`input[name=program][value=${which}]`).check({ force: true });
  }

  /** Presses Stop and waits until the run has ended. */
  async stop() {
    await this.page.locator(".run-row [data-stop]").click();
    await this.page.locator(".run-row [data-stop][aria-disabled=true]").waitFor();
  }

  /** The program in the editor, once the editor has been fetched. */
  async program() {
    await this.page.locator("[data-editor]").scrollIntoViewIfNeeded();
    const content = this.page.locator(".cm-content");
    await content.waitFor();
    return content;
  }

  /** @param {string} source */
  async write(source) {
    await this.show("own");
    const content = await this.program();
    await content.click();
    await this.page.keyboard.press("ControlOrMeta+a");
    await paste(content, source);
    await this.page.locator("[data-saved]").filter({ hasText: /^(saved|保存済み)$/ }).waitFor();
  }
}
