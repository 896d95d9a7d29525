/**
 * An arrival in words: its verdict, its place, what both sides read and wrote.
 * @module
 */
import { text } from "./catalogue.js";

/**
 * @typedef {import("./arrivals.js").Arrivals} Arrivals
 * @typedef {import("./exploration-types.js").Step} Step
 */

/** @param {import("./exploration-types.js").Verdict} verdict */
export function verdictName(verdict) {
  switch (verdict) {
    case "kept": return text("explore.verdict_kept");
    case "lost": return text("explore.verdict_lost");
    case "ended": return text("explore.verdict_ended");
    case "endless": return text("explore.verdict_endless");
    case "reset": return text("explore.verdict_reset");
    default: return text("explore.verdict_locked_up");
  }
}

/** @param {"prompt" | "held" | "never"} delivery */
export function deliveryName(delivery) {
  switch (delivery) {
    case "prompt": return text("explore.prompt");
    case "held": return text("explore.held");
    default: return text("explore.never");
  }
}

/** @param {Step["side"]} side */
export function sideName(side) {
  switch (side) {
    case "main": return text("explore.main");
    case "scheduled": return text("explore.scheduled");
    default: return text("explore.callback");
  }
}

/** @param {Step} step */
export function stepWords({ side, does, name, value }) {
  return text(does === "reads" ? "explore.step_reads" : "explore.step_writes", { side: sideName(side), name, value });
}

/**
 * How many-eth of the shown arrivals it is.
 * @param {Arrivals} arrivals
 * @param {number} at
 */
export function position(arrivals, at) {
  return text("explore.position", { n: at - arrivals.from + 1, all: arrivals.to - arrivals.from });
}

/** @param {import("./arrivals.js").Row["bytecode"]} bytecode */
export function bytecodeName(bytecode) {
  return bytecode === null ? text("explore.between") : [bytecode.opcode, bytecode.argument].filter(Boolean).join(" ");
}

/**
 * A line as the visitor knows it: by its number in the program that they see, and by its text in the explorer's own, which
 * nobody sees.
 * @param {Arrivals} arrivals
 * @param {{ text: import("./exploration-types.js").TextName, line: number }} place
 */
export function lineName(arrivals, { text: name, line }) {
  if (name === "program") return text("explore.line", { line });
  return text("explore.driver_line", { source: arrivals.sourceLine(name, line) });
}

/**
 * Everything about an arrival in one sentence, for those who do not see the strip.
 * @param {Arrivals} arrivals
 * @param {number} at
 */
export function describe(arrivals, at) {
  const bytecode = arrivals.bytecode(at);
  const delivery = arrivals.delivery(at).kind;
  const steps = arrivals.story(at)?.steps ?? [];
  return [
    `${verdictName(arrivals.verdict(at))}, ${position(arrivals, at)}`,
    [bytecode === null ? "" : lineName(arrivals, bytecode), bytecodeName(bytecode), arrivals.machine(at) ?? ""].filter(Boolean).join(", "),
    ...(delivery === "prompt" ? [] : [deliveryName(delivery)]),
    ...(steps.length === 0 || steps.length > 12 ? [] : [steps.map(stepWords).join("; ")]),
  ].join(". ");
}
