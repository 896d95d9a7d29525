/**
 * The workshop: a program and a wiring of one's own, on the visitor's board. All of it is kept in this browser and travels
 * in the link's fragment; the server sees it when it is run.
 * @module
 */
import { openOnDemand } from "./analyser-door.js";
import { Announcer } from "./announcer.js";
import { goLive, startPage } from "./app.js";
import { BenchModel } from "./bench-model.js";
import { BoardNote } from "./board-note.js";
import { settleBoard } from "./board-place.js";
import { readData, text } from "./catalogue.js";
import { ConsolePanel } from "./console-panel.js";
import { all, one, setText } from "./dom.js";
import { fetched } from "./fetched.js";
import { partCard, wireLines } from "./part-card.js";
import { PartsPanel } from "./parts-panel.js";
import { startProjector } from "./projector.js";
import { RunRow } from "./run-row.js";
import { TroubleSlot } from "./trouble-slot.js";
import { Trouble, post } from "./api.js";
import { WiringEditor } from "./wiring-editor.js";
import { MOST_CHARACTERS, checked, fromFragment, toFragment } from "./workshop-link.js";

/** Under which name a workshop runs; no lesson is called so. */
const SLUG = "workshop";
/** Where what was made last is kept. */
const KEPT = "isrlab.workshop";
/** A run that nobody stops ends by itself. */
const SECONDS = 600;

/**
 * @typedef {import("./workshop-link.js").Workshop} Workshop
 * @typedef {{ slug: string, title: string, program: string, wiring: import("./workshop-link.js").Wiring }} Example
 */

/** @type {{ kinds: import("./part-card.js").MovableKind[], examples: Example[], seed: number }} */
const data = readData("workshop-data");
const bus = startPage();
startProjector();
const announcer = new Announcer();
const model = new BenchModel(bus, {}, SLUG);
const area = one(document, "textarea[data-own]", HTMLTextAreaElement);
const host = one(document, "[data-editor-host]", HTMLElement);
const link = one(document, "[data-link]", HTMLInputElement);
const linkNote = one(document, "[data-link-note]", HTMLElement);
const partList = one(document, ".part-list", HTMLElement);
const wires = one(document, "[data-parts-wires] ul", HTMLElement);
const seed = one(document, "[data-seed]", HTMLInputElement);

/** @type {import("./editor.js").CodeEditor | null} */
let code = null;
/** @type {Workshop} */
let workshop = { program: area.value, wiring: { parts: [] }, seed: data.seed };

const lesson = /** @type {any} */ ({ slug: SLUG, seconds: SECONDS, seed: data.seed });
const row = new RunRow(one(document, "[data-run-row]", HTMLElement), model, lesson, announcer, () => workshop.program, () => ({ wiring: workshop.wiring }));
new ConsolePanel(one(document, "[data-console-panel]", HTMLElement), model, SLUG);
new BoardNote(bus);
new TroubleSlot(one(document, "[data-trouble]", HTMLElement), bus);
const parts = new PartsPanel(one(document, "[data-parts]", HTMLElement), model, SLUG);
openOnDemand(one(document, "[data-analyser]", HTMLDetailsElement), model);
const filesPanel = one(document, "[data-files]", HTMLDetailsElement);
/** @type {Promise<import("./board-files.js").BoardFiles> | null} */
let files = null;
filesPanel.addEventListener("toggle", async () => {
  if (!filesPanel.open) return;
  files ??= fetched(() => import("./board-files.js")).then(({ BoardFiles }) => new BoardFiles(filesPanel, model, () => workshop.program));
  (await files).show();
});
const wiring = new WiringEditor(one(document, "[data-wiring]", HTMLElement), data.kinds, (changed) => {
  workshop = { ...workshop, wiring: changed };
  showParts();
  kept();
});

/** Puts a workshop on the page in the place of the one that is there. @param {Workshop} next */
function show(next) {
  workshop = next;
  area.value = next.program;
  code?.set(next.program, true);
  seed.value = String(next.seed);
  wiring.show(next.wiring);
  showParts();
  kept();
}

function showParts() {
  const kindOf = (/** @type {import("./workshop-link.js").WiredPart} */ part) => data.kinds.find(({ name }) => name === part.kind);
  partList.replaceChildren(...workshop.wiring.parts.map((part) => partCard(kindOf(part), part)));
  wires.replaceChildren(...workshop.wiring.parts.flatMap((part) => wireLines(kindOf(part), part)));
  parts.adopt();
}

/** Keeps what was made in this browser, and in the link. */
async function kept() {
  const now = workshop;
  try {
    localStorage.setItem(KEPT, JSON.stringify({ p: now.program, w: now.wiring, s: now.seed }));
  } catch {
    // A browser may refuse to keep anything; the link still works.
  }
  const fragment = await toFragment(now);
  if (now !== workshop) return;
  const fits = fragment.length <= MOST_CHARACTERS;
  link.value = fits ? new URL(`#${fragment}`, location.href).href : "";
  setText(linkNote, text(fits ? "live.link_note" : "live.link_too_long"));
}

/** @param {string} program */
function typed(program) {
  workshop = { ...workshop, program };
  void kept();
}

area.addEventListener("input", () => typed(area.value));
seed.addEventListener("change", () => { workshop = { ...workshop, seed: Math.max(0, Math.round(Number(seed.value) || 0)) }; void kept(); });
one(document, "[data-copy]", HTMLButtonElement).addEventListener("click", async () => {
  link.select();
  try {
    await navigator.clipboard.writeText(link.value);
    setText(linkNote, text("live.link_copied"));
  } catch {
    // Plain http on a LAN has no clipboard; the text is selected.
    setText(linkNote, text("live.link_selected"));
  }
});
for (const button of all(document, "[data-example]", HTMLButtonElement)) {
  button.addEventListener("click", () => {
    const example = data.examples.find(({ slug }) => slug === button.dataset.example);
    if (example) show({ program: example.program, wiring: example.wiring, seed: data.seed });
    button.closest("details")?.removeAttribute("open");
  });
}
for (const [selector, typedText] of [["[data-interrupt]", "\x03"], ["[data-restart]", "\x04"]]) {
  one(document, selector, HTMLButtonElement).addEventListener("click", async () => {
    try {
      if (model.running) await post("/api/stop");
      else await post("/api/console", { text: typedText });
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      bus.emit("trouble", error);
    }
  });
}

/** What the page begins with: the link, else what was made last, else the first example. */
async function begin() {
  const fragment = location.hash.slice(1);
  if (fragment !== "") {
    const linked = await fromFragment(fragment);
    if (linked !== null) {
      show(linked);
      return;
    }
    bus.emit("trouble", new Trouble("E-LINK-CUT", text("live.link_cut"), text("live.link_cut_hint")));
  }
  show(remembered() ?? { program: data.examples[0].program, wiring: data.examples[0].wiring, seed: data.seed });
}

function remembered() {
  try {
    return checked(JSON.parse(localStorage.getItem(KEPT) ?? "null"));
  } catch {
    return null;
  }
}

addEventListener("hashchange", () => { void begin(); });
await begin();
const { createCodeEditor } = await fetched(() => import("./code-editor.js"));
code = createCodeEditor(host, { program: workshop.program, editable: true, label: text("live.editor_label"), hazards: [], changed: typed, run: () => { void row.start(); } });
host.hidden = false;
area.hidden = true;
settleBoard(bus, kept);
goLive(bus);
