/**
 * The class as a sampler: everybody's run of one setting, each with a seed of their own, beside what the explorer foretells.
 * @module
 */
import { post } from "./api.js";
import { startPage } from "./app.js";
import { readData, text } from "./catalogue.js";
import { command } from "./class-command.js";
import { followHosted } from "./class-live.js";
import { shown } from "./counters.js";
import { make, one, setText } from "./dom.js";
import { percent } from "./format.js";
import { drawSample } from "./sample-chart.js";
import { settingFields, settingsIn } from "./setting-fields.js";
import { TroubleSlot } from "./trouble-slot.js";

/** Changes come in bursts: the sample is fetched after a rest. */
const REST_MS = 1000;

const bus = startPage();
const page = one(document, "[data-sampler]", HTMLElement);
new TroubleSlot(one(page, "[data-trouble]", HTMLElement), bus);
/** @type {{ id: number, lessons: import("./class-types.js").ClassLesson[] }} */
const data = readData("class-data");
const base = `/api/classes/${data.id}`;
const lesson = one(page, "[data-sample-lesson]", HTMLSelectElement);
const fields = one(page, "[data-sample-settings]", HTMLElement);
const chart = one(page, "[data-sample-chart]", SVGSVGElement);
const words = one(page, "[data-sample-words]", HTMLElement);
const title = one(page, "[data-sample-title]", HTMLElement);
const rows = one(page, "[data-sample-rows]", HTMLElement);
/** @type {import("./class-types.js").Sample | null} */
let sample = null;
/** What the explorer foretold, by lesson and settings; null where it foretells nothing. @type {Map<string, number | null>} */
const foretold = new Map();
let timer = 0;
let asked = 0;

lesson.append(...data.lessons.map(({ slug, id, title: name }) => make("option", { value: slug }, `${id} ${name}`)));
lesson.addEventListener("change", choose);
fields.addEventListener("change", () => void look());
new ResizeObserver(show).observe(chart);

one(page, "[data-sample-form]", HTMLFormElement).addEventListener("submit", async (event) => {
  event.preventDefault();
  await command(bus, () => post(`${base}/tell`, { tell: "push", lesson: lesson.value, settings: settingsIn(fields), seed: null, each: true }));
});

/** Another lesson has other controls. */
function choose() {
  fields.replaceChildren(...settingFields(data.lessons.find(({ slug }) => slug === lesson.value)?.controls ?? [], "sample"));
  void look();
}

function key() {
  return JSON.stringify([lesson.value, settingsIn(fields)]);
}

/** What everybody has measured by now, and once for each setting what is foretold. */
async function look() {
  asked += 1;
  const [mine, settings, known] = [asked, settingsIn(fields), key()];
  const found = await command(bus, () => post(`${base}/sample`, { lesson: lesson.value, settings }));
  if (mine !== asked || found === null) return;
  sample = found;
  show();
  if (foretold.has(known)) return;
  foretold.set(known, null);
  if (!data.lessons.find(({ slug }) => slug === lesson.value)?.foretells) return;
  const report = await command(bus, () => post(`/api/lessons/${lesson.value}/explore`, { settings }));
  foretold.set(known, report?.predicted_share?.share ?? null);
  show();
}

function show() {
  if (sample === null) return;
  const { name, of, points, learners } = sample;
  setText(title, of === null ? text("room.sample_title", { name }) : text("room.sample_share", { name, of }));
  const write = (/** @type {number} */ value) => (of === null ? shown(name, Math.round(value)) : percent(value, 1));
  const values = points.map(({ value }) => value);
  const seeds = new Set(points.map(({ seed }) => seed)).size;
  const said = [text("room.sample_count", { n: points.length, of: learners })];
  if (points.length > 0) {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (/** @type {number} */ share) => write(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    said.push(text("room.sample_spread", { median: at(0.5), least: at(0), most: at(1) }));
    if (points.length > 1 && seeds === 1) said.push(text("room.sample_one_seed", { seed: points[0]?.seed ?? 0 }));
  }
  const told = foretold.get(key()) ?? null;
  if (told !== null) said.push(text("room.sample_foretold", { share: percent(told, 1) }));
  setText(words, said.join(" "));
  chart.toggleAttribute("hidden", points.length === 0);
  if (points.length > 0) {
    const tick = (/** @type {number} */ value, /** @type {number} */ bin) => (of === null ? shown(name, Math.round(value)) : `${(value * 100).toFixed(Math.min(4, Math.max(0, Math.ceil(-Math.log10(bin * 100)))))} %`);
    drawSample(chart, values, told, { tick, foretold: told === null ? "" : text("room.sample_explorer", { share: percent(told, 1) }), words: said.join(" ") });
  }
  rows.replaceChildren(...points.map(({ value, seed }) => make("tr", {}, make("td", {}, String(seed)), make("td", {}, write(value)))));
}

bus.on("grid", () => {
  if (timer !== 0) return;
  timer = setTimeout(() => {
    timer = 0;
    void look();
  }, REST_MS);
});
choose();
followHosted(bus, data.id);
