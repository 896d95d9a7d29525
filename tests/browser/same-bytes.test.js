/**
 * The board in the tab is the board of the command line: for every lesson and several settings, the module that a page
 * fetches gives the same bytes as `isrlab run --json`.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";
import { TabModule, TabRefusal } from "../../web/js/tab-module.js";
import { filesBelow, repositoryPath } from "./workbench.js";

const SECONDS = 1;
/** Where states are compared, in microseconds of virtual time: some in the middle of traces, and two that are next to each other. */
const STOPS_US = [777, 99_991, 250_007, 421_113, 600_001, 777_777, 777_778, 900_001];

/** Settings of the rows of a lesson's grid are what the lesson is about; the first, the last and one between them. */
/** @param {string} lesson */
function triedSettings(lesson) {
  const rows = [...lesson.matchAll(/^\[\[grid\.row\]\]\n(?:(?!\[).*\n)*?set = \{(.*)\}/gm)].map(([, set]) => settingsOf(set));
  const picked = [rows[0], rows[Math.floor(rows.length / 2)], rows.at(-1)].filter((row) => row !== undefined);
  return [{}, ...new Map(picked.map((row) => [JSON.stringify(row), row])).values()].slice(0, 3);
}

/** @param {string} set TOML's inline table, without its braces */
function settingsOf(set) {
  return Object.fromEntries([...set.matchAll(/(\w+)\s*=\s*(?:"([^"]*)"|(-?[\d_]+))/g)].map(([, name, text, number]) =>
    [name, text ?? Number(number.replaceAll("_", ""))]));
}

describe("the module for the learner's tab", () => {
  const isrlab = process.env.ISRLAB;
  const lessons = filesBelow(repositoryPath("lessons"));
  /** @type {TabModule} */
  let tab;
  /** One that interprets all that it runs. @type {TabModule} */
  let interpreting;

  before(async () => {
    assert.ok(isrlab, "the variable ISRLAB names no binary; `cargo xtask e2e` sets it");
    const module = await WebAssembly.compile(readFileSync(repositoryPath("web/dist/tab/tab.wasm")));
    tab = booted(await TabModule.start(module));
    interpreting = booted(await TabModule.startWithoutTraces(module));
  });

  /** @param {TabModule} tab */
  function booted(tab) {
    tab.loadLessons(lessons);
    tab.boot(readFileSync(repositoryPath("web/dist/tab/flash.bin")));
    return tab;
  }

  for (const [path, text] of Object.entries(lessons)) {
    const slug = path.endsWith("/lesson.toml") && /^slug = "(.*)"/m.exec(text)?.[1];
    if (!slug) continue;
    test(`gives the bytes of the command line: ${slug}`, async () => {
      const tried = triedSettings(text).map((settings, at) => ({ lesson: slug, settings, seconds: SECONDS, seed: at + 1 }));
      const printed = Promise.all(tried.map((asked) => printedBy(/** @type {string} */ (isrlab), asked)));
      const reports = tried.map((asked) => tab.headlessRun(asked));
      for (const [at, text] of (await printed).entries()) {
        assert.equal(reports[at], text, JSON.stringify(tried[at]));
      }
    });

    test(`comes to the states that the interpreter comes to, wherever one looks: ${slug}`, () => {
      const asked = { run: { lesson: slug, seed: 7, seconds: SECONDS }, times_us: STOPS_US };
      const hashes = tab.stateHashes(asked);
      assert.ok(new Set(hashes).size >= STOPS_US.length - 1, String(hashes));
      assert.deepEqual(hashes, interpreting.stateHashes(asked));
    });
  }

  test("comes to the same states while a program writes over the code that traces stand for", () => {
    // The firmware's code in RAM, by the data bus: the VM's loop among it. Each word is written as it was, which detaches what was
    // compiled from there.
    const program = `
import machine
while True:
    for at in range(0x3FC80000, 0x3FC83FC0, 4):
        machine.mem32[at] = machine.mem32[at]
`;
    const asked = { run: { lesson: "workshop", program, seed: 7, seconds: SECONDS }, times_us: STOPS_US };
    const hashes = tab.stateHashes(asked);
    assert.ok(new Set(hashes).size >= STOPS_US.length - 1, String(hashes));
    assert.deepEqual(hashes, interpreting.stateHashes(asked));
  });

  test("has traces, which are faster", () => {
    const lasts = (/** @type {TabModule} */ tab) => {
      const begun = performance.now();
      tab.headlessRun({ lesson: "lost-update", seconds: 2 });
      return performance.now() - begun;
    };
    const [with_ms, without_ms] = [lasts(tab), lasts(interpreting)];
    assert.ok(with_ms < without_ms, `${with_ms} ms with traces, ${without_ms} ms without`);
    console.log(`# 2 s of lost-update: ${Math.round(with_ms)} ms with traces, ${Math.round(without_ms)} ms without`);
  });

  test("interprets where its traces cannot be used", async () => {
    const bytes = readFileSync(repositoryPath("web/dist/tab/tab.wasm"));
    const [traces] = WebAssembly.Module.customSections(await WebAssembly.compile(bytes), "traces");
    // The section is the last one, and what it holds is no module any more.
    bytes[bytes.length - traces.byteLength] ^= 0xFF;
    const without = booted(await TabModule.start(await WebAssembly.compile(bytes)));
    const asked = { lesson: "lost-update", seconds: SECONDS };
    assert.equal(without.headlessRun(asked), tab.headlessRun(asked));
  });

  test("refuses with a code and in the learner's language", () => {
    const refused = (/** @type {object} */ asked) => {
      try {
        tab.headlessRun(asked);
      } catch (error) {
        assert.ok(error instanceof TabRefusal, String(error));
        return error;
      }
      throw new Error("it was not refused");
    };
    assert.equal(refused({ lesson: "nowhere" }).code, "lesson-unknown");
    tab.chooseLanguage("ja");
    assert.match(refused({ lesson: "nowhere" }).message, /レッスン/);
    tab.chooseLanguage("en");
  });

  test("has no way out: it imports nothing but what hears of progress", async () => {
    const module = await WebAssembly.compile(readFileSync(repositoryPath("web/dist/tab/tab.wasm")));
    assert.deepEqual(WebAssembly.Module.imports(module), [{ module: "tab", name: "tab_hear", kind: "function" }]);
    const traces = await WebAssembly.compile(WebAssembly.Module.customSections(module, "traces")[0]);
    assert.deepEqual(WebAssembly.Module.imports(traces), [
      { module: "tab", name: "isrlab_help", kind: "function" }, { module: "tab", name: "memory", kind: "memory" },
    ]);
  });
});

/**
 * What a run prints; a program that crashes is no reason to print nothing.
 * @param {string} isrlab
 * @param {{ lesson: string, settings: object, seconds: number, seed: number }} asked
 */
async function printedBy(isrlab, { lesson, settings, seconds, seed }) {
  const set = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const options = ["run", lesson, "--json", "--seconds", `${seconds}`, "--seed", `${seed}`, ...set];
  const { stdout } = await promisify(execFile)(isrlab, options).catch((error) => {
    if (error.stdout) return error;
    throw error;
  });
  return stdout;
}
