/** A class: one host and four learners, in two languages and on a phone, from the start to the exported table. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { BenchPage, CHECK_TIMEOUT_MS, Workbench, overflowing, paste, repositoryFile, screenshotPath, seriousViolations, visit } from "./workbench.js";

const SOLUTION = repositoryFile("lessons/15-lost-update/solution.py");
/** What Ada has typed; it is what her bench runs from then on, and it loses what the lesson's own program loses. */
const TYPED = `# typed at the first device\n${repositoryFile("lessons/15-lost-update/program.py")}`;
/** Everything that a change may take to be seen by somebody else. */
const SEEN_MS = 10_000;
/** After the server is back, everybody goes on within this. */
const BACK_MS = 5000;
/** The server runs a reported program again when nobody waits for it. */
const VERIFIED_MS = 120_000;

describe("a class", () => {
  const workbench = new Workbench();
  before(() => workbench.start());
  after(() => workbench.close());

  test("from start to the exported table", () => visit(workbench, {}, async (host, context) => {
    /** @type {string[]} */
    const found = [];
    /** @param {import("playwright-core").Page} page @param {string} name */
    const look = async (page, name) => {
      found.push(...(await seriousViolations(page)).map((violation) => `${name}: ${violation}`), ...await overflowing(page, name));
      await page.screenshot({ path: screenshotPath(`class-${name}`), fullPage: true });
    };
    const browser = context.browser();
    assert.ok(browser);
    /** @param {"en" | "ja"} language @param {boolean} [phone] */
    const device = async (language, phone = false) => {
      const own = await browser.newContext({
        baseURL: workbench.url, locale: language === "ja" ? "ja-JP" : "en-GB", viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 720 },
      });
      own.setDefaultTimeout(60_000);
      const page = await own.newPage();
      page.on("pageerror", (error) => found.push(`error in a script: ${error.message}`));
      return page;
    };
    /** @param {import("playwright-core").Page} page @param {string} digits @param {string | null} name */
    const join = async (page, digits, name) => {
      await page.goto("/join");
      await page.locator("#pin").fill(digits);
      if (name !== null) await page.locator("#name").fill(name);
      await page.locator(".button.first").click();
    };

    // The host starts a class.
    await host.goto("/class");
    await look(host, "list");
    await host.locator("#title").fill("10b");
    await host.locator("details", { has: host.locator(".lesson-choices") }).locator("summary").click();
    // In an order of the host's own: the second is moved before the first.
    for (const slug of ["torn-read", "lost-update"]) await host.locator(`.lesson-choices input[value=${slug}]`).check();
    await host.locator(".lesson-order li", { hasText: "Lost update" }).getByRole("button", { name: "Earlier" }).click();
    assert.deepEqual(await host.locator(".lesson-order li > span").allTextContents(), ["L15 Lost update", "L17 Torn read"]);
    await look(host, "list-chosen");
    await host.locator(".class-form .button.first").click();
    await host.waitForURL("**/class/*");
    await host.locator("[data-empty]:visible").waitFor();
    await look(host, "empty");
    const grid = host.url();
    await host.goto(`${grid}/show`);
    const pin = ((await host.locator("[data-pin]").textContent()) ?? "").replace(" ", "");
    assert.match(pin, /^\d{6}$/);
    await look(host, "show");
    await host.goto(grid);

    // A wrong PIN, then the right one; a taken nickname; full-width digits on a phone.
    const [ada, phone, third, late] = [await device("en"), await device("ja", true), await device("en"), await device("en")];
    await join(ada, pin === "123456" ? "654321" : "123456", "Ada");
    await ada.locator("#problem").waitFor();
    assert.equal(await ada.locator("#name").inputValue(), "Ada");
    await look(ada, "join-wrong");
    await join(ada, pin, "Ada");
    await ada.waitForURL("**/class/me");
    const words = await ada.locator(".three-words strong").allTextContents();
    assert.equal(words.length, 3);
    await look(ada, "words");
    await phone.goto("/join");
    await look(phone, "join-phone-ja");
    await join(phone, [...pin].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xFEE0)).join(""), null);
    await phone.waitForURL("**/class/me");
    await look(phone, "words-phone-ja");
    await join(third, pin, "ａＤＡ");
    assert.equal(await third.locator("#name").inputValue(), "aDA 2");
    await third.locator(".button.first").click();
    await third.waitForURL("**/class/me");
    await host.locator("tr[data-seat]").nth(2).waitFor({ timeout: SEEN_MS });

    // A second device by the three words; the work is the seat's.
    await ada.locator(".button.first").click();
    await ada.waitForURL("**/lessons/lost-update");
    const bench = new BenchPage(ada);
    await bench.open("lost-update");
    await bench.write(TYPED);
    const tablet = await device("en");
    await tablet.goto("/rejoin");
    await look(tablet, "rejoin");
    await tablet.locator("#pin").fill(pin);
    for (const [at, word] of words.entries()) await tablet.locator(`#word-${at + 1}`).fill(word);
    await tablet.locator(".button.first").click();
    await tablet.waitForURL("**/lessons/lost-update");
    assert.match(await tablet.locator("textarea[data-own]").inputValue(), /typed at the first device/);
    await tablet.locator("[data-class-strip] button[value=join]").click();
    await tablet.waitForURL("**/join");
    await tablet.context().close();

    // A hand, and a note that is seen before the exercise is open, after a reload too.
    await ada.locator("[data-hand]").click();
    await host.locator('tr[data-group="hand"][data-seat]').waitFor({ timeout: SEEN_MS });
    await host.locator(".learner-name", { hasText: /^Ada$/ }).click();
    await host.locator(".learner-body pre", { hasText: "typed at the first device" }).waitFor();
    await host.locator("#learner-note").fill("When does it run?");
    await host.locator("[data-learner] form .button").click();
    await ada.locator("[data-class-told] .class-note", { hasText: "When does it run?" }).waitFor({ timeout: SEEN_MS });
    await ada.reload();
    await ada.locator("[data-class-told] .class-note", { hasText: "When does it run?" }).waitFor({ timeout: SEEN_MS });
    await ada.locator("[data-hand][aria-pressed=true]").click();

    // Settings and seed for all; the host's copy of a learner's bench runs to the same numbers.
    await host.locator("[data-to-all] > summary").click();
    await host.locator("#push-lesson").selectOption("lost-update");
    await host.locator("#push-expression").selectOption("conditional");
    await host.locator("#push-seed").fill("9");
    await look(host, "to-all");
    await host.locator('[data-tell="push"] .button').click();
    await ada.locator('[data-control="expression"] input[value=conditional]:checked').waitFor({ state: "attached", timeout: SEEN_MS });
    assert.equal(await ada.locator("[data-seed]").inputValue(), "9");
    await host.locator("[data-to-all] > summary").click();
    await bench.runFor(1);
    const { ran, lost } = await bench.run();
    assert.ok(lost > 0);
    const row = host.locator("tr[data-seat]", { hasText: "Ada" });
    await row.locator(".now", { hasText: "lost" }).waitFor({ timeout: SEEN_MS });
    const copied = host.locator("[data-learner] a.first");
    await host.locator(".learner-body li", { hasText: "seed = 9" }).first().waitFor();
    const address = await copied.getAttribute("href");
    assert.ok(address);
    const copy = await context.newPage();
    await copy.goto(address);
    await copy.locator("[data-board-chip][data-shown=ready]").waitFor({ state: "attached" });
    const copyBench = new BenchPage(copy);
    assert.match(await (await copyBench.program()).innerText(), /typed at the first device/);
    await copyBench.runFor(1);
    const again = await copyBench.run();
    assert.deepEqual([again.ran, again.lost], [ran, lost]);

    // The copy on the projector: large, with the panels that are asked for, nobody's name, and the same run.
    await copy.setViewportSize({ width: 1920, height: 1080 });
    const large = await host.locator("[data-learner] .actions a", { hasText: "on the projector" }).getAttribute("href");
    assert.ok(large);
    await copy.goto(large);
    await copy.locator("[data-projector-choice] button", { hasText: "lost_update.py" }).click();
    assert.equal(await copy.locator(".app-bar, .class-strip").count(), 0);
    assert.doesNotMatch(await copy.locator("body").innerText(), /Ada/);
    await copy.locator("[data-run]").first().click();
    await copy.locator(".counter.result .figure", { hasNotText: "–" }).first().waitFor({ timeout: CHECK_TIMEOUT_MS });
    await copy.locator("[data-stop]").first().click();
    assert.match(await (await copyBench.program()).innerText(), /typed at the first device/);
    const figure = await copy.locator(".counter .figure").first().evaluate((element) => element.getBoundingClientRect().height);
    assert.ok(figure >= 44, `a figure is ${figure} px high`);
    await look(copy, "projector");
    await copy.reload();
    await copy.locator("[data-projector-choice] [aria-pressed=true]", { hasText: "lost_update.py" }).waitFor();
    await copy.setViewportSize({ width: 1280, height: 720 });
    await look(copy, "projector-small");
    await copy.locator("[data-projector-back]").click();
    await copy.locator(".app-bar").waitFor();
    assert.match(copy.url(), /copy=\d+\.\d+&settings=/);
    await copy.close();

    // Eyes here: the benches dim, and what was typed stays.
    await host.locator("[data-to-all] > summary").click();
    await host.locator("[data-eyes]").click();
    await phone.locator(".eyes-here:visible").waitFor({ timeout: SEEN_MS });
    await ada.locator("main[inert]").waitFor({ state: "attached", timeout: SEEN_MS });
    await look(phone, "eyes-phone-ja");
    await host.locator("[data-eyes]").click();
    await phone.locator(".eyes-here").waitFor({ state: "hidden", timeout: SEEN_MS });
    assert.match(await (await bench.program()).innerText(), /typed at the first device/);

    // A question, its wall before and after, and the board's answer.
    const wall = await context.newPage();
    await wall.setViewportSize({ width: 1280, height: 720 });
    await wall.goto(`${grid}/wall`);
    await wall.locator("[data-wall-ask] .button").click();
    for (const [page, at] of /** @type {const} */ ([[ada, 0], [phone, 1], [third, 0]])) await page.locator(".answer-button").nth(at).click();
    await wall.locator("[data-wall-count]", { hasText: "3 of 3" }).waitFor({ timeout: SEEN_MS });
    assert.equal(await wall.locator(".wall-answer .icon").count(), 0, "nothing is right before the board says so");
    await look(phone, "question-phone-ja");
    await wall.locator("[data-again]").click();
    await phone.locator('.class-question[data-key*="after"]').waitFor({ timeout: SEEN_MS });
    await phone.locator(".answer-button").nth(0).click();
    await wall.locator(".wall-row.full").nth(1).waitFor({ timeout: SEEN_MS });
    await look(wall, "wall");
    await wall.locator("[data-decide]").click();
    await wall.locator(".wall-answer.right").waitFor();
    await look(wall, "wall-decided");
    await ada.locator(".answer-button:disabled").first().waitFor({ timeout: SEEN_MS });
    await wall.locator("[data-close]").click();
    await wall.close();

    // The class as a sampler: one setting, everybody with a seed of their own, beside what the explorer foretells.
    const sampler = await context.newPage();
    await sampler.setViewportSize({ width: 1280, height: 720 });
    await sampler.goto(`${grid}/sampler`);
    await sampler.locator("#sample-kind").selectOption("hard");
    const thirdBench = new BenchPage(third);
    await thirdBench.open("lost-update");
    await sampler.locator("[data-sample-form] .button").click();
    await third.locator('[data-control="kind"] input[value=hard]:checked').waitFor({ state: "attached", timeout: SEEN_MS });
    assert.notEqual(await third.locator("[data-seed]").inputValue(), "9");
    await thirdBench.runFor(1);
    const sampled = await thirdBench.run();
    assert.ok(sampled.lost > 0);
    await sampler.locator("[data-sample-words]", { hasText: "1 of 3 learners have run this" }).waitFor({ timeout: SEEN_MS });
    await sampler.locator("[data-sample-words]", { hasText: "The explorer foretells" }).waitFor({ timeout: CHECK_TIMEOUT_MS });
    assert.equal(await sampler.locator(".sample-mark").count(), 1);
    await look(sampler, "sampler");
    await sampler.setViewportSize({ width: 390, height: 844 });
    await look(sampler, "sampler-phone");
    await sampler.close();

    // A pass counts as verified once the server has run the program itself.
    await bench.openRest();
    await ada.locator("[data-exercise] .class-note", { hasText: "When does it run?" }).waitFor();
    await bench.write(SOLUTION);
    await ada.locator("[data-check]").click();
    await ada.locator('[data-name=checked][data-step=done]').waitFor({ timeout: CHECK_TIMEOUT_MS });
    await row.locator('use[href="#icon-holds"]').waitFor({ state: "attached", timeout: VERIFIED_MS });

    // The host has closed the solutions: what is closed was not sent; what is opened is there without a reload.
    const solution = ada.locator("[data-solution]");
    assert.equal(await solution.locator("code").textContent(), "");
    await ada.locator("[data-solution-note]", { hasText: "closed" }).waitFor();
    await host.locator("[data-solutions]").click();
    await solution.locator("summary").click({ timeout: SEEN_MS });
    assert.match((await solution.locator("code").textContent()) ?? "", /Each side writes only its own counter/);
    await host.locator("[data-solutions]").click();
    await solution.waitFor({ state: "hidden", timeout: SEEN_MS });

    // A late comer goes where the others were sent.
    await host.locator("#goto-lesson").selectOption("torn-read");
    await host.locator('[data-tell="goto"] .button').click();
    await ada.waitForURL("**/lessons/torn-read");
    await join(late, pin, "late");
    await late.waitForURL("**/class/me");
    assert.match((await late.locator(".button.first").getAttribute("href")) ?? "", /torn-read/);
    await host.keyboard.press("Escape");
    await look(host, "grid");
    await host.setViewportSize({ width: 1920, height: 1080 });
    await host.locator("[data-hide-names]").check();
    await host.locator("tr[data-seat] .learner-name", { hasText: "Ada" }).waitFor({ state: "detached" });
    await look(host, "grid-projector");
    await host.locator("[data-hide-names]").uncheck();
    await host.setViewportSize({ width: 390, height: 844 });
    await host.locator("[data-learner] .icon-button").click();
    await look(host, "grid-phone");
    await host.setViewportSize({ width: 1440, height: 900 });

    // A power cut: everybody goes on where they were, and nobody types anything again. What is typed meanwhile is kept.
    const program = await bench.program();
    await bench.show("own");
    await workbench.kill();
    await program.click();
    await ada.keyboard.press("ControlOrMeta+a");
    await paste(program, "# typed while the server was away\n");
    await ada.locator("[data-saved]", { hasNotText: /^saved$/ }).waitFor();
    await workbench.start();
    await ada.locator("[data-saved]", { hasText: /^saved$/ }).waitFor({ timeout: BACK_MS });
    await ada.locator("[data-hand]").click();
    await host.locator('tr[data-group="hand"][data-seat]', { hasText: "Ada" }).waitFor({ timeout: BACK_MS });
    await late.reload();
    assert.match((await late.locator("h1").textContent()) ?? "", /late/);

    // The end: the table, then nothing is left.
    host.on("dialog", (dialog) => dialog.accept());
    await host.locator("summary", { hasText: "Results" }).click();
    const [download] = await Promise.all([host.waitForEvent("download"), host.locator('a[href$="results.csv"]').click()]);
    const table = readFileSync(await download.path(), "utf8");
    assert.ok(table.startsWith("\uFEFF"));
    assert.equal(table.trim().split("\r\n").length, 1 + 4 * 2, table);
    assert.match(table, /^"Ada","L15 Lost update",.*,"yes","yes",/m);
    await host.locator("[data-end]").click();
    await host.locator("[data-ended]").waitFor({ timeout: SEEN_MS });
    await ada.reload();
    await ada.locator("[data-class-strip]", { hasText: "ended" }).waitFor();
    await ada.goto("/class/me/results");
    await look(ada, "results");
    await ada.goto("/class/privacy");
    await look(ada, "privacy");
    await phone.goto("/class/help");
    await look(phone, "help-phone-ja");
    await host.locator("[data-delete]").click();
    await host.waitForURL("**/class");
    await ada.goto("/lessons/lost-update");
    assert.equal(await ada.locator("[data-class-strip]").count(), 0);
    assert.deepEqual(found, []);
  }));
});
