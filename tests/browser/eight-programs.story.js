/** Eight real things in the workshop: each program with its parts, used with the mouse and by keyboard, on both boards and in both languages. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { fill, hold, press, slide } from "./hands.js";
import { Workbench, repositoryFile, screenshotPath, visit } from "./workbench.js";

/** @typedef {import("./hands.js").Page} Page */
/** @typedef {import("./hands.js").Hand} Hand */

/** What the page says of the parts, and of the files; what a program prints is the program's own. */
const WORDS = /** @type {const} */ ({
  en: { open: "open", closed: "closed", silent: "silent", saved: /^Saved on the board: \/main\.py/, "door-bell": "Door bell", "rain-gauge": "Rain gauge" },
  ja: { open: "開", closed: "閉", silent: "無音", saved: /^ボードに保存しました: \/main\.py/, "door-bell": "呼び鈴", "rain-gauge": "雨量計" },
});
/** @typedef {typeof WORDS["en" | "ja"]} Words */

/** How long a finger stays on a button that nobody looks at meanwhile. */
const MOMENT_MS = 150;

/** @param {Page} page @param {RegExp | string} words */
function printed(page, words) {
  return page.locator("[data-console]").filter({ hasText: words }).waitFor();
}

/** Waits until the console has said it so often. @param {Page} page @param {string} words @param {number} times */
function said(page, words, times) {
  return page.waitForFunction(([what, often]) => (document.querySelector("[data-console]")?.textContent ?? "").split(String(what)).length - 1 >= Number(often), /** @type {const} */ ([words, times]));
}

/** @param {Page} page @param {string} part @param {RegExp | string} words */
function shows(page, part, words) {
  return page.locator(`[data-part="${part}"] [data-part-shown]`).filter({ hasText: words }).waitFor();
}

/**
 * Each program: what it prints by itself, and what a hand does with its parts.
 * @type {{ name: string, example?: "door-bell" | "rain-gauge", begins?: RegExp, use: (page: Page, hand: Hand, words: Words) => Promise<void> }[]}
 */
const PROGRAMS = [
  {
    name: "door-bell", example: "door-bell",
    use: async (page, hand, words) => {
      const button = "[data-part='bell button'] [data-style=hold]";
      await hold(page, hand, button, () => shows(page, "bell button", words.closed));
      await printed(page, "ding dong 1");
      await shows(page, "bell", words.silent);
      await hold(page, hand, button, () => page.waitForTimeout(MOMENT_MS));
      await printed(page, "ding dong 2");
    },
  },
  {
    name: "rain-gauge", example: "rain-gauge",
    use: async (page, hand) => {
      const tip = "[data-part=bucket] [data-move=tips]";
      await press(page, hand, tip);
      await printed(page, "tips 1 rain 0.28 mm");
      await press(page, hand, tip);
      await printed(page, "tips 2 rain 0.56 mm");
      await shows(page, "bucket", "2");
    },
  },
  {
    name: "encoder", begins: /turn/,
    use: async (page, hand) => {
      const [left, right] = [-1, 1].map((by) => `[data-part=knob] [data-by='${by}']`);
      await press(page, hand, right);
      await printed(page, "place 1.0 calls 4 skipped 0");
      await press(page, hand, right);
      await printed(page, "place 2.0 calls 8 skipped 0");
      await press(page, hand, left);
      await printed(page, "place 1.0 calls 12 skipped 0");
      await shows(page, "knob", "1");
    },
  },
  {
    name: "range-finder", begins: /us, 1(19|20)\d mm/,
    use: async (page, hand) => {
      const slider = "[data-part=ranger] [data-move=distance_mm]";
      // Farther than the sensor hears, and nearer.
      await slide(page, hand, slider, 0.8);
      await printed(page, "nothing in sight");
      await slide(page, hand, slider, 0);
      await printed(page, /us, \d\d? mm/);
    },
  },
  {
    name: "infrared", begins: /press a key/,
    use: async (page, hand) => {
      const key = "[data-part=remote] [data-move=code]";
      await fill(page, hand, key, String(0x12A7));
      await printed(page, "frame 1 address 18 command 167 sound");
      await press(page, hand, "[data-part=remote] [data-move=repeats]");
      await printed(page, "held 1");
      // The same key again.
      await fill(page, hand, key, String(0x12A7));
      await printed(page, "frame 2 address 18 command 167 sound");
    },
  },
  {
    name: "strip",
    use: async (page, hand, words) => {
      const button = "[data-part=round] [data-style=hold]";
      await shows(page, "strip", "#280007");
      await hold(page, hand, button, () => shows(page, "round", words.closed));
      await printed(page, /round at \d drawn \d+/);
      await shows(page, "round", words.open);
      await hold(page, hand, button, () => page.waitForTimeout(MOMENT_MS));
      await said(page, "round at", 2);
    },
  },
  {
    name: "gps", begins: /3568123\d 13976712\d sentences \d+ broken 0/,
    use: async (page, hand) => {
      const sky = "[data-part=gps] [data-move=fix]";
      await press(page, hand, sky);
      await printed(page, /no fix sentences \d+ broken 0/);
      await fill(page, hand, "[data-part=gps] [data-move=latitude_udeg]", String(-33_868_800));
      await press(page, hand, sky);
      await printed(page, /-338(687|688)\d\d 13976712\d sentences \d+ broken 0/);
    },
  },
  {
    name: "wake", begins: /asleep/,
    use: async (page, hand, words) => {
      const button = "[data-part=waker] [data-style=hold]";
      await hold(page, hand, button, () => printed(page, "woken 1 by the button"));
      // At the prompt again: Ctrl-D lets main.py begin once more.
      await page.locator("[data-board-chip][data-shown=ready]").waitFor({ state: "attached" });
      await press(page, hand, "[data-restart]");
      await said(page, "asleep", 2);
      // The files were looked for when the board was up again, not while it booted.
      assert.match(await page.locator("[data-files-said]").innerText(), words.saved);
      await hold(page, hand, button, () => printed(page, "woken 2 by the button"));
    },
  },
];

/**
 * Opens the workshop with a program: by the menu if it is an example, by a link if not.
 * @param {Page} page
 * @param {typeof PROGRAMS[number]} program
 * @param {"server" | "tab"} place
 * @param {boolean} hard
 * @param {Words} words
 */
async function open(page, { name, example }, place, hard, words) {
  let fragment = "";
  if (example === undefined) {
    const text = repositoryFile(`tests/programs/${name}.py`).replace("HARD = False", `HARD = ${hard ? "True" : "False"}`);
    const workshop = { p: text, w: JSON.parse(repositoryFile(`tests/programs/${name}.json`)), s: 1 };
    fragment = `#1.${deflateRawSync(JSON.stringify(workshop)).toString("base64url")}`;
  }
  await page.goto(`/workshop?board=${place}${fragment}`);
  await page.locator("[data-board-chip][data-shown=ready]").waitFor({ state: "attached" });
  await page.locator(".cm-content").waitFor();
  if (example === undefined) return;
  await page.locator(".examples-menu summary").click();
  await page.getByRole("button", { name: words[example], exact: true }).click();
}

describe("eight real things", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  for (const program of PROGRAMS) {
    // Callbacks are hard under one hand and soft under the other, and the board is the tab's or the server's; each hand works
    // in both languages.
    for (const [hand, place, hard, language] of /** @type {const} */ ([
      ["mouse", "tab", true, "en"], ["keyboard", "server", false, "en"], ["mouse", "server", true, "ja"], ["keyboard", "tab", false, "ja"],
    ])) {
      const words = WORDS[language];
      test(`${program.name}, by ${hand} (${language})`, () => visit(workbench, { language }, async (page) => {
        await open(page, program, place, hard, words);
        if (program.name === "wake") {
          await press(page, hand, "[data-files] summary");
          await page.locator("[data-files-list] li").first().waitFor();
          await press(page, hand, "[data-files-main]");
          await page.locator("[data-files-list]").filter({ hasText: "/main.py" }).waitFor();
        }
        await press(page, hand, "[data-run-row] [data-run]");
        await page.locator("[data-run-row] [data-stop]:not([aria-disabled=true])").waitFor();
        if (program.begins) await printed(page, program.begins);
        await program.use(page, hand, words);
        await page.screenshot({ path: screenshotPath(`eight-${program.name}-${hand}-${language}`), fullPage: true });
      }));
    }
  }
});
