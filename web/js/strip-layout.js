/**
 * Where each arrival's cell lies: one row of cells for each bytecode, broken where the width ends,
 * under the source line that it belongs to. Wide pages have the names beside the cells, narrow
 * ones above. A long program is set closer.
 * @module
 */

/** A cell, wide enough for its pattern. */
export const CELL = { width: 12, height: 22 };
/** From one line of cells to the next within a bytecode. */
const LINE_PITCH = CELL.height + 6;
const NAMES_WIDTH = 176;
const NARROW_PX = 700;
const GROUP_HEIGHT = 30;
/** The source line has a line of its own on narrow pages. */
const NARROW_GROUP_HEIGHT = 46;
const NAME_HEIGHT = 20;
/** Between bytecodes; the cursor's number stands here. */
const ROW_GAP = 16;
/** Two lines of names beside the cells. */
const LEAST_ROW = 36;
/** From so many bytecodes on there is one line of names, and less room between. */
const MANY_ROWS = 24;
const CLOSE_GAP = 8;

/**
 * @typedef {import("./arrivals.js").Group} Group
 * @typedef {import("./arrivals.js").Row} Row
 * @typedef {{ from: number, to: number, x: number, y: number }} Line cells side by side
 * @typedef {{ group: Group, y: number }} PlacedGroup
 * @typedef {{ row: Row, y: number, lines: Line[] }} PlacedRow
 */

export class StripLayout {
  /** @type {PlacedGroup[]} */
  groups = [];
  /** @type {PlacedRow[]} */
  rows = [];
  height = 0;

  /**
   * @param {Group[]} groups
   * @param {number} width room in CSS pixels
   */
  constructor(groups, width) {
    this.narrow = width < NARROW_PX;
    this.left = this.narrow ? 2 : NAMES_WIDTH;
    this.perLine = Math.max(8, Math.floor((width - this.left - 4) / CELL.width));
    this.close = groups.reduce((rows, group) => rows + group.rows.length, 0) >= MANY_ROWS;
    const [least, gap] = this.close ? [CELL.height, CLOSE_GAP] : [LEAST_ROW, ROW_GAP];
    let y = 0;
    for (const group of groups) {
      this.groups.push({ group, y });
      y += this.narrow ? NARROW_GROUP_HEIGHT : GROUP_HEIGHT;
      for (const row of group.rows) {
        const top = y + (this.narrow ? NAME_HEIGHT : 0);
        /** @type {Line[]} */
        const lines = [];
        for (let from = row.from; from < row.to; from += this.perLine) {
          lines.push({ from, to: Math.min(row.to, from + this.perLine), x: this.left, y: top + lines.length * LINE_PITCH });
        }
        this.rows.push({ row, y, lines });
        const cells = lines.length * LINE_PITCH - (LINE_PITCH - CELL.height);
        y = (this.narrow ? top + cells : top + Math.max(cells, least)) + gap;
      }
    }
    // The cursor's number stands below the last cells too.
    this.height = y + (this.close ? ROW_GAP - CLOSE_GAP : 0);
  }

  /** The upper left corner of an arrival's cell. @param {number} at @returns {{ x: number, y: number } | null} */
  place(at) {
    for (const { row, lines } of this.rows) {
      if (at < row.from || at >= row.to) continue;
      const line = lines[Math.floor((at - row.from) / this.perLine)];
      return { x: line.x + (at - line.from) * CELL.width, y: line.y };
    }
    return null;
  }

  /**
   * The arrival nearest to a point.
   * @param {number} x
   * @param {number} y
   * @returns {number | null} null where there is nothing
   */
  at(x, y) {
    /** @type {Line | null} */
    let nearest = null;
    let distance = Infinity;
    for (const line of this.rows.flatMap(({ lines }) => lines)) {
      const away = Math.abs(y - (line.y + CELL.height / 2));
      if (away < distance) [nearest, distance] = [line, away];
    }
    if (nearest === null) return null;
    const cell = Math.floor((x - nearest.x) / CELL.width);
    return nearest.from + Math.min(Math.max(0, cell), nearest.to - nearest.from - 1);
  }
}
