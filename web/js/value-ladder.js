/**
 * The value ladder: who read and wrote a shared name, in order, from main over memory to the
 * callback. Where the last word of main is not what it should be, it says so.
 * @module
 */
import { text } from "./catalogue.js";
import { draw } from "./dom.js";

/** @typedef {import("./exploration-types.js").Step} Step */

const PITCH = 44;
const TOP = 30;
const BOX = { width: 58, height: 26 };
/** Longer arrows say no more. */
const WIDEST = 560;
const NARROW = 400;
/** More steps than this do not fit on a page. */
const MOST_STEPS = 24;
const LETTER_PX = 7.4;

/**
 * @param {Step[]} steps
 * @param {Record<string, string>} expected the values that would be right at the end
 * @param {boolean} lost
 * @param {number} width in CSS pixels
 */
export function valueLadder(steps, expected, lost, width) {
  const shown = steps.slice(0, MOST_STEPS);
  const names = new Set(steps.map(({ name }) => name));
  const only = names.size === 1 ? [...names][0] : null;
  const bare = only !== null;
  const room = Math.min(width, WIDEST);
  const [first, last] = room < NARROW ? [58, room - BOX.width / 2 - 2] : [92, room - 92];
  const columns = { main: first, memory: (first + last) / 2, callback: last };
  const svg = draw("svg", { class: "chart ladder", height: TOP + shown.length * PITCH + 8, "aria-hidden": "true" });
  const floor = TOP + shown.length * PITCH;
  /** @type {[number, string][]} */
  const heads = [
    [columns.main, text("explore.main")],
    [columns.memory, only === null ? text("explore.memory") : text("explore.in_memory", { name: only })],
    [columns.callback, text("explore.callback")],
  ];
  for (const [x, words] of heads) {
    svg.append(draw("line", { class: "grid rail", x1: x, x2: x, y1: TOP - 8, y2: floor }), draw("text", { class: "middle strong label", x, y: 14 }, words));
  }
  const wrong = lost ? lastWrong(steps, expected) : -1;
  shown.forEach((step, index) => {
    const y = TOP + index * PITCH + PITCH / 2 - 4;
    const atMain = step.side === "main";
    const x = atMain ? columns.main : columns.callback;
    const role = atMain ? "main" : step.side === "hard" ? "interrupt" : "scheduler";
    const bad = index === wrong;
    const memory = bare ? step.value : `${step.name} = ${step.value}`;
    const [half, halfMemory] = [boxWidth(step.value) / 2, boxWidth(memory) / 2];
    // From the side to memory or back; heads point to where the value goes.
    const [side, other] = atMain ? [x + half, columns.memory - halfMemory] : [x - half, columns.memory + halfMemory];
    const [from, to] = step.does === "reads" ? [other, side] : [side, other];
    const tip = to > from ? -7 : 7;
    const look = bad ? "ladder-arrow lost" : "ladder-arrow";
    svg.append(draw("g", { class: "ladder-step", "data-step": index },
      draw("circle", { class: "ladder-number", cx: 12, cy: y, r: 9 }),
      draw("text", { class: "middle", x: 12, y: y + 4 }, String(index + 1)),
      draw("line", { class: look, x1: from, x2: to, y1: y, y2: y }),
      draw("path", { class: look, d: `M${to} ${y}l${tip} -4v8z` }),
      draw("text", { class: "middle halo", x: (from + to) / 2, y: y - 5 }, text(step.does === "reads" ? "explore.reads" : "explore.writes")),
      ...box(x, y, step.value, `ladder-${role}`),
      ...box(columns.memory, y, memory, bad ? "ladder-lost" : "ladder-memory"),
      ...(bad ? [draw("text", { class: "strong text-lost halo", x: columns.memory + halfMemory + 8, y: y + 4 }, `✕ ${text("explore.should_be", { value: expected[step.name] })}`)] : [])));
  });
  return svg;
}

/** How many steps the picture leaves out. @param {Step[]} steps */
export function leftOut(steps) {
  return Math.max(0, steps.length - MOST_STEPS);
}

/**
 * The last write that leaves a wrong value, -1 if none does.
 * @param {Step[]} steps
 * @param {Record<string, string>} expected
 */
export function lastWrong(steps, expected) {
  const last = steps.findLastIndex(({ does, name }) => does === "writes" && name in expected);
  return last >= 0 && steps[last].value !== expected[steps[last].name] ? last : -1;
}

/** @param {string} value */
function boxWidth(value) {
  return Math.max(BOX.width, value.length * LETTER_PX + 14);
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} value
 * @param {string} look
 */
function box(x, y, value, look) {
  const width = boxWidth(value);
  return [
    draw("rect", { class: look, x: x - width / 2, y: y - BOX.height / 2, width, height: BOX.height, rx: 4 }),
    draw("text", { class: "middle mono ladder-value", x, y: y + 4 }, value),
  ];
}
