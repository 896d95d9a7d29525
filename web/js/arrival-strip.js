/**
 * The strip: one cell for each arrival, under the line and bytecode at which main is, and one cursor
 * among them. To the keyboard and to a screen reader it is one slider.
 * @module
 */
import { bytecodeName, describe, position } from "./arrival-words.js";
import { text } from "./catalogue.js";
import { draw } from "./dom.js";
import { CELL, StripLayout } from "./strip-layout.js";

/** About the width of a letter of the cursor's label, to keep it on the page; Japanese ones are square. */
const LETTER_PX = 6.5;
const SQUARE_PX = 12;
/** The whole strip in one line, above its cells. */
const OVERVIEW_PX = 22;
const PATTERN_PX = 8;
const LEAST_PX = 3;
/** The mark of a bytecode after which a queued callback may run, and the room that its words take. */
const SAFE = "◆";
const SAFE_WORDS_PX = 100;
/** Room kept between the cursor and the edge of what is in sight. */
const SIGHT_PX = 60;

export class ArrivalStrip {
  /** @type {import("./arrivals.js").Arrivals | null} */
  #arrivals = null;
  /** @type {StripLayout | null} */
  #layout = null;
  #width = 0;
  #at = 0;
  #cursor = draw("g", { class: "cursor" });
  #overview = draw("svg", { class: "chart strip-overview", height: OVERVIEW_PX, "aria-hidden": "true" });
  #marker = draw("path", { class: "marker" });
  #chart = draw("svg", { class: "chart strip-chart", "aria-hidden": "true" });
  /** What a drag began on. @type {"overview" | "cells"} */
  #dragged = "cells";

  /**
   * @param {HTMLElement} slider
   * @param {(at: number) => void} moved
   */
  constructor(slider, moved) {
    this.slider = slider;
    this.moved = moved;
    slider.addEventListener("keydown", (event) => this.#key(event));
    slider.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      slider.setPointerCapture(event.pointerId);
      this.#dragged = event.target instanceof Node && this.#overview.contains(event.target) ? "overview" : "cells";
      this.#point(event);
    });
    slider.addEventListener("pointermove", (event) => { if (slider.hasPointerCapture(event.pointerId)) this.#point(event); });
    new ResizeObserver(() => {
      if (slider.clientWidth === this.#width) return;
      this.#width = slider.clientWidth;
      this.paint();
    }).observe(slider);
  }

  /** Where the cursor is. */
  get at() {
    return this.#at;
  }

  /**
   * @param {import("./arrivals.js").Arrivals} arrivals
   * @param {number} at
   */
  show(arrivals, at) {
    this.#arrivals = arrivals;
    this.paint();
    this.go(at);
  }

  /** Moves the cursor, as far as there are arrivals. @param {number} at */
  go(at) {
    const arrivals = this.#arrivals;
    if (arrivals === null) return;
    this.#at = Math.min(Math.max(at, arrivals.from), arrivals.to - 1);
    this.slider.setAttribute("aria-valuemin", String(arrivals.from));
    this.slider.setAttribute("aria-valuemax", String(arrivals.to - 1));
    this.slider.setAttribute("aria-valuenow", String(this.#at));
    this.slider.setAttribute("aria-valuetext", describe(arrivals, this.#at));
    this.#paintCursor();
    this.moved(this.#at);
  }

  /**
   * One of the steps that keys and buttons take.
   * @param {string} where
   */
  step(where) {
    const arrivals = this.#arrivals;
    if (arrivals === null) return;
    switch (where) {
      case "first": this.go(arrivals.from); break;
      case "last": this.go(arrivals.to - 1); break;
      case "back": this.go(this.#at - 1); break;
      case "forward": this.go(this.#at + 1); break;
      case "bytecode": this.go(arrivals.nextBytecode(this.#at, 1)); break;
      case "bytecode-back": this.go(arrivals.nextBytecode(this.#at, -1)); break;
      case "change": this.go(arrivals.nextChange(this.#at, 1)); break;
      case "change-back": this.go(arrivals.nextChange(this.#at, -1)); break;
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const where = KEYS[event.key];
    if (where === undefined) return;
    event.preventDefault();
    this.step(where === "change" && event.shiftKey ? "change-back" : where);
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const arrivals = this.#arrivals;
    if (arrivals === null) return;
    const box = (this.#dragged === "overview" ? this.#overview : this.#chart).getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const at = this.#dragged === "overview" ? arrivals.from + Math.floor((x / box.width) * (arrivals.to - arrivals.from)) : this.#layout?.at(x, y);
    if (at !== null && at !== undefined && at !== this.#at) this.go(at);
  }

  paint() {
    const arrivals = this.#arrivals;
    if (arrivals === null || this.slider.clientWidth === 0) return;
    const layout = new StripLayout(arrivals.groups(), this.slider.clientWidth);
    this.#layout = layout;
    const svg = this.#chart;
    svg.setAttribute("height", String(layout.height));
    svg.replaceChildren();
    for (const { group, y } of layout.groups) {
      if (group.line === 0) continue;
      const line = group.own ? text("explore.line", { line: group.line }) : text("explore.driver");
      svg.append(
        draw("text", { class: "line-number", x: 0, y: y + 17 }, `${line} · ${layout.narrow ? group.function : short(group.function, 17)}`),
        draw("text", { class: "line-source mono", x: layout.narrow ? 0 : layout.left, y: y + (layout.narrow ? 36 : 17) }, group.source));
    }
    for (const placed of layout.rows) svg.append(...this.#row(arrivals, layout, placed));
    svg.append(this.#cursor);
    this.#paintOverview(arrivals);
    this.slider.replaceChildren(this.#overview, svg);
    this.#paintCursor();
  }

  /** @param {import("./arrivals.js").Arrivals} arrivals */
  #paintOverview(arrivals) {
    const scale = this.slider.clientWidth / (arrivals.to - arrivals.from);
    this.#overview.replaceChildren(...arrivals.outcomes().map(({ from, to, outcome }) => {
      const width = Math.max(LEAST_PX, (to - from) * scale);
      const role = outcome === "kept" ? "main" : "lost";
      return draw("rect", { class: width >= PATTERN_PX ? `role-${role}` : `solid-${role}`, x: (from - arrivals.from) * scale, y: 1, width, height: 11 });
    }), this.#marker);
  }

  /**
   * @param {import("./arrivals.js").Arrivals} arrivals
   * @param {StripLayout} layout
   * @param {import("./strip-layout.js").PlacedRow} placed
   */
  #row(arrivals, layout, { row, y, lines }) {
    const { bytecode } = row;
    const count = row.to - row.from === 1 ? text("explore.one_arrival") : text("explore.arrivals", { n: row.to - row.from });
    const offset = bytecode === null ? "" : String(bytecode.offset).padStart(2, "0");
    const name = bytecodeName(bytecode);
    const end = layout.left + layout.perLine * CELL.width;
    const names = layout.narrow
      ? [draw("text", { class: "bytecode mono", x: 0, y: y + 13 }, [offset, name].filter(Boolean).join(" ")),
        draw("text", { class: "end", x: end, y: y + 13 }, bytecode?.safe_point ? `${SAFE} ${text("explore.safe_point")}` : count)]
      : layout.close ? [draw("text", { class: "offset mono", x: 0, y: y + 15 }, offset), draw("text", { class: "bytecode mono", x: 26, y: y + 15 }, short(name, 20))]
      : [draw("text", { class: "offset mono", x: 0, y: y + 13 }, offset),
        draw("text", { class: "bytecode mono strong", x: 26, y: y + 13 }, bytecode?.opcode ?? text("explore.between")),
        draw("text", { x: 26, y: y + 30 }, [bytecode && short(bytecode.argument, 14), count].filter(Boolean).join(" · "))];
    const last = lines.at(-1);
    const free = last === undefined ? 0 : last.x + (last.to - last.from) * CELL.width + 8;
    if (bytecode?.safe_point && !layout.narrow && last !== undefined) {
      // Beside the cells where there is room, else only the mark.
      const words = end - free > SAFE_WORDS_PX ? `${SAFE} ${text("explore.safe_point")}` : SAFE;
      names.push(draw("text", { class: "strong", x: free, y: last.y + 15 }, words));
    }
    const cells = lines.map((line) => {
      const group = draw("g", { transform: `translate(${line.x} ${line.y})` });
      for (let from = line.from; from < line.to;) {
        const [outcome, held] = [arrivals.outcome(from), arrivals.delivery(from).kind !== "prompt"];
        let to = from + 1;
        while (to < line.to && arrivals.outcome(to) === outcome && (arrivals.delivery(to).kind !== "prompt") === held) to += 1;
        const [x, width] = [(from - line.from) * CELL.width, (to - from) * CELL.width];
        group.append(draw("rect", { class: `cells-${outcome}`, x, y: 0, width, height: CELL.height }));
        if (held) group.append(draw("rect", { class: "cell-held", x, y: CELL.height + 1, width, height: 3 }));
        if (from > arrivals.from && arrivals.outcome(from - 1) !== outcome) {
          group.append(draw("line", { class: "change-of-outcome", x1: x, x2: x, y1: -4, y2: CELL.height + 5 }));
        }
        from = to;
      }
      return group;
    });
    return [...names, ...cells];
  }

  /** Scrolls a long strip so that the cursor stays in sight. @param {number} y of the cursor in the cells */
  #keepInSight(y) {
    const { scrollTop, clientHeight, scrollHeight } = this.slider;
    if (scrollHeight <= clientHeight) return;
    if (y < scrollTop + SIGHT_PX / 2) this.slider.scrollTop = y - SIGHT_PX;
    else if (y > scrollTop + clientHeight - OVERVIEW_PX - SIGHT_PX) this.slider.scrollTop = y - clientHeight + OVERVIEW_PX + 2 * SIGHT_PX;
  }

  #paintCursor() {
    const place = this.#layout?.place(this.#at);
    if (!place || this.#arrivals === null) {
      this.#cursor.replaceChildren();
      return;
    }
    const { from, to } = this.#arrivals;
    const across = ((this.#at + 0.5 - from) / (to - from)) * this.slider.clientWidth;
    this.#marker.setAttribute("d", `M${across - 5} 21h10l-5 -8z`);
    this.#keepInSight(place.y);
    const words = position(this.#arrivals, this.#at);
    const half = [...words].reduce((sum, letter) => sum + (letter < "\u0250" ? LETTER_PX : SQUARE_PX), 0) / 2;
    const middle = Math.min(Math.max(place.x + CELL.width / 2, half + (this.#layout?.left ?? 0)), this.slider.clientWidth - half);
    this.#cursor.replaceChildren(
      draw("rect", { class: "cursor-box", x: place.x - 2, y: place.y - 3, width: CELL.width + 4, height: CELL.height + 6, rx: 4 }),
      draw("text", { class: "middle strong halo cursor-words", x: middle, y: place.y + CELL.height + 16 }, words));
  }
}

/** As much of a name as there is room for. @param {string} name @param {number} letters */
function short(name, letters) {
  return name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
}

/** @type {Record<string, string>} */
const KEYS = {
  ArrowLeft: "back", ArrowDown: "back", ArrowRight: "forward", ArrowUp: "forward",
  Home: "first", End: "last", PageUp: "bytecode", PageDown: "bytecode-back",
  "[": "bytecode-back", "]": "bytecode", o: "change", O: "change",
};
