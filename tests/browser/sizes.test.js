/** What a page costs the network, counted by request: everything but the board itself, which comes after the page stands. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { BenchPage, CHECK_TIMEOUT_MS, Workbench, repositoryPath, visit } from "./workbench.js";

const PAGE_BYTES = 200_000;
const MODULE_BYTES = 1_600_000;
/** Workers and what they fetch. */
const BOARD = /^\/(assets\/(tab\/|tab-)|api\/lessons$)/;
/** What asks no host. */
const HERE = /^(data|blob):/;
/** What makes a page slow to begin with is asked for within this time. */
const SETTLED_MS = 2000;

describe("sizes", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const [name, path] of [["the course page", "/"], ["a bench", "/lessons/lost-update"]]) {
    test(`${name} comes in less than ${PAGE_BYTES / 1000} KB, and the board after it`, () => visit(workbench, {}, async (page, context) => {
      const network = await context.newCDPSession(page);
      await network.send("Network.enable");
      /** @type {string[]} */
      const elsewhere = [];
      /** @type {Map<string, string>} */
      const asked = new Map();
      /** @type {Map<string, number>} */
      const sizes = new Map();
      network.on("Network.requestWillBeSent", ({ requestId, request }) => {
        if (!HERE.test(request.url) && !request.url.startsWith(workbench.url)) elsewhere.push(request.url);
        asked.set(requestId, new URL(request.url).pathname);
      });
      network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => sizes.set(asked.get(requestId) ?? requestId, encodedDataLength));
      await page.goto(path);
      await page.waitForTimeout(SETTLED_MS);
      const own = [...sizes].filter(([path]) => !BOARD.test(path));
      const bytes = own.reduce((sum, [, size]) => sum + size, 0);
      assert.deepEqual(elsewhere, []);
      assert.ok(own.length >= 3, `only ${own.map(([path]) => path)}`);
      assert.ok(bytes < PAGE_BYTES, `${bytes} bytes: ${own.map(([path, size]) => `${path} ${size}`).join(", ")}`);
      console.log(`# ${name}: ${bytes} bytes in ${own.length} requests`);
    }));
  }

  test("the explorer's symbols and the second worker are fetched when something is checked", () => visit(workbench, {}, async (page) => {
    /** @type {string[]} */
    const asked = [];
    page.on("request", (request) => { asked.push(new URL(request.url()).pathname); });
    const bench = new BenchPage(page);
    await bench.open("lost-update");
    await page.locator("[data-board-place][data-stage=ready]").waitFor();
    await bench.runFor(1);
    await bench.openRest();
    const needed = ["/assets/tab-job-worker.js", "/assets/tab/symbols.elf"];
    assert.deepEqual(asked.filter((path) => needed.includes(path)), []);
    await page.locator("[data-check]").click();
    await page.locator("[data-check-message].trouble").waitFor({ timeout: CHECK_TIMEOUT_MS });
    assert.ok(needed.every((path) => asked.includes(path)), String(asked));
  }));

  test("the board's module is small enough for a school's line", () => {
    const bytes = gzipSync(readFileSync(repositoryPath("web/dist/tab/tab.wasm")), { level: 9 }).length;
    assert.ok(bytes < MODULE_BYTES, `${bytes} bytes`);
    console.log(`# the module: ${bytes} bytes compressed`);
  });
});
