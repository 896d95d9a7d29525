/**
 * Checks and explorations in the tab come to what the server's come to: the starter fails and the solution passes with the
 * same verdict, and every window has the same report, to the last arrival. A spread of lessons is tried, every one with
 * `npm run verdicts`.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { json } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { TabModule, TabRefusal } from "../../web/js/tab-module.js";
import { Workbench, filesBelow, repositoryPath } from "./workbench.js";

/** One lesson of each kind: hands and parts, pins and timers, a driver, memory, exceptions, the explorer, the capstone. */
const SPREAD = ["ask-or-be-told", "an-encoder", "how-late", "what-allocates", "uncaught", "lost-update", "lost-bytes", "capstone"];

describe("checks and explorations of the module", () => {
  const lessons = filesBelow(repositoryPath("lessons"));
  const workbench = new Workbench();
  /** @type {TabModule} */
  let tab;
  /** @type {Set<string>} */
  const heard = new Set();
  let cookie = "";
  const slugs = Object.entries(lessons).flatMap(([path, text]) => path.endsWith("/lesson.toml") ? /^slug = "(.*)"/m.exec(text)?.[1] ?? [] : []);
  const tried = process.env.LESSONS === "all" ? slugs : SPREAD;

  before(async () => {
    const built = (/** @type {string} */ name) => readFileSync(repositoryPath(`web/dist/tab/${name}`));
    tab = await TabModule.start(await WebAssembly.compile(built("tab.wasm")), ({ name, data }) => heard.add(`${name} of ${data.lesson}`));
    tab.loadLessons(lessons);
    tab.loadSymbols(built("symbols.elf"));
    tab.boot(built("flash.bin"));
    await workbench.start();
    const page = await fetch(workbench.url);
    cookie = page.headers.getSetCookie().map((set) => set.split(";")[0]).join("; ");
  });
  after(() => workbench.close());

  /**
   * Asks the server, and resolves when the request is on its way: what comes later has to wait until the module gives this thread back.
   * @param {string} path
   * @param {object} body
   * @returns {Promise<{ answer: Promise<any> }>}
   */
  async function ask(path, body) {
    const sent = request(workbench.url + path, {
      agent: false,
      method: "POST",
      headers: { "content-type": "application/json", "accept-language": "en", cookie },
    });
    const answer = once(sent, "response").then(([response]) => json(response));
    answer.catch(() => {});
    await new Promise((flushed) => sent.end(JSON.stringify(body), () => flushed(undefined)));
    return { answer };
  }

  /** What the module answers, a refusal as the server writes it. @param {string} path @param {object} body */
  function here(path, body) {
    try {
      return JSON.parse(tab.job({ path, body }));
    } catch (error) {
      if (!(error instanceof TabRefusal)) throw error;
      const { code, message, hint } = error;
      return { error: { code, message, hint } };
    }
  }

  /** Both at the same time. @param {string} path @param {object} body */
  async function both(path, body) {
    const expected = await ask(path, body);
    const answer = here(path, body);
    assert.deepEqual(answer, await expected.answer);
    return answer;
  }

  test("the lessons tried are lessons of the course", () => {
    assert.deepEqual(tried.filter((slug) => !slugs.includes(slug)), []);
    assert.ok(slugs.length > 30, `only ${slugs}`);
  });

  for (const [path, text] of Object.entries(lessons)) {
    const slug = path.endsWith("/lesson.toml") && /^slug = "(.*)"/m.exec(text)?.[1];
    if (!slug || !tried.includes(slug)) continue;
    const folder = path.slice(0, -"/lesson.toml".length);
    const route = `/api/lessons/${slug}`;

    test(`gives the verdicts of the server: ${slug}`, async () => {
      for (const [program, passes] of /** @type {const} */ ([["starter", false], ["solution", true]])) {
        const verdict = await both(`${route}/check`, { program: lessons[`${folder}/${program}.py`] });
        assert.equal(verdict.passed, passes, verdict.message);
      }
      assert.ok(heard.has(`check of ${slug}`), "nothing was told of its progress");
    });

    if (!text.includes("\n[explorer]\n")) continue;
    test(`gives the reports of the server: ${slug}`, async () => {
      for (const settings of [{}, { kind: "hard" }, { kind: "soft" }]) {
        const report = await both(`${route}/explore`, { settings });
        assert.ok(report.in_window?.tried > 0 || report.error, JSON.stringify(report).slice(0, 200));
        const arrival = await both(`${route}/explore/at`, { settings, at: 5 });
        assert.ok(arrival.sentence || arrival.error, JSON.stringify(arrival).slice(0, 200));
      }
    });
  }
});
