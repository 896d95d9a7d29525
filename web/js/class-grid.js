/**
 * The grid of a class: a row for each learner, by need. Rows that stay are moved, and only what changed is drawn anew.
 * @module
 */
import { text } from "./catalogue.js";
import { icon, make, setText } from "./dom.js";
import { shown } from "./counters.js";

/** @typedef {import("./class-types.js").GridRow} GridRow */
/** @typedef {import("./class-types.js").Group} Group */

/** The groups, the most urgent first, with their shapes and words. @type {[Group, string, string, string][]} */
export const GROUPS = [
  ["hand", "hand", "room.hand", "room.hand_short"],
  ["stuck", "needs", "room.stuck", "room.stuck_short"],
  ["working", "running", "room.working", "room.working_short"],
  ["finished", "holds", "room.finished", "room.finished_short"],
  ["away", "away", "room.away", "room.away_short"],
];

const STEPS = ["predict", "run", "see", "explain", "fix", "checked"];

export class Grid {
  /** @type {Map<number, GridRow>} */
  rows = new Map();
  /** Seconds by which this computer's clock is behind the server's. */
  ahead = 0;
  hidden = false;
  /** @type {number | null} */
  opened = null;
  /** @type {Map<number, { element: HTMLTableRowElement, button: HTMLButtonElement, now: HTMLTableCellElement, drawn: string }>} */
  #drawn = new Map();
  /** @type {Map<Group, { element: HTMLTableRowElement, count: HTMLElement }>} */
  #groups = new Map();

  /**
   * @param {HTMLTableElement} table
   * @param {import("./class-types.js").ClassLesson[]} lessons
   * @param {(seat: number) => void} open
   */
  constructor(table, lessons, open) {
    this.lessons = lessons;
    this.open = open;
    this.table = table;
    this.body = make("tbody");
    const heads = lessons.map((lesson) => make("th", { scope: "col", class: "lesson-column" }, make("span", { class: "lesson-code" }, lesson.id), " ", make("span", { class: "phrase" }, lesson.title)));
    table.append(
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, text("room.learner")), ...heads, make("th", { scope: "col" }, text("room.now")))),
      this.body);
    for (const [group, shape, words] of GROUPS) {
      const count = make("span", { class: "count" });
      const cell = make("th", { scope: "rowgroup", colspan: lessons.length + 2 }, icon(shape), make("span", {}, text(words)), " ", count);
      this.#groups.set(group, { element: make("tr", { class: "group", "data-group": group }, cell), count });
    }
    this.body.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {GridRow[]} rows @param {number[]} there */
  take(rows, there) {
    for (const row of rows) this.rows.set(row.seat, row);
    const seats = new Set(there);
    for (const seat of [...this.rows.keys()].filter((seat) => !seats.has(seat))) {
      this.rows.delete(seat);
      this.#drawn.get(seat)?.element.remove();
      this.#drawn.delete(seat);
    }
    this.draw();
  }

  draw() {
    const now = Math.floor(Date.now() / 1000) + this.ahead;
    const focused = document.activeElement;
    /** @type {HTMLElement[]} */
    const order = [];
    for (const [group] of GROUPS) {
      const members = [...this.rows.values()].filter((row) => row.group === group).sort((a, b) => a.since - b.since || a.seat - b.seat);
      const head = /** @type {{ element: HTMLTableRowElement, count: HTMLElement }} */ (this.#groups.get(group));
      if (members.length === 0) {
        head.element.remove();
        continue;
      }
      setText(head.count, String(members.length));
      order.push(head.element, ...members.map((row) => this.#row(row, now)));
    }
    order.forEach((element, at) => {
      if (this.body.children[at] !== element) this.body.insertBefore(element, this.body.children[at] ?? null);
    });
    // A row that moved keeps the focus that was in it.
    if (focused instanceof HTMLElement && this.body.contains(focused) && document.activeElement !== focused) focused.focus();
  }

  /** A learner's name, or what stands for it while names are hidden. @param {GridRow} row */
  name(row) {
    return this.hidden ? text("room.number", { n: row.seat }) : row.name;
  }

  /** How many are in each group. @param {Group} group */
  count(group) {
    return [...this.rows.values()].filter((row) => row.group === group).length;
  }

  /** @param {GridRow} row @param {number} now */
  #row(row, now) {
    let drawn = this.#drawn.get(row.seat);
    if (drawn === undefined) {
      const button = make("button", { type: "button", class: "learner-name" });
      button.addEventListener("click", () => this.open(row.seat));
      drawn = { element: make("tr", { "data-seat": row.seat }), button, now: make("td", { class: "now" }), drawn: "" };
      this.#drawn.set(row.seat, drawn);
    }
    const look = JSON.stringify([row.cells, row.lesson, row.group]);
    if (drawn.drawn !== look) {
      drawn.drawn = look;
      const cells = this.lessons.map((lesson, at) => this.#cell(row, lesson, row.cells[at] ?? ""));
      drawn.element.replaceChildren(make("th", { scope: "row" }, drawn.button), ...cells, drawn.now);
      drawn.element.dataset.group = row.group;
    }
    setText(drawn.button, this.name(row));
    drawn.element.classList.toggle("opened", this.opened === row.seat);
    setText(drawn.now, this.words(row, now));
    return drawn.element;
  }

  /**
   * @param {GridRow} row
   * @param {import("./class-types.js").ClassLesson} lesson
   * @param {string} cell
   */
  #cell(row, lesson, cell) {
    const here = row.lesson === lesson.slug && !/[pv]/.test(cell);
    const digits = cell.slice(0, 6);
    const at = [...digits.padEnd(6, "0")].findIndex((digit) => digit !== "1");
    const marks = STEPS.map((_step, index) => {
      const state = digits[index] === "1" ? "d" : here && index === at ? (cell.includes("f") ? "f" : "h") : "";
      return make("i", { class: `s ${state}` });
    });
    const passed = cell.includes("v") ? "holds" : cell.includes("p") ? "reported" : null;
    const after = cell.includes("s");
    const words = passed === null
      ? text("room.cell", { done: [...digits].filter((digit) => digit === "1").length, state: cell.includes("f") ? text("room.cell_failed") : here ? text("room.cell_here") : "" })
      : text(passed === "holds" ? "room.cell_verified" : "room.cell_passed") + (after ? text("room.cell_after") : "");
    return make("td", { class: `cell${here ? " here" : ""}${here && row.group === "stuck" ? " stuck" : ""}` },
      make("span", { class: "marks", "aria-hidden": "true" }, ...marks, ...(passed ? [icon(passed)] : []), ...(after ? ["°"] : [])),
      make("span", { class: "visually-hidden" }, words));
  }

  /** What a learner does at the moment. @param {GridRow} row @param {number} now */
  words(row, now) {
    const minutes = Math.max(0, Math.floor((now - row.since) / 60));
    const lesson = this.lessons.find(({ slug }) => slug === row.lesson)?.id ?? "";
    const where = lesson === "" ? "" : `${lesson} · `;
    switch (row.group) {
      case "hand": return where + text("room.asks", { minutes });
      case "stuck": return where + (row.by_checks ? text("room.checks_failed", { n: row.failed }) : text("room.on_step", { minutes, step: stepName(row.step) }));
      case "away": return text("room.away_for", { minutes });
      case "finished": return "";
      default: return row.latest ? `${where}${row.latest.name} ${typeof row.latest.value === "number" ? shown(row.latest.name, row.latest.value) : row.latest.value}` : where + stepName(row.step);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const buttons = [...this.body.querySelectorAll("button")];
    const at = buttons.findIndex((button) => button === document.activeElement);
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      buttons[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
    }
  }
}

/** @param {string | null} step */
export function stepName(step) {
  return step === null ? "" : text(`step.${step}`);
}
