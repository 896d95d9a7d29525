/**
 * Puts the work that this browser keeps into a page that was written without it, before the page's parts look at it.
 * @module
 */
import { readData } from "./catalogue.js";
import { all, icon, maybe } from "./dom.js";

/** @typedef {import("./site-store.js").SiteWork} SiteWork */

/** The bench of a lesson. @param {SiteWork} work */
export function restoreBench(work) {
  const data = document.getElementById("lesson-data");
  if (data) data.textContent = JSON.stringify({ ...readData("lesson-data"), outcomes: work.outcomes, steps: { ...readData("lesson-data").steps, ...work.steps }, prediction: work.prediction, criteria: work.last_check?.criteria });
  const program = maybe(document, "textarea[data-own]", HTMLTextAreaElement);
  if (program && work.program !== null) program.defaultValue = program.value = work.program;
  const exercise = maybe(document, "[data-exercise]", HTMLElement);
  if (exercise) {
    exercise.dataset.failures = String(work.failures);
    exercise.dataset.passed = String(work.passed);
  }
  const explain = maybe(document, "[data-explain]", HTMLDetailsElement);
  if (explain && work.steps.explain) explain.open = true;
}

/** Every page that leads to lessons: how far each is. @param {Map<string, SiteWork>} works */
export function restoreCourse(works) {
  const words = readData("site-data").states ?? {};
  let passed = 0;
  for (const work of works.values()) if (work.passed) passed += 1;
  for (const link of all(document, "a[href]", HTMLAnchorElement)) {
    const slug = /\/lessons\/([\w-]+)\.html$/.exec(new URL(link.href).pathname)?.[1];
    const work = slug === undefined ? undefined : works.get(slug);
    const hidden = link.querySelector(".visually-hidden");
    const shape = link.querySelector("svg.icon");
    if (work === undefined || hidden === null || shape === null) continue;
    const [state, name] = stateOf(work);
    shape.replaceWith(icon(name));
    if (link.dataset.state) link.dataset.state = state;
    hidden.textContent = (hidden.textContent ?? "").replace(/[^:]*$/, ` ${words[state] ?? ""}`);
  }
  for (const chapter of all(document, ".chapter", HTMLElement)) paintChapter(chapter);
  const count = maybe(document, "[data-course-progress]", HTMLElement);
  if (count) count.textContent = (count.dataset.words ?? "").replace("{n}", String(passed)).replace("{all}", count.dataset.all ?? "");
}

/** A chapter's bar and count, after its tiles. @param {HTMLElement} chapter */
function paintChapter(chapter) {
  const count = maybe(chapter, ".chapter-progress > span", HTMLElement);
  if (count === null) return;
  const states = all(chapter, ".lesson-tile[data-state]", HTMLElement).map(({ dataset }) => dataset.state);
  for (const [at, bar] of all(chapter, ".chapter-progress rect", SVGElement).entries()) bar.setAttribute("class", states[at] === "passed" ? "done" : "todo");
  // The page was written when nothing was passed: the 0 in its words is the count.
  const passed = states.filter((state) => state === "passed").length;
  count.textContent = (count.textContent ?? "").replace(/(?<!\d)0(?!\d)/, String(passed));
}

/** @param {SiteWork} work @returns {[string, string]} the state and its shape */
function stateOf(work) {
  if (work.passed) return ["passed", "holds"];
  if (work.failures > 0) return ["failed", "lost"];
  const touched = work.program !== null || work.outcomes.length > 0 || Object.values(work.steps).some(Boolean);
  return touched ? ["started", "running"] : ["not-started", "ring"];
}
