/**
 * The bench: finds the parts of the page once and connects them.
 * @module
 */
import { AfterRun } from "./after-run.js";
import { openOnDemand } from "./analyser-door.js";
import { Announcer } from "./announcer.js";
import { goLive, startPage } from "./app.js";
import { Balance } from "./balance.js";
import { BenchModel } from "./bench-model.js";
import { BoardNote } from "./board-note.js";
import { settleBoard } from "./board-place.js";
import { readData, text } from "./catalogue.js";
import { followClass, isCopy } from "./class-bench.js";
import { ConsolePanel } from "./console-panel.js";
import { Controls } from "./controls.js";
import { Counters } from "./counters.js";
import { all, icon, maybe, one, setText } from "./dom.js";
import { Editor } from "./editor.js";
import { Exercise } from "./exercise.js";
import { fetched } from "./fetched.js";
import { HistoryChart } from "./history-chart.js";
import { LatencyHistogram } from "./latency-histogram.js";
import { OutcomeTable } from "./outcome-table.js";
import { OwnLesson } from "./own-lesson.js";
import { PartsPanel } from "./parts-panel.js";
import { PositionsHistogram } from "./positions-histogram.js";
import { Predictions } from "./predictions.js";
import { ProgramDoor } from "./program-door.js";
import { startProjector } from "./projector.js";
import { QueueGauge } from "./queue-gauge.js";
import { RunRow } from "./run-row.js";
import { StepTrack } from "./step-track.js";
import { Timeline } from "./timeline.js";
import { Tries } from "./tries.js";
import { TroubleSlot } from "./trouble-slot.js";
import { whenOpened } from "./when-opened.js";
import { Work } from "./work.js";

const bus = startPage();
// Before the instruments measure their panels.
startProjector();
/** @type {import("./types.js").LessonData} */
const lesson = readData("lesson-data");
const announcer = new Announcer();
const model = new BenchModel(bus, Object.fromEntries(lesson.controls.map(({ name, value }) => [name, value])), lesson.slug);

const INSTRUMENTS = {
  equation: Counters,
  readout: Counters,
  balance: Balance,
  queue: QueueGauge,
  timeline: Timeline,
  latency: LatencyHistogram,
  histogram: PositionsHistogram,
  history: HistoryChart,
};
for (const panel of all(document, "[data-instrument]", HTMLElement)) {
  const kind = panel.dataset.instrument ?? "";
  if (kind === "outcome") new OutcomeTable(panel, model, lesson);
  else new INSTRUMENTS[/** @type {keyof typeof INSTRUMENTS} */ (kind)](panel, model);
}

const partsPanel = maybe(document, "[data-parts]", HTMLElement);
if (partsPanel) new PartsPanel(partsPanel, model, lesson.slug);
const analyserPanel = maybe(document, "[data-analyser]", HTMLDetailsElement);
if (analyserPanel) openOnDemand(analyserPanel, model);
const controls = new Controls(one(document, "[data-controls]", HTMLElement), model, lesson.slug);
const row = new RunRow(one(document, "[data-run-row]", HTMLElement), model, lesson, announcer, () => (editor.shown === "own" ? editor.program : null));
new ConsolePanel(one(document, "[data-console-panel]", HTMLElement), model, lesson.slug);
new BoardNote(bus);
new TroubleSlot(one(document, "[data-trouble]", HTMLElement), bus);
const steps = new StepTrack(one(document, "[data-steps]", HTMLElement), bus, lesson.steps);
const editor = new Editor(one(document, "[data-editor]", HTMLElement), bus, lesson, () => { void row.start(); });
const predictionCard = maybe(document, "[data-predictions]", HTMLElement);
const predictions = predictionCard && new Predictions(predictionCard, model, lesson);
/** Puts the bench to settings that the lesson speaks of: they are those of its own program. @param {import("./types.js").Settings} settings */
function setBench(settings) {
  controls.apply(settings);
  editor.show("lesson");
  one(document, "[data-bench-side]", HTMLElement).scrollIntoView({ block: "start" });
  one(document, "[data-run]", HTMLButtonElement).focus({ preventScroll: true });
}
const tries = maybe(document, "[data-tries]", HTMLElement);
if (tries) new Tries(tries, model, lesson, setBench);
new AfterRun(one(document, "[data-closed]", HTMLElement), bus, lesson, predictions, setBench, (words) => announcer.say(words));
followClass(bus, lesson.slug, controls);

const work = new Work(lesson.slug, () => ({
  program: editor.program,
  prediction: predictions?.answers ?? {},
  steps: steps.done,
}), (state) => editor.say(state), !isCopy());
const exerciseCard = maybe(document, "[data-exercise]", HTMLElement);
if (exerciseCard) new Exercise(exerciseCard, bus, lesson, editor, announcer, () => work.save());

const explorerSection = maybe(document, "[data-explorer]", HTMLElement);
if (explorerSection) {
  const outcomes = [...lesson.outcomes];
  // Before the explorer listens, so that it finds the newest one.
  bus.on("outcome", (outcome) => { if (!outcomes.some(({ n }) => n === outcome.n)) outcomes.push(outcome); });
  const door = maybe(document, "[data-explorer-door]", HTMLElement);
  const explored = () => door?.querySelector(":scope > .icon")?.replaceWith(icon("holds"));
  if (steps.done.explored) explored();
  bus.on("explored", (found) => {
    explored();
    if (door) setText(one(door, "[data-explored]", HTMLElement), text("live.explored", found));
  });
  const parts = { bus, lesson, model, controls, editor, announcer, outcomes };
  whenOpened(explorerSection, bus, steps.done.explored === true, async () => {
    const { Explorer } = await fetched(() => import("./explorer.js"));
    return new Explorer(explorerSection, parts);
  });
}

bus.on("editor", () => work.changed());
bus.on("step", () => { void work.save(); });
bus.on("run", (run) => {
  if (run.state === "running" && !steps.done.run) bus.emit("step", { name: "run" });
});
bus.on("outcome", (outcome) => {
  if (outcome.lesson === lesson.slug && !steps.done.see) bus.emit("step", { name: "see" });
});
// Explained: the visitor opened the explanation, which stays closed until there is something to explain.
const explain = maybe(document, "[data-explain]", HTMLDetailsElement);
explain?.addEventListener("toggle", () => { if (explain.open && !steps.done.explain) bus.emit("step", { name: "explain" }); });

bus.on("event", (event) => {
  // Settings made before the start are no change.
  if (event.kind !== "control" || event.name === undefined || model.sample === null || event.run !== model.run?.id) return;
  const run_us = event.us - (model.sample.us - model.sample.run_us);
  if (run_us <= 0 || !model.running) return;
  const value = model.settings[event.name] ?? event.value ?? "";
  bus.emit("change", { name: event.name, value, us: event.us, run_us });
  announcer.say(text("live.announce_change", { name: event.name, value }));
});

settleBoard(bus, () => work.save());
model.restore();
const own = new OwnLesson(lesson.slug, (run) => bus.emit("elsewhere", { run }));
goLive(bus, ["/events"], (topic, detail) => own.shows(topic, detail));
new ProgramDoor(one(document, "[data-to-program]", HTMLAnchorElement), editor.panel);
