/**
 * One row for every setting tried, so that the settings can be compared.
 * @module
 */
import { send } from "./api.js";
import { shown } from "./counters.js";
import { text } from "./catalogue.js";
import { draw, icon, make, maybe, one } from "./dom.js";
import { Instrument } from "./instrument.js";

const BAR_PX = 64;

export class OutcomeTable extends Instrument {
  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   * @param {import("./types.js").LessonData} lesson
   */
  constructor(panel, model, lesson) {
    super(panel, model);
    this.lesson = lesson;
    this.outcomes = lesson.outcomes;
    this.body = one(panel, "tbody", HTMLTableSectionElement);
    const clear = maybe(panel, "[data-clear]", HTMLButtonElement);
    clear?.addEventListener("click", async () => {
      await send("DELETE", `/api/lessons/${lesson.slug}/outcomes`, {});
      this.outcomes = [];
      this.paint();
    });
    model.bus.on("outcome", (outcome) => {
      if (outcome.lesson !== lesson.slug || this.outcomes.some(({ n }) => n === outcome.n)) return;
      this.outcomes = [...this.outcomes, outcome];
      this.paint();
    });
    this.paint();
  }

  paint() {
    const rows = this.outcomes.map((outcome, index) => this.#row(index + 1, outcome.settings, (name) => outcome.values[name], this.#verdict(outcome), outcome));
    const run = this.model.run;
    if (this.model.running && run !== null && this.model.sample !== null && (run.lesson ?? this.lesson.slug) === this.lesson.slug) {
      rows.push(this.#row(rows.length + 1, run.settings, (name) => this.model.value(name), { shape: "running", text: text("live.running") }, null));
    }
    if (this.empty) this.empty.hidden = rows.length > 0;
    const clear = maybe(this.panel, "[data-clear]", HTMLButtonElement);
    if (clear) clear.hidden = this.outcomes.length === 0;
    one(this.panel, "table", HTMLTableElement).hidden = rows.length === 0;
    this.body.replaceChildren(...rows);
  }

  /** @param {import("./types.js").Outcome} outcome */
  #verdict(outcome) {
    if (outcome.verdict !== null) return this.lesson.outcome.verdicts[outcome.verdict];
    return { shape: outcome.why === "exception" ? "lost" : "ring", text: endName(outcome.why) };
  }

  /**
   * @param {number} number
   * @param {import("./types.js").Settings} settings
   * @param {(name: string) => string | number | undefined} value
   * @param {{ shape: string, text: string }} verdict
   * @param {import("./types.js").Outcome | null} outcome `null` while it runs
   */
  #row(number, settings, value, verdict, outcome) {
    const { columns, bar, key } = this.lesson.outcome;
    const own = outcome?.program === "own";
    const notes = [
      ...(own ? [text("live.own_program")] : []),
      ...(outcome?.part ? [text("live.part_of_run", { part: outcome.part, parts: outcome.parts ?? outcome.part })] : []),
      ...(outcome?.earlier ? [text("live.earlier_version")] : []),
    ];
    const cells = [make("td", {}, String(number))];
    for (const column of columns) {
      if (column.role === "setting") {
        cells.push(make("td", {}, own && !(column.name in OWN_SETTINGS) ? "–" : this.#settingName(column.name, settings[column.name])));
        continue;
      }
      const measured = value(column.name);
      const figure = measured === undefined ? "–" : typeof measured === "number" ? shown(column.name, measured) : measured;
      const classes = ["number", ...(column.name === key ? ["key"] : []), ...(column.name === "ran" ? ["ran-cell"] : [])];
      cells.push(make("td", { class: classes.join(" "), "data-name": column.name }, figure));
      if (bar !== null && bar.value === column.name) cells.push(make("td", { class: "bar-cell" }, this.#bar(value(bar.value), value(bar.shareOf))));
    }
    const words = columns.filter((column) => column.role === "setting" && settings[column.name] !== undefined)
      .map((column) => this.#settingName(column.name, settings[column.name])).join(", ");
    cells.push(
      make("td", { class: "settings-line" }, own ? "" : words, ...(notes.length > 0 ? [make("span", { class: "row-note" }, notes.join(", "))] : [])),
      make("td", { class: "verdict-cell" }, make("span", { class: "verdict" }, icon(verdict.shape), make("span", { class: "words" }, verdict.text, ...(notes.length > 0 ? [make("span", { class: "row-note" }, notes.join(", "))] : [])))));
    return make("tr", { "data-verdict": verdict.shape, "data-running": outcome === null, ...(outcome?.part ? { "data-part": outcome.part } : {}) }, ...cells);
  }

  /**
   * @param {string} name
   * @param {string | number | undefined} value
   */
  #settingName(name, value) {
    if (value === undefined) return "–";
    const control = this.lesson.controls.find((candidate) => candidate.name === name);
    const option = control?.options.find((candidate) => candidate.value === value);
    if (option) return option.label;
    return control?.unit ? `${value} ${control.unit}` : String(value);
  }

  /**
   * @param {string | number | undefined} part
   * @param {string | number | undefined} whole
   */
  #bar(part, whole) {
    const share = typeof part === "number" && typeof whole === "number" && whole > 0 ? Math.min(1, part / whole) : 0;
    return draw("svg", { class: "bar chart", viewBox: `0 0 ${BAR_PX} 12`, preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("rect", { class: "whole", x: 0.5, y: 0.5, width: BAR_PX - 1, height: 11 }),
      ...(share > 0 ? [draw("rect", { class: "role-lost", x: 0.5, y: 0.5, width: Math.max(3, share * (BAR_PX - 1)), height: 11 })] : []));
  }
}

/** How a run ended that has no verdict. @param {string} why */
function endName(why) {
  switch (why) {
    case "exception": return text("live.ended_exception");
    case "stopped":
    case "restarted": return text("live.stopped");
    case "overtime": return text("live.overtime");
    case "crashed": return text("live.crashed");
    case "deep_sleep": return text("live.deep_sleep");
    default: return text("live.no_verdict");
  }
}

/** Settings that every program follows; the others belong to the lesson's own program. */
const OWN_SETTINGS = { rate: true, kind: true };
