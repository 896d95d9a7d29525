/**
 * One exploration: its settings, Explore with progress and cancel, what every arrival came to as a
 * strip and as a table, and the predicted share of losses beside the measured one.
 * @module
 */
import { Trouble, post } from "./api.js";
import { bytecodeName, deliveryName, lineName, verdictName } from "./arrival-words.js";
import { ArrivalStrip } from "./arrival-strip.js";
import { Arrivals } from "./arrivals.js";
import { text } from "./catalogue.js";
import { all, icon, make, maybe, one, setText } from "./dom.js";
import { ExploredMemory } from "./explored-memory.js";
import { number, percent, whole } from "./format.js";
import { tableElement } from "./instrument.js";
import { measuredShare } from "./measured-share.js";

/**
 * @typedef {import("./exploration-types.js").Question} Question
 * @typedef {{ bus: import("./bus.js").Bus, lesson: import("./types.js").LessonData,
 *   model: import("./bench-model.js").BenchModel, controls: import("./controls.js").Controls,
 *   editor: import("./editor.js").Editor, announcer: import("./announcer.js").Announcer,
 *   outcomes: import("./types.js").Outcome[] }} Bench what a strip uses of its bench
 */

/** Settings that every program follows; the others belong to the lesson's own program. */
const OWN_SETTINGS = new Set(["kind"]);
/** An exploration that a newer one ended; the page knows already. */
const GIVEN_UP = "explore-given-up";

export class ExplorerLane {
  /** What the strip shows, and the question it answers. @type {{ arrivals: Arrivals, question: Question } | null} */
  #found = null;
  #busy = false;

  /**
   * @param {HTMLElement} root
   * @param {Bench} bench
   * @param {(lane: ExplorerLane, at: number) => void} moved
   */
  constructor(root, bench, moved) {
    this.root = root;
    this.bench = bench;
    this.sets = all(root, "[data-set]", HTMLElement);
    this.programs = all(root, ".lane-controls > fieldset:first-child input", HTMLInputElement);
    this.exploreButton = one(root, "[data-explore]", HTMLButtonElement);
    this.cancelButton = one(root, "[data-cancel]", HTMLButtonElement);
    this.progress = one(root, "[data-progress]", HTMLElement);
    this.trouble = one(root, "[data-lane-trouble]", HTMLElement);
    this.note = one(root, "[data-note]", HTMLElement);
    this.tableSlot = one(root, "[data-table-slot]", HTMLElement);
    this.strip = new ArrivalStrip(one(root, "[data-strip]", HTMLElement), (at) => moved(this, at));
    this.exploreButton.addEventListener("click", () => this.explore());
    this.cancelButton.addEventListener("click", () => { void post(`/api/lessons/${bench.lesson.slug}/explore/cancel`).catch((error) => this.say(error)); });
    one(root, "[data-as-bench]", HTMLButtonElement).addEventListener("click", () => { this.#choose(bench.model.settings); this.#settingsChanged(); });
    for (const button of all(root, "[data-go]", HTMLButtonElement)) button.addEventListener("click", () => this.strip.step(button.dataset.go ?? ""));
    const tableButton = one(root, "[data-table]", HTMLButtonElement);
    tableButton.addEventListener("click", () => {
      this.tableSlot.hidden = !this.tableSlot.hidden;
      tableButton.setAttribute("aria-expanded", String(!this.tableSlot.hidden));
      this.#paintTable();
    });
    const wholeWindow = one(root, "[data-whole]", HTMLInputElement);
    wholeWindow.addEventListener("change", () => {
      if (this.#found === null) return;
      this.#found.arrivals.whole = wholeWindow.checked;
      this.#paintTotals();
      this.strip.show(this.#found.arrivals, this.strip.at);
      this.#paintTable();
    });
    root.addEventListener("change", () => this.#settingsChanged());
    bench.bus.on("editor", () => this.#settingsChanged());
    bench.bus.on("outcome", () => this.#paintShares());
    bench.bus.on("explore", (progress) => {
      if (this.#busy && progress.lesson === bench.lesson.slug && progress.state === "running") this.#showProgress(progress.done ?? 0, progress.of ?? 0);
    });
    this.#settingsChanged();
    this.memory = new ExploredMemory(bench.lesson.slug, root.dataset.lane ?? "", () => this.#found && { ...this.#found, report: this.#found.arrivals.report, at: this.strip.at });
  }

  /** Shows what was explored before a reload of this tab; nothing is asked for that. Returns whether there was something. */
  recall() {
    const kept = this.memory.recall();
    if (kept === null) return false;
    const { report, question, at } = kept;
    for (const input of this.programs) input.checked = input.value === (question.exercise ? "own" : "lesson");
    this.#choose(question.settings);
    this.#show(new Arrivals(report), question, at);
    return true;
  }

  /** What the settings ask for now. @returns {Question} */
  get question() {
    const exercise = this.programs.some(({ checked, value }) => checked && value === "own");
    const settings = Object.fromEntries(this.sets.filter((set) => !exercise || OWN_SETTINGS.has(set.dataset.set ?? "")).map((set) => {
      const select = maybe(set, "select", HTMLSelectElement);
      const radio = maybe(set, "input:checked", HTMLInputElement);
      return [set.dataset.set ?? "", select?.value ?? radio?.value ?? ""];
    }));
    return exercise ? { settings, exercise, program: this.bench.editor.program } : { settings, exercise };
  }

  /** What the strip shows. */
  get found() {
    return this.#found;
  }

  /**
   * Sets the controls and explores.
   * @param {Question} question
   * @param {number} at where the cursor begins
   */
  async ask(question, at) {
    for (const input of this.programs) input.checked = input.value === (question.exercise ? "own" : "lesson");
    this.#choose(question.settings);
    this.#settingsChanged();
    await this.explore(at, { ...this.question, program: question.program });
  }

  /**
   * @param {number} [at] where the cursor begins; without it at the first arrival that fails
   * @param {Question} [question]
   */
  async explore(at, question = this.question) {
    if (this.#busy) return;
    this.#setBusy(true);
    this.say(null);
    try {
      /** @type {import("./exploration-types.js").Report} */
      const report = await post(`/api/lessons/${this.bench.lesson.slug}/explore`, question);
      const arrivals = new Arrivals(report);
      this.#show(arrivals, question, at);
      const { tried, kept, lost, broken } = arrivals.counts;
      this.bench.announcer.say(text("explore.announce_done", { tried, kept, lost, broken }));
      this.bench.bus.emit("step", { name: "explored" });
    } catch (error) {
      this.say(error);
    } finally {
      this.#setBusy(false);
    }
  }

  /** Says what needs the visitor, `null` for nothing. @param {unknown} error */
  say(error) {
    if (error === null) {
      this.trouble.replaceChildren();
      return;
    }
    if (!(error instanceof Trouble)) throw error;
    if (error.code === GIVEN_UP) {
      this.bench.announcer.say(text("explore.given_up"));
      this.trouble.replaceChildren(make("p", { class: "message" }, icon("ring"), make("span", {}, text("explore.given_up"))));
      return;
    }
    const [first, ...rest] = error.message.split("\n");
    this.trouble.replaceChildren(make("div", { class: "message trouble" }, icon("needs"), make("strong", {}, first),
      ...(rest.length > 0 ? [make("pre", {}, rest.join("\n"))] : []),
      ...(error.hint ? [make("p", {}, error.hint)] : []), make("p", { class: "code" }, error.code)));
  }

  /**
   * @param {Arrivals} arrivals
   * @param {Question} question
   * @param {number} [at]
   */
  #show(arrivals, question, at) {
    const { report } = arrivals;
    const wholeWindow = one(this.root, "[data-whole]", HTMLInputElement);
    // A check counts the whole window, so the strip of the visitor's program does as well.
    if (question.exercise !== this.#found?.question.exercise) wholeWindow.checked = question.exercise;
    arrivals.whole = wholeWindow.checked;
    this.#found = { arrivals, question };
    one(this.root, "[data-totals]", HTMLElement).hidden = false;
    one(this.root, "[data-found]", HTMLElement).hidden = false;
    one(this.root, "[data-empty]", HTMLElement).hidden = true;
    this.#paintTotals();
    this.strip.show(arrivals, at ?? report.first_loss?.at ?? report.statement[0]);
    this.#settingsChanged();
    this.#paintTable();
    this.#paintShares();
    const { tried, lost, broken } = arrivals.counts;
    this.bench.bus.emit("explored", { tried, failing: lost + broken, settings: this.#nameOf(question) });
  }

  /** The counts of what the strip shows. */
  #paintTotals() {
    if (this.#found === null) return;
    const { arrivals } = this.#found;
    const { tried, kept, lost, broken } = arrivals.counts;
    /** @param {string} name @param {number} n */
    const fill = (name, n) => setText(one(this.root, `[data-${name}]`, HTMLElement), whole(n));
    fill("tried", tried);
    fill("kept", kept);
    fill("lost", lost);
    fill("broken", broken);
    fill("held", arrivals.report.deferred);
    setText(one(this.root, "[data-lost-words]", HTMLElement), lost > 0 ? text("explore.lost_share", { share: percent(lost, tried) }) : text("explore.lost"));
    one(this.root, "[data-loud]", HTMLElement).dataset.loud = String(lost > 0);
    one(this.root, "[data-broken-total]", HTMLElement).hidden = broken === 0;
    one(this.root, "[data-held-total]", HTMLElement).hidden = arrivals.report.deferred === 0;
  }

  /** @param {import("./types.js").Settings} settings */
  #choose(settings) {
    for (const set of this.sets) {
      const value = settings[set.dataset.set ?? ""];
      if (value === undefined) continue;
      const select = maybe(set, "select", HTMLSelectElement);
      if (select) select.value = String(value);
      for (const radio of all(set, "input", HTMLInputElement)) radio.checked = radio.value === String(value);
    }
  }

  /** Says so where the strip no longer shows what the settings are. */
  #settingsChanged() {
    const now = this.question;
    for (const set of this.sets) set.hidden = now.exercise && !OWN_SETTINGS.has(set.dataset.set ?? "");
    const found = this.#found;
    const words = [
      ...(found !== null && JSON.stringify(found.question) !== JSON.stringify(now) ? [text("explore.changed", { settings: this.#nameOf(found.question) })] : []),
      ...(found !== null && !found.arrivals.whole && found.arrivals.outside > 0 ? [text("explore.outside", { n: found.arrivals.outside })] : []),
    ];
    this.note.hidden = words.length === 0;
    setText(this.note, words.join(" "));
  }

  /** @param {Question} question */
  #nameOf({ settings, exercise }) {
    const names = Object.entries(settings).map(([name, value]) => {
      const control = this.bench.lesson.controls.find((candidate) => candidate.name === name);
      return control?.options.find((option) => option.value === value)?.label ?? String(value);
    });
    return [...(exercise ? [text("live.own_program")] : []), ...names].join(", ");
  }

  /** @param {boolean} busy */
  #setBusy(busy) {
    this.#busy = busy;
    this.exploreButton.setAttribute("aria-disabled", String(busy));
    // Focus stays where it is: a hidden button would lose it.
    if (!busy && document.activeElement === this.cancelButton) this.exploreButton.focus();
    this.cancelButton.hidden = !busy;
    this.progress.hidden = !busy;
    if (busy) this.#showProgress(0, 0);
  }

  /** @param {number} done @param {number} of */
  #showProgress(done, of) {
    setText(one(this.progress, "[data-progress-words]", HTMLElement), of === 0 ? text("explore.opening") : text("explore.trying", { done: whole(done), of: whole(of) }));
    one(this.progress, "[data-progress-part]", SVGRectElement).setAttribute("width", `${of === 0 ? 0 : (100 * done) / of}%`);
  }

  #paintTable() {
    if (this.#found === null || this.tableSlot.hidden) return;
    const { arrivals } = this.#found;
    this.tableSlot.replaceChildren(tableElement({
      caption: text("explore.table_caption"),
      head: [text("explore.column_arrivals"), text("explore.column_where"), text("explore.column_outcome"), text("explore.column_delivery")],
      rows: arrivals.stretches().map(({ from, to, bytecode, verdict, delivery }) => [
        to - from === 1 ? whole(from - arrivals.from + 1) : `${whole(from - arrivals.from + 1)} – ${whole(to - arrivals.from)}`,
        [bytecode === null ? "" : lineName(arrivals, bytecode), bytecodeName(bytecode)].filter(Boolean).join(", "),
        verdictName(verdict), deliveryName(delivery)]),
    }));
  }

  #paintShares() {
    const found = this.#found;
    if (found === null) return;
    const predicted = found.arrivals.report.predicted_share;
    const slot = one(this.root, "[data-shares]", HTMLElement);
    if (predicted === undefined) {
      one(this.root, "[data-weights]", HTMLElement).hidden = true;
      slot.replaceChildren();
      return;
    }
    const { settings } = found.question;
    const measured = measuredShare(this.bench.lesson, this.bench.outcomes, settings);
    const set = make("button", { type: "button", class: "button quiet" }, text("explore.set_bench"));
    set.addEventListener("click", () => this.bench.controls.apply(settings));
    slot.replaceChildren(
      make("div", {}, make("dt", {}, text("explore.predicted")), make("dd", {}, make("strong", {}, percent(predicted.share, 1)), " ",
        text("explore.predicted_share", { losing: number(predicted.losing), average: whole(predicted.average) }))),
      make("div", {}, make("dt", {}, text("explore.measured")), make("dd", {}, ...(measured === null
        ? [text("explore.not_measured"), set]
        : [make("strong", {}, percent(measured.part, measured.whole)), " ", text("explore.measured_share", { lost: whole(measured.part), ran: whole(measured.whole) })]))));
    one(this.root, "[data-weights]", HTMLElement).hidden = false;
  }
}
