/**
 * All arrivals of one exploration, to be asked about: which part of the window is shown, where the
 * outcome changes, what main was doing. Nothing here is computed that the server did not say.
 * @module
 */

/**
 * @typedef {import("./exploration-types.js").Report} Report
 * @typedef {import("./exploration-types.js").Bytecode} Bytecode
 * @typedef {"kept" | "lost" | "broken"} Outcome what the strip tells apart
 *
 * A row of the strip: the arrivals during one bytecode instruction, `null` where main is between two.
 * @typedef {{ from: number, to: number, bytecode: Bytecode | null }} Row
 * @typedef {{ function: string, line: number, own: boolean, source: string, rows: Row[] }} Group `own`: of the program; rows of one source line
 */

export class Arrivals {
  /** Whether the whole window is shown, not only the statement and what fails around it. */
  whole = false;
  /** What is shown otherwise. @type {[number, number]} */
  #hull;

  /** @param {Report} report */
  constructor(report) {
    this.report = report;
    this.last = report.instructions;
    this.#hull = this.#aroundStatement();
  }

  /** What became of the arrivals that are shown: the statement's, or the whole window's. */
  get counts() {
    return this.whole ? this.report.in_window : this.report.in_statement;
  }

  /** The first arrival that is shown. */
  get from() {
    return this.whole ? 0 : this.#hull[0];
  }

  /** The arrival after the last that is shown. */
  get to() {
    return this.whole ? this.last + 1 : this.#hull[1];
  }

  /** Losing or broken arrivals that lie outside of the statement. */
  get outside() {
    const { in_window: all, in_statement: inside } = this.report;
    return all.lost + all.broken - inside.lost - inside.broken;
  }

  /** @param {number} at */
  verdict(at) {
    return covering(this.report.intervals, at)?.verdict ?? "kept";
  }

  /** @param {number} at @returns {Outcome} */
  outcome(at) {
    return outcomeOf(this.verdict(at));
  }

  /**
   * How far the arrival was from being served: at once, held back until an instruction, never.
   * @param {number} at
   * @returns {{ kind: "prompt" | "held" | "never", until?: number }}
   */
  delivery(at) {
    const delivery = covering(this.report.deliveries, at);
    if (delivery?.after !== undefined) return { kind: "prompt" };
    return delivery?.at === undefined ? { kind: "never" } : { kind: "held", until: delivery.at };
  }

  /** @param {number} at */
  bytecode(at) {
    return covering(this.report.bytecodes, at) ?? null;
  }

  /** The firmware's function at a boundary. @param {number} at */
  machine(at) {
    const stretch = this.report.machine.find(([from, to]) => from <= at && at < to);
    return (stretch && this.report.functions[stretch[2]]) ?? null;
  }

  /** @param {number} at */
  story(at) {
    return covering(this.report.stories, at) ?? null;
  }

  /** What is shown in pieces of one outcome. @returns {{ from: number, to: number, outcome: Outcome }[]} */
  outcomes() {
    const [begin, end] = [this.from, this.to];
    return this.report.intervals
      .map(({ from, to, verdict }) => ({ from: Math.max(from, begin), to: Math.min(to, end), outcome: outcomeOf(verdict) }))
      .filter(({ from, to }) => from < to);
  }

  /** The source line that a bytecode belongs to. @param {Bytecode} bytecode */
  source(bytecode) {
    return this.sourceLine(bytecode.text, bytecode.line);
  }

  /**
   * @param {import("./exploration-types.js").TextName} name
   * @param {number} line from 1
   */
  sourceLine(name, line) {
    return (this.report.texts[name]?.[line - 1] ?? "").trim();
  }

  /**
   * Where the outcome changes next, from `at` on in a direction; the last place there where it does not.
   * @param {number} at
   * @param {1 | -1} direction
   */
  nextChange(at, direction) {
    const here = this.outcome(at);
    for (let there = at + direction; there >= this.from && there < this.to; there += direction) {
      if (this.outcome(there) !== here) return there;
    }
    return direction > 0 ? this.to - 1 : this.from;
  }

  /**
   * The first arrival of the next bytecode; backwards that of this one, then of the one before.
   * @param {number} at
   * @param {1 | -1} direction
   */
  nextBytecode(at, direction) {
    const starts = this.#rows().map(({ from }) => from);
    const there = direction > 0 ? starts.find((start) => start > at) : starts.findLast((start) => start < at);
    return there ?? (direction > 0 ? this.to - 1 : this.from);
  }

  /** What is shown, line by line of the program as main comes through. @returns {Group[]} */
  groups() {
    /** @type {Group[]} */
    const groups = [];
    for (const row of this.#rows()) {
      const { bytecode } = row;
      const last = groups.at(-1);
      const same = last !== undefined && (bytecode === null || (bytecode.function === last.function && bytecode.line === last.line));
      if (same) last.rows.push(row);
      else groups.push({ function: bytecode?.function ?? "", line: bytecode?.line ?? 0, own: bytecode?.text !== "driver", source: bytecode === null ? "" : this.source(bytecode), rows: [row] });
    }
    return groups;
  }

  /**
   * The same for a table: neighbouring arrivals with the same bytecode, verdict and delivery.
   * @returns {{ from: number, to: number, bytecode: Bytecode | null, verdict: import("./exploration-types.js").Verdict, delivery: "prompt" | "held" | "never" }[]}
   */
  stretches() {
    return this.#rows().flatMap(({ from, to, bytecode }) => {
      const stretches = [];
      for (let at = from, begin = from; at < to; at += 1) {
        const [verdict, delivery] = [this.verdict(begin), this.delivery(begin).kind];
        if (at + 1 < to && this.verdict(at + 1) === verdict && this.delivery(at + 1).kind === delivery) continue;
        stretches.push({ from: begin, to: at + 1, bytecode, verdict, delivery });
        begin = at + 1;
      }
      return stretches;
    });
  }

  /** The shown window in bytecodes, and in what lies between them. @returns {Row[]} */
  #rows() {
    const [begin, end] = [this.from, this.to];
    /** @type {Row[]} */
    const rows = [];
    let at = begin;
    for (const bytecode of this.report.bytecodes) {
      const [from, to] = [Math.max(begin, bytecode.from), Math.min(end, bytecode.to)];
      if (from >= to) continue;
      if (from > at) rows.push({ from: at, to: from, bytecode: null });
      rows.push({ from, to, bytecode });
      at = to;
    }
    if (at < end) rows.push({ from: at, to: end, bytecode: null });
    return rows;
  }

  /** The statement, and the bytecodes around it as far as something fails there. @returns {[number, number]} */
  #aroundStatement() {
    const failing = this.report.intervals.filter(({ verdict }) => verdict !== "kept");
    const [first, end] = this.report.statement;
    const from = Math.min(first, ...failing.map((interval) => this.bytecode(interval.from)?.from ?? interval.from));
    const to = Math.max(end, ...failing.map((interval) => this.bytecode(interval.to - 1)?.to ?? interval.to));
    return [from, Math.min(to, this.last + 1)];
  }
}

/** @param {import("./exploration-types.js").Verdict} verdict @returns {Outcome} */
export function outcomeOf(verdict) {
  return verdict === "kept" || verdict === "lost" ? verdict : "broken";
}

/**
 * The stretch with this arrival, of stretches in order.
 * @template {{ from: number, to: number }} T
 * @param {T[]} stretches
 * @param {number} at
 */
function covering(stretches, at) {
  let [low, high] = [0, stretches.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (stretches[middle].to <= at) low = middle + 1;
    else high = middle;
  }
  const found = stretches[low];
  return found !== undefined && found.from <= at ? found : undefined;
}
