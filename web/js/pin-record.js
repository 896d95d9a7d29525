/**
 * What the host has seen of the pins: changes of level, pulse trains in closed form, and what became of interrupts. Knows no
 * DOM. Times are ticks of the board's clock.
 * @module
 */

/** A pulse train: start, subticks (1/256 tick) of a count, counts of a period, first active count, active counts, inverted.
 * @typedef {[start: number, subticks: number, counts: number, first: number, active: number, inverted: number]} Wave */
/** "only": the other edge of this pin does not interrupt, so nobody knows when it was.
 * @typedef {[tick: number, pin: number, level: number, more?: Wave | "only"]} ToldChange */
/** @typedef {"hard" | "queued" | "dropped" | "soft" | "over"} StepWord */
/** @typedef {"rising" | "falling" | "both" | "low" | "high" | null} Trigger */
/** @typedef {[tick: number, step: StepWord, source: number | string, trigger?: Trigger]} ToldStep */
/**
 * The answer of `/api/pins`, see `crates/workbench/src/pins/told.rs` and, for edges that an attached board has stamped, `stamped.rs`.
 * @typedef {{ record: number, ticks_per_second: number, from: number, now: number, first: number, unseen: number, source?: "board", given_up?: number[],
 *   pins: { pin: number, name: string, level: boolean, wave?: Wave }[], changes: ToldChange[], next_change: number,
 *   sees_callbacks: boolean, steps: ToldStep[], next_step: number, more: boolean }} News
 */
/** `assumed`: there is no edge here, but another one like the last follows, so the pin was back before.
 * @typedef {{ tick: number, level: number, wave: Wave | null, assumed?: boolean }} Change */
/** `only`: of this pin nothing but edges to this level are known.
 * @typedef {{ pin: number, name: string, changes: Change[], only?: number }} Lane */
/** @typedef {{ tick: number, level: number }} Edge */
/** @typedef {"ran" | "merged" | "dropped" | "waits" | "none"} Fate */
/**
 * An edge and what became of it. `late`: the level was another one when the callback began.
 * @typedef {{ pin: number, tick: number, level: number, fate: Fate, interrupt: number | null, callback: number | null,
 *   hard: boolean, late: boolean }} Row
 */
/** @typedef {{ source: number | string, from: number, to: number, hard: boolean }} Stretch */

/** As many changes of one pin, and as many steps, are kept as the host keeps of all. */
const MOST = 16_384;
/** Edges this close before the first interrupt of a pin that is known are taken to have merged with it: 100 µs. */
const FIRST_MERGE_SECONDS = 1e-4;
const SUBTICKS = 256;

export class PinRecord {
  /** @type {Map<number, Lane>} */
  lanes = new Map();
  /** @type {ToldStep[]} */
  steps = [];
  record = 0;
  from = 0;
  now = 0;
  ticksPerSecond = 480e6;
  seesCallbacks = false;
  /** Changes that the host had no room for. */
  missing = 0;
  /** The board itself has stamped the edges: nobody sees its pins from outside. */
  byBoard = false;
  /** Edges that the board could not stamp, and pins that it watches no more because they move too fast. */
  unstamped = 0;
  /** @type {number[]} */
  givenUp = [];
  #nextChange = 0;
  #nextStep = 0;
  /** @type {Row[] | null} */
  #rows = null;

  /** What is asked for next. */
  get question() {
    return { want: "news", record: this.record, changes: this.#nextChange, steps: this.#nextStep };
  }

  /** Takes an answer; returns whether it is of another record than the one before. @param {News} news */
  take(news) {
    const another = news.record !== this.record;
    if (another) {
      this.lanes.clear();
      this.steps = [];
      this.missing = 0;
      this.#nextChange = 0;
    }
    this.#rows = null;
    this.record = news.record;
    this.ticksPerSecond = news.ticks_per_second;
    this.now = news.now;
    this.seesCallbacks = news.sees_callbacks;
    this.byBoard = news.source === "board";
    this.unstamped = this.byBoard ? news.unseen : 0;
    this.givenUp = news.given_up ?? [];
    this.missing += Math.max(0, news.first - this.#nextChange);
    if (another || this.lanes.size === 0) this.from = news.from;
    this.#nextChange = news.next_change;
    this.#nextStep = news.next_step;
    for (const { pin, name, level, wave } of news.pins) {
      const lane = this.lanes.get(pin);
      if (lane) lane.name = name;
      else this.lanes.set(pin, { pin, name, changes: [{ tick: Math.min(news.from, this.from), level: Number(level), wave: wave ?? null }] });
    }
    for (const [tick, pin, level, more] of news.changes) {
      const lane = this.lanes.get(pin);
      if (!lane) continue;
      const last = lane.changes[lane.changes.length - 1];
      const back = (/** @type {number} */ at) => ({ tick: at, level: 1 - level, wave: null, assumed: true });
      if (more === "only") {
        lane.only = level;
        lane.changes.push(...(last.level === level ? [back(tick - 1)] : []), { tick, level, wave: null }, back(tick + 1));
      } else {
        lane.changes.push({ tick, level, wave: more ?? null });
      }
      if (lane.changes.length > MOST) this.from = Math.max(this.from, lane.changes.splice(0, lane.changes.length - MOST).at(-1)?.tick ?? 0);
    }
    this.steps.push(...news.steps);
    if (this.steps.length > MOST) this.steps.splice(0, this.steps.length - MOST);
    return another;
  }

  /** The lanes in the order of their pins. */
  get pins() {
    return [...this.lanes.values()].sort((a, b) => a.pin - b.pin);
  }

  /** The level of a pin at a tick. @param {number} pin @param {number} tick */
  level(pin, tick) {
    const changes = this.lanes.get(pin)?.changes ?? [];
    const change = changes[before(changes, tick)] ?? changes[0];
    return change === undefined ? 0 : levelOf(change, tick);
  }

  /**
   * The edges of a pin between two ticks, the first left out; null if they are more than `most`.
   * @param {number} pin @param {number} from @param {number} to @param {number} most
   * @param {boolean} [drawn] with those that are only assumed
   * @returns {Edge[] | null}
   */
  edges(pin, from, to, most, drawn = false) {
    const changes = this.lanes.get(pin)?.changes ?? [];
    let at = Math.max(0, before(changes, from));
    if (changes.length === 0) return [];
    /** @type {Edge[]} */
    const edges = [];
    let level = levelOf(changes[at], Math.max(from, changes[at].tick));
    for (; at < changes.length && changes[at].tick <= to; at += 1) {
      const change = changes[at];
      const now = levelOf(change, Math.max(change.tick, from));
      if (now !== level && change.tick > from && (drawn || !change.assumed)) edges.push({ tick: change.tick, level: now });
      level = now;
      if (change.wave !== null) {
        const end = Math.min(to, changes[at + 1]?.tick ?? Infinity);
        let tick = nextOfWave(change.wave, Math.max(change.tick, from));
        for (; tick < end || (tick <= to && end === to && tick !== changes[at + 1]?.tick); tick = nextOfWave(change.wave, tick)) {
          if (edges.length >= most) return null;
          level = waveLevel(change.wave, tick);
          edges.push({ tick, level });
        }
      }
      if (edges.length > most) return null;
    }
    return edges;
  }

  /**
   * The nearest edge of any pin after (`by` 1) or before (-1) a tick.
   * @param {number} tick @param {1 | -1} by
   * @returns {{ pin: number, tick: number, level: number } | null}
   */
  neighbour(tick, by) {
    /** @type {{ pin: number, tick: number, level: number } | null} */
    let best = null;
    for (const { pin, changes } of this.lanes.values()) {
      const found = by === 1 ? this.#after(changes, tick) : this.#earlier(changes, tick);
      if (found !== null && (best === null || (found.tick - best.tick) * by < 0)) best = { pin, ...found };
    }
    return best;
  }

  /** @param {Change[]} changes @param {number} tick @returns {Edge | null} */
  #after(changes, tick) {
    for (let at = Math.max(0, before(changes, tick)); at < changes.length; at += 1) {
      const change = changes[at];
      const begins = Math.max(change.tick, tick);
      if (change.tick > tick && at > 0 && !change.assumed && levelOf(changes[at - 1], change.tick - 1) !== levelOf(change, change.tick)) {
        return { tick: change.tick, level: levelOf(change, change.tick) };
      }
      if (change.wave !== null) {
        const edge = nextOfWave(change.wave, begins);
        if (edge < (changes[at + 1]?.tick ?? this.now)) return { tick: edge, level: waveLevel(change.wave, edge) };
      }
    }
    return null;
  }

  /** @param {Change[]} changes @param {number} tick @returns {Edge | null} */
  #earlier(changes, tick) {
    for (let at = before(changes, tick - 1); at >= 0; at -= 1) {
      const change = changes[at];
      if (change.wave !== null) {
        const edge = lastOfWave(change.wave, Math.min(tick, changes[at + 1]?.tick ?? Infinity));
        if (edge > change.tick) return { tick: edge, level: waveLevel(change.wave, edge) };
      }
      if (at > 0 && !change.assumed && levelOf(changes[at - 1], change.tick - 1) !== levelOf(change, change.tick)) {
        return { tick: change.tick, level: levelOf(change, change.tick) };
      }
    }
    return null;
  }

  /** Callbacks from their beginning to their end, and when interrupts queued or refused one. */
  get stretches() {
    /** @type {Stretch[]} */
    const stretches = [];
    /** @type {Stretch[]} */
    const open = [];
    for (const [tick, step, source] of this.steps) {
      if (step === "hard" || step === "soft") {
        const stretch = { source, from: tick, to: this.now, hard: step === "hard" };
        stretches.push(stretch);
        open.push(stretch);
      } else if (step === "over") {
        const at = open.findLastIndex((stretch) => stretch.source === source);
        if (at >= 0) open.splice(at, 1)[0].to = tick;
      }
    }
    return stretches;
  }

  /** Every edge of the pins that interrupt, and what became of it, in order of time. */
  get rows() {
    this.#rows ??= [...this.lanes.values()].flatMap((lane) => this.#fates(lane)).sort((a, b) => a.tick - b.tick);
    return this.#rows;
  }

  /** @param {Lane} lane @returns {Row[]} */
  #fates({ pin, changes }) {
    const rows = changes.flatMap((change, at) => (at > 0 && change.wave === null && !change.assumed && change.level !== levelOf(changes[at - 1], change.tick - 1)
      ? [/** @type {Row} */ ({ pin, tick: change.tick, level: change.level, fate: "none", interrupt: null, callback: null, hard: false, late: false })] : []));
    const steps = this.steps.filter(([, , source]) => source === pin);
    let [next, first] = [0, true];
    /** @type {(Row | null)[]} */
    const queue = [];
    /** @type {Row[]} */
    let spare = [];
    for (const [tick, step, , trigger] of steps) {
      if (step === "soft") {
        const row = queue.shift();
        if (row) this.#began(row, tick);
        continue;
      }
      if (step === "over") continue;
      const from = next;
      while (next < rows.length && rows[next].tick <= tick) next += 1;
      const before = rows.slice(from, next).filter((row) => wanted(trigger ?? null, row.level));
      // Before the first interrupt that is known, nobody may have listened.
      const near = first ? before.filter((row) => row.tick > (before.at(-1)?.tick ?? 0) - FIRST_MERGE_SECONDS * this.ticksPerSecond) : before;
      first = false;
      // An edge between an interrupt's acknowledgement and its callback belongs to the next interrupt.
      const [row, ...merged] = near.length > 0 ? near : spare.splice(-1);
      for (const other of merged) other.fate = "merged";
      spare = merged;
      if (row) {
        row.interrupt = tick;
        row.fate = step === "dropped" ? "dropped" : "waits";
      }
      if (step === "hard" && row) {
        row.hard = true;
        this.#began(row, tick);
      }
      if (step === "queued") queue.push(row ?? null);
    }
    return rows;
  }

  /** @param {Row} row @param {number} tick */
  #began(row, tick) {
    row.callback = tick;
    row.fate = "ran";
    row.late = this.level(row.pin, tick) !== row.level;
  }
}

/** The last change at or before a tick, or -1. @param {Change[]} changes @param {number} tick */
function before(changes, tick) {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle].tick <= tick) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** @param {Change} change @param {number} tick */
function levelOf({ level, wave }, tick) {
  return wave === null ? level : waveLevel(wave, tick);
}

/** @param {Trigger} trigger @param {number} level after the edge */
function wanted(trigger, level) {
  switch (trigger) {
    case "rising": case "high": return level === 1;
    case "falling": case "low": return level === 0;
    default: return true;
  }
}

/** @param {Wave} wave */
function alternates([, subticks, counts, , active]) {
  return active > 0 && active < counts && subticks > 0;
}

/** The level of a pulse train. @param {Wave} wave @param {number} tick */
function waveLevel(wave, tick) {
  const [start, subticks, counts, first, active, inverted] = wave;
  if (!alternates(wave)) return Number((active > 0) !== Boolean(inverted));
  const count = Math.floor((Math.max(0, tick - start) * SUBTICKS) / subticks) % counts;
  return Number(((count + counts - Math.min(first, counts)) % counts < active) !== Boolean(inverted));
}

/** The edges of the periods around a tick, in order. @param {Wave} wave @param {number} tick */
function around([start, subticks, counts, first, active], tick) {
  const period = Math.floor((Math.max(0, tick - start) * SUBTICKS) / (subticks * counts));
  const rise = first % counts;
  const fall = (rise + active) % counts;
  const [early, late] = [Math.min(rise, fall), Math.max(rise, fall)];
  return [period - 1, period, period + 1].filter((n) => n >= 0)
    .flatMap((n) => [early, late].map((count) => start + Math.ceil(((n * counts + count) * subticks) / SUBTICKS)));
}

/** The first edge after a tick. @param {Wave} wave @param {number} tick */
function nextOfWave(wave, tick) {
  return alternates(wave) ? around(wave, tick).find((edge) => edge > tick) ?? Infinity : Infinity;
}

/** The last edge before a tick. @param {Wave} wave @param {number} tick */
function lastOfWave(wave, tick) {
  return alternates(wave) ? around(wave, tick).findLast((edge) => edge < tick) ?? -Infinity : -Infinity;
}

/** How long a pulse train's period is, in ticks; 0: it has no edges. @param {Wave | null} wave */
export function period(wave) {
  return wave !== null && alternates(wave) ? (wave[1] * wave[2]) / SUBTICKS : 0;
}
