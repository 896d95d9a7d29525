/** The workshop: an example run with a hand on its parts, a wiring of one's own, and a link that brings both back. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CabledBoard } from "./cabled-board.js";
import { Workbench, overflowing, paste, screenshotPath, seriousViolations, visit } from "./workbench.js";

const TITLES = /** @type {const} */ ({ en: { example: "Dice", add: "Add" }, ja: { example: "さいころ", add: "追加" } });

/** @param {import("playwright-core").Page} page @param {string} [fragment] @param {"server" | "tab"} [place] */
async function open(page, fragment = "", place = "server") {
  await page.goto(`/workshop?board=${place}${fragment}`);
  await page.locator("[data-board-chip][data-shown=ready]").waitFor({ state: "attached" });
  await page.locator(".cm-content").waitFor();
}

/** Puts a program into the editor. @param {import("playwright-core").Page} page @param {string} program */
async function write(page, program) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("ControlOrMeta+a");
  await paste(page.locator(".cm-content"), program);
}

/** Two edges of a pin, and what the program's clock says between them; the first time everything waits for the flash. */
const STAMPED = `from machine import Pin
import time
led = Pin(7, Pin.OUT, value=0)
for n in range(2):
    time.sleep_ms(5)
    a = time.ticks_us()
    led(1)
    time.sleep_ms(4)
    b = time.ticks_us()
    led(0)
time.sleep_ms(200)
print('apart', time.ticks_diff(b, a))
`;
const EDGES = 4;
/** How often the record is looked at for them. */
const [MOST_LOOKS, LOOK_MS] = [100, 200];
/** Between the clock and the pin lie some statements. */
const SLACK_US = 60;

/** @param {import("playwright-core").Page} page @param {RegExp | string} text */
function printed(page, text) {
  return page.locator("[data-console]").filter({ hasText: text }).waitFor();
}

/** Runs [`STAMPED`] with the analyser open, and measures its last pulse with the cursors. @param {import("playwright-core").Page} page */
async function analyseStamped(page) {
  await write(page, STAMPED);
  await page.locator("[data-analyser] summary").click();
  await page.locator("[data-pins-state]").filter({ hasText: /./ }).waitFor();
  await page.locator("[data-run-row] [data-run]").click();
  await printed(page, /apart \d+/);
  const apart = Number(/apart (\d+)/.exec(await page.locator("[data-console]").innerText())?.[1]);
  // The program's line may be here before the last of its edges.
  const edges = page.locator("[data-pins-rows] tbody tr");
  for (let looks = 0; looks < MOST_LOOKS && await edges.count() < EDGES; looks += 1) {
    await page.locator("[data-pins=whole]").click();
    await page.waitForTimeout(LOOK_MS);
  }
  // By keyboard: from the last edge, the fall, to the rise before it.
  await page.locator("[data-pins-chart]").focus();
  for (const key of ["End", "2", "ArrowLeft", "1"]) await page.keyboard.press(key);
  const said = await page.locator("[data-pins-facts]").innerText();
  const us = Number(/Δ ([\d.]+)/.exec(said)?.[1]) * 1000;
  assert.ok(Math.abs(us - apart) <= SLACK_US, `${said}: the program measured ${apart} µs`);
  assert.match(await page.locator("[data-pins-rows]").innerText(), /rises|立ち上がり/);
  const download = page.waitForEvent("download");
  await page.locator("[data-pins=vcd]").click();
  assert.equal((await download).suggestedFilename(), "pins.vcd");
  assert.deepEqual(await seriousViolations(page), []);
}

describe("the workshop", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const language of /** @type {const} */ (["en", "ja"])) {
    test(`an example runs, and a hand throws the dice (${language})`, () => visit(workbench, { language }, async (page) => {
      await open(page);
      await page.locator(".examples-menu summary").click();
      await page.getByRole("button", { name: TITLES[language].example, exact: true }).click();
      await page.locator("[data-run-row] [data-run]").click();
      await page.locator("[data-part=eyes] [data-part-shown]").filter({ hasText: "#000000" }).waitFor();
      const hold = page.locator("[data-part=throw] [data-style=hold]");
      await hold.focus();
      await page.keyboard.down("Space");
      await page.waitForTimeout(200);
      await page.keyboard.up("Space");
      await printed(page, /throw 1 eyes [1-6]/);
      await page.locator("[data-part=eyes] [data-part-shown]").filter({ hasText: "#002800" }).waitFor();
      await page.locator("[data-run-row] [data-stop]").click();
      assert.deepEqual(await seriousViolations(page), []);
      await page.screenshot({ path: screenshotPath(`workshop-${language}`), fullPage: true });
    }));
  }

  test("a wiring of one's own is judged, mended, run, and travels in the link", () => visit(workbench, {}, async (page) => {
    await open(page);
    while (await page.locator(".wiring-part").count() > 0) await page.locator(".wiring-head button").first().click();
    for (const kind of ["led", "button"]) {
      await page.locator(".wiring-add select").selectOption(kind);
      await page.locator(".wiring-add button").click();
    }
    await page.locator(".wiring-part").nth(1).locator("select").first().selectOption("0");
    await page.locator(".cm-content").click();
    await page.keyboard.press("ControlOrMeta+a");
    await paste(page.locator(".cm-content"), "from machine import Pin\nPin(0, Pin.OUT, value=1)\nprint('lit')\n");
    await page.locator("[data-run-row] [data-run]").click();
    await page.locator("[data-trouble]").filter({ hasText: "E-WIRE-TAKEN" }).waitFor();
    await page.locator(".wiring-part").nth(1).locator("select").first().selectOption("10");
    await page.locator("[data-run-row] [data-run]").click();
    await printed(page, "lit");
    await page.locator("[data-part=led] [data-part-shown]").filter({ hasText: "on" }).waitFor();

    const link = new URL(await page.locator("[data-link]").inputValue());
    assert.ok(link.hash.length < 8 * 1024, link.hash);
    await page.evaluate(() => localStorage.clear());
    await page.goto("/boards");
    await open(page, link.hash);
    assert.equal(await page.locator("[data-part=button] .part-pins").innerText(), "GPIO 10");
    await page.goto("/boards");
    await open(page, link.hash.slice(0, -8));
    await page.locator("[data-trouble]").filter({ hasText: "E-LINK-CUT" }).waitFor();
  }));

  for (const place of /** @type {const} */ (["server", "tab"])) {
    test(`the analyser's edges are as far apart as the program's clock says, board of the ${place}`, () => visit(workbench, {}, async (page) => {
      await open(page, "", place);
      await analyseStamped(page);
      await page.screenshot({ path: screenshotPath(`analyser-${place}`), fullPage: true });
    }));
  }

  test("files are put on the board, found by a program, opened and deleted", () => visit(workbench, {}, async (page) => {
    await open(page);
    await page.locator("[data-files] summary").click();
    await page.locator("[data-files-list]").filter({ hasText: "no files" }).waitFor();
    await page.locator("[data-files-upload]").setInputFiles({ name: "double.py", mimeType: "text/x-python", buffer: Buffer.from("def twice(x):\n    return 2 * x\n") });
    await page.locator("[data-files-list]").filter({ hasText: "/double.py" }).waitFor();
    await write(page, "import double\nprint('twice', double.twice(21))\nwith open('log.txt', 'w') as log:\n    log.write('seen')\n");
    await page.locator("[data-run-row] [data-run]").click();
    await printed(page, "twice 42");
    await page.locator("[data-files-list]").filter({ hasText: "/log.txt" }).waitFor();
    await page.getByRole("button", { name: "Open: /log.txt" }).click();
    await page.locator("[data-file-editor]").waitFor();
    assert.equal(await page.locator("[data-file-text]").inputValue(), "seen");
    page.on("dialog", (dialog) => { void dialog.accept(); });
    await page.getByRole("button", { name: "Delete: /log.txt" }).click();
    await page.locator("[data-files-said]").filter({ hasText: "/log.txt" }).waitFor();
    assert.deepEqual(await seriousViolations(page), []);
  }));

  test("on a phone nothing is cut off", () => visit(workbench, { width: 390, height: 844, language: "ja" }, async (page) => {
    await open(page);
    assert.deepEqual(await overflowing(page, "workshop"), []);
    assert.deepEqual(await seriousViolations(page), []);
    await page.screenshot({ path: screenshotPath("workshop-phone-ja"), fullPage: true });
  }));
});

describe("the workshop with a board at a cable", () => {
  const board = new CabledBoard("lesson-firmware-esp32c3.bin");
  const workbench = new Workbench();
  before(async () => {
    await board.start();
    await workbench.start(["--board", board.port]);
  });
  after(async () => {
    await workbench.close();
    board.close();
  });

  const said = /** @type {const} */ ({ en: "Time-stamped by the board", ja: "ボードの割り込みの中で" });
  for (const language of /** @type {const} */ (["en", "ja"])) {
    test(`the board itself stamps the edges (${language})`, () => visit(workbench, { language }, async (page) => {
      await page.goto("/boards");
      const card = page.locator(`[data-board="${board.port}"]`);
      await card.locator("[data-action=take]").click();
      await card.and(page.locator("[data-state=ready]")).waitFor();
      await open(page, "", "server");
      await analyseStamped(page);
      await page.locator("[data-pins-state]").filter({ hasText: said[language] }).waitFor();
      const wires = await page.locator("[data-parts-wires] li").allInnerTexts();
      assert.ok(wires.length === 3 && /: \S+ – GPIO 10$/.test(wires[0]), `${wires}`);
      assert.equal(await page.locator("[data-run-facts]").innerText(), "");
      await page.screenshot({ path: screenshotPath(`analyser-cable-${language}`), fullPage: true });
      await page.goto("/boards");
      await card.locator("[data-action=give-back]").click();
      await card.and(page.locator("[data-state=free]")).waitFor();
    }));
  }
});
