/**
 * One arrival, played: what the machine and MicroPython were about to do, what the callback did,
 * and what came of it. The verdict is known from the exploration at once; the rest follows when the
 * arrival has been played on a board.
 * @module
 */
import { bytecodeName, lineName, stepWords, verdictName } from "./arrival-words.js";
import { outcomeOf } from "./arrivals.js";
import { text } from "./catalogue.js";
import { icon, inline, make, one, setText } from "./dom.js";
import { duration, whole } from "./format.js";
import { leftOut, valueLadder } from "./value-ladder.js";

/**
 * @typedef {import("./exploration-types.js").Arrival} Arrival
 * @typedef {import("./exploration-types.js").Step} Step
 */

export class ArrivalPanels {
  /** Draws the ladder again when the panel's width changes. @type {() => void} */
  #drawLadder = () => {};

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.machine = one(root, "[data-machine]", HTMLElement);
    this.machineAside = one(root, "[data-machine-aside]", HTMLElement);
    this.python = one(root, "[data-python]", HTMLElement);
    this.callback = one(root, "[data-callback]", HTMLElement);
    this.verdictPanel = one(root, "[data-verdict-panel]", HTMLElement);
    this.verdict = one(root, "[data-verdict-body]", HTMLElement);
    let width = 0;
    new ResizeObserver(() => {
      if (this.verdict.clientWidth === width) return;
      width = this.verdict.clientWidth;
      this.#drawLadder();
    }).observe(this.verdict);
  }

  /**
   * What the exploration alone says, while the arrival is being played, or before anybody has asked for that.
   * @param {import("./arrivals.js").Arrivals} arrivals
   * @param {number} at
   * @param {boolean} played whether more is to come
   */
  foretell(arrivals, at, played) {
    this.root.hidden = !played;
    const story = arrivals.story(at);
    const bytecode = arrivals.bytecode(at);
    setText(this.machineAside, arrivals.machine(at) ?? "");
    const place = [bytecode === null ? "" : lineName(arrivals, bytecode), bytecodeName(bytecode)].filter(Boolean).join(", ");
    this.#showVerdict(arrivals.verdict(at), place, story?.steps ?? [], story?.expected ?? {}, []);
    for (const panel of [this.machine, this.python, this.callback]) panel.setAttribute("aria-busy", "true");
  }

  /**
   * @param {Arrival} arrival
   * @param {import("./arrivals.js").Arrivals} arrivals
   */
  show(arrival, arrivals) {
    for (const panel of [this.machine, this.python, this.callback]) panel.removeAttribute("aria-busy");
    this.#showMachine(arrival);
    this.#showPython(arrival);
    this.#showCallback(arrival, arrivals);
    const { python } = arrival;
    const place = python === undefined ? text("explore.between") : `${lineName(arrivals, python)}, ${[python.opcode, python.argument].filter(Boolean).join(" ")}`;
    const sentence = document.documentElement.lang === "ja" ? arrival.sentence.ja : arrival.sentence.en;
    this.#showVerdict(arrival.verdict, place, arrival.steps, arrival.expected ?? arrivals.story(arrival.at)?.expected ?? {}, [
      make("p", { class: "verdict-sentence" }, ...inline(sentence)),
      ...(arrival.console ? [make("p", {}, text("explore.printed")), make("pre", { class: "printed", tabindex: 0 }, arrival.console)] : []),
      make("details", { class: "replay" }, make("summary", {}, text("explore.replay")), make("code", {}, arrival.word)),
    ]);
  }

  /**
   * Marks how far a playback has come; -1 shows all.
   * @param {number} done accesses that have happened
   */
  follow(done) {
    for (const step of this.verdict.querySelectorAll("[data-step]")) {
      step.classList.toggle("ahead", done >= 0 && Number(step.getAttribute("data-step")) >= done);
    }
  }

  /** @param {Arrival} arrival */
  #showMachine({ machine, registers }) {
    setText(this.machineAside, machine === undefined ? "" : text("explore.instruction", { function: machine.function, offset: `0x${machine.offset.toString(16)}` }));
    const rows = (machine?.code ?? []).map(({ pc, function: name, text: source, done }) => make("li", { "data-done": String(done) },
      make("code", { class: "pc", title: name }, pc), make("code", {}, source)));
    const next = (machine?.code ?? []).findIndex(({ done }) => !done);
    rows.splice(next < 0 ? rows.length : next, 0, make("li", { class: "arrives" }, make("span", {}, text("explore.arrives_here"))));
    this.machine.replaceChildren(
      make("ol", { class: "machine-code" }, ...rows),
      make("details", { class: "registers-box" }, make("summary", {}, text("explore.registers")), make("dl", { class: "registers" }, ...registers.map(({ name, value, integer }) => make("div", {},
        make("dt", {}, name), make("dd", {}, make("code", {}, value), ...(integer === undefined ? [] : [make("span", {}, String(integer))])))))));
  }

  /** @param {Arrival} arrival */
  #showPython({ python, before, after }) {
    const states = { done: text("explore.bytecode_done"), in_progress: text("explore.in_progress"), to_come: text("explore.to_come") };
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    this.python.replaceChildren(
      ...(python === undefined ? [make("p", { class: "empty" }, text("explore.between"))] : [make("ol", { class: "bytecodes", tabindex: "0" }, ...python.bytecodes.map(({ offset, opcode, argument, state }) =>
        make("li", { "data-state": state, ...(state === "in_progress" ? { "aria-current": "step" } : {}) },
          make("span", { class: "offset" }, String(offset).padStart(2, "0")), make("span", { class: "opcode" }, [opcode, argument].filter(Boolean).join(" ")), make("span", { class: "state" }, states[state]))))]),
      ...(names.length === 0 ? [] : [make("table", { class: "before-after" },
        make("thead", {}, make("tr", {}, make("td"), make("th", { scope: "col" }, text("explore.before")), make("th", { scope: "col" }, text("explore.after")))),
        make("tbody", {}, ...names.map((name) => make("tr", {}, make("th", { scope: "row" }, make("code", {}, name)), make("td", {}, before[name] ?? "–"), make("td", {}, after[name] ?? "–")))))]));
  }

  /**
   * @param {Arrival} arrival
   * @param {import("./arrivals.js").Arrivals} arrivals
   */
  #showCallback({ callbacks, steps, deferred, delivered, at }, arrivals) {
    const taken = delivered === undefined || delivered === null ? text("explore.never")
      : deferred ? text("explore.taken_late", { n: whole(delivered - at) }) : text("explore.prompt");
    /** @type {[string, string][]} */
    const rows = [[text("explore.taken"), taken]];
    const interrupt = callbacks.find(({ side }) => side === "hard");
    for (const { side, entered_ns, returned_ns } of callbacks) {
      const entered = entered_ns ?? null;
      // The routine that only queues a soft callback is not the callback.
      if (side === "hard" && callbacks.some((other) => other.side !== "hard")) continue;
      if (side !== "hard") {
        const since = entered === null || interrupt?.entered_ns === undefined || interrupt.entered_ns === null ? null : entered - interrupt.entered_ns;
        rows.push([text("explore.entered"), since === null ? text("explore.not_entered") : text("explore.after_interrupt", { time: duration(microseconds(since)) })]);
      }
      if (entered !== null && returned_ns !== undefined && returned_ns !== null) rows.push([text("explore.returned"), duration(microseconds(returned_ns - entered))]);
    }
    const own = steps.filter(({ side }) => side !== "main");
    for (const { does, name, value, ...place } of own) rows.push([text(does === "reads" ? "explore.did_read" : "explore.did_write", { name, line: lineName(arrivals, place) }), value]);
    this.callback.replaceChildren(
      make("dl", { class: "facts" }, ...rows.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
      ...(own.length === 0 ? [make("p", { class: "empty" }, text("explore.did_nothing"))] : []));
  }

  /**
   * @param {import("./exploration-types.js").Verdict} verdict
   * @param {string} place
   * @param {Step[]} steps
   * @param {Record<string, string>} expected
   * @param {Node[]} more
   */
  #showVerdict(verdict, place, steps, expected, more) {
    const outcome = outcomeOf(verdict);
    this.verdictPanel.dataset.outcome = outcome;
    const ladder = make("div", { class: "ladder-box" });
    this.#drawLadder = () => ladder.replaceChildren(valueLadder(steps, expected, outcome === "lost", Math.max(240, ladder.clientWidth)));
    const hidden = leftOut(steps);
    this.verdict.replaceChildren(
      make("div", { class: "verdict-head" }, icon(outcome === "kept" ? "holds" : outcome === "lost" ? "lost" : "needs"),
        make("div", {}, make("h3", { "data-verdict": verdict }, verdictName(verdict)), make("p", {}, place))),
      ...(steps.length === 0 ? [make("p", { class: "empty" }, text("explore.no_steps"))] : [ladder]),
      ...(hidden > 0 ? [make("p", { class: "empty" }, text("explore.more_steps", { n: hidden }))] : []),
      make("ol", { class: hidden > 0 ? "all-steps" : "visually-hidden" }, ...steps.map((step) => make("li", {}, stepWords(step)))),
      ...more);
    this.#drawLadder();
  }
}

/** @param {number} ns */
function microseconds(ns) {
  return Math.round(ns / 100) / 10;
}
