/**
 * What all instrument panels share: a chart, the words when there is nothing yet, a table behind a
 * button, and a pause where the picture moves.
 * @module
 */
import { make, maybe, one } from "./dom.js";
import { text } from "./catalogue.js";

/** @typedef {{ caption: string, head: string[], rows: (string | number)[][] }} Table */

export class Instrument {
  #paused = false;
  #width = 0;

  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   */
  constructor(panel, model) {
    this.panel = panel;
    this.model = model;
    this.chart = one(panel, "[data-chart]", HTMLElement);
    this.aside = maybe(panel, "[data-aside]", HTMLElement);
    this.empty = maybe(panel, "[data-empty]", HTMLElement);
    const table = maybe(panel, "[data-table]", HTMLButtonElement);
    const slot = maybe(panel, "[data-table-slot]", HTMLElement);
    this.tableSlot = slot;
    table?.addEventListener("click", () => {
      if (slot === null) return;
      slot.hidden = !slot.hidden;
      table.setAttribute("aria-expanded", String(!slot.hidden));
      this.#fillTable();
    });
    const pause = maybe(panel, "[data-pause]", HTMLButtonElement);
    pause?.addEventListener("click", () => {
      this.#paused = !this.#paused;
      pause.setAttribute("aria-pressed", String(this.#paused));
      if (!this.#paused) this.#paint();
    });
    model.bus.on("paint", () => this.#paint());
    new ResizeObserver(() => {
      if (this.chart.clientWidth !== this.#width) {
        this.#width = this.chart.clientWidth;
        this.paint();
      }
    }).observe(this.chart);
  }

  get paused() {
    return this.#paused;
  }

  /** Room for the chart, in CSS pixels. */
  get width() {
    return Math.max(120, this.#width || this.chart.clientWidth);
  }

  /** Draws what the model knows now. */
  paint() {}

  /**
   * The same as numbers.
   * @returns {Table | null}
   */
  table() {
    return null;
  }

  #paint() {
    if (this.#paused) return;
    this.paint();
    this.#fillTable();
  }

  #fillTable() {
    const slot = this.tableSlot;
    if (slot === null || slot.hidden) return;
    const table = this.table();
    slot.replaceChildren(table === null ? make("p", { class: "empty" }, text("live.nothing_yet")) : tableElement(table));
  }
}

/** @param {Table} table */
export function tableElement({ caption, head, rows }) {
  return make("table", { class: "chart-table" },
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...head.map((cell) => make("th", { scope: "col" }, cell)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {},
      ...row.map((cell, index) => (index === 0 ? make("th", { scope: "row" }, String(cell)) : make("td", {}, String(cell))))))));
}
