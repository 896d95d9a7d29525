/**
 * Main, interrupt and scheduler over time, like a picture on an oscilloscope: triggered, captured,
 * still. Time runs to the right, on a narrow screen downwards.
 * @module
 */
import { text } from "./catalogue.js";
import { draw } from "./dom.js";
import { duration, seconds, whole } from "./format.js";
import { Instrument } from "./instrument.js";
import { Trace, roundTimes } from "./trace.js";

/** A picture stays at least this long, so that it can be read. */
const HOLD_MS = 4000;
const LANES = /** @type {const} */ (["main", "interrupt", "scheduler"]);
/** Below this width time runs downwards. */
const NARROW_PX = 560;
/** Time shown on each side of a race, in lengths of the race. */
const MARGIN = 1.5;
/** Narrower boxes are solid, without pattern. */
const PATTERN_PX = 8;
const LEAST_PX = 3;

export class Timeline extends Instrument {
  /** @type {{ trace: Trace, event: import("./types.js").BoardEvent, at: number } | null} */
  #shown = null;
  /** The axis only ever grows within a run. */
  #from = -10_000;
  #to = 10_000;
  #run = 0;

  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   */
  constructor(panel, model) {
    super(panel, model);
    /** @type {import("./trace.js").Meaning[]} */
    this.meanings = JSON.parse(panel.dataset.points ?? "[]");
    /** @type {{ name: string, label: string }[]} */
    this.triggers = JSON.parse(panel.dataset.triggers ?? "[]");
    model.bus.on("event", (event) => this.#take(event));
  }

  /** @param {import("./types.js").BoardEvent} event */
  #take(event) {
    if (event.kind !== "trace" || this.paused || !event.points) return;
    const now = performance.now();
    if (this.#shown !== null && event.run === this.#run && now - this.#shown.at < HOLD_MS) return;
    const trace = new Trace(event.points, this.meanings);
    if (event.run !== this.#run) {
      this.#run = event.run;
      this.#from = -10_000;
      this.#to = 10_000;
    }
    // A race is shown with what comes just before and after it, anything else from end to end.
    const race = trace.race;
    const margin = race ? MARGIN * (race.to - race.from) : 0;
    this.#from = Math.min(this.#from, race ? Math.max(trace.from, race.from - margin) : trace.from);
    this.#to = Math.max(this.#to, race ? Math.min(trace.to, race.to + margin) : trace.to);
    this.#shown = { trace, event, at: now };
    this.paint();
  }

  paint() {
    if (this.empty) this.empty.hidden = this.#shown !== null || this.model.sample !== null;
    if (this.aside) this.aside.textContent = this.#words();
    this.chart.replaceChildren(this.width < NARROW_PX ? this.#picture(new Downwards(this.width)) : this.#picture(new Sideways(this.width)));
  }

  #words() {
    const shown = this.#shown;
    if (shown === null) return text("live.timeline_waiting", { trigger: this.triggers[0]?.label ?? "" });
    const age = (this.model.sample?.us ?? shown.event.us) - shown.event.us;
    const captured = text("live.timeline_captured", { trigger: this.#triggerName(shown.event), ago: seconds(Math.max(0, age)) });
    // The picture spans microseconds: a change of a control is seldom in it, and is named beside it.
    const change = this.model.changes.findLast(({ us }) => us <= shown.event.us);
    return change === undefined ? captured
      : `${captured} · ${text("live.timeline_change", { name: change.name, value: change.value, before: seconds(shown.event.us - change.us) })}`;
  }

  /** @param {import("./types.js").BoardEvent} event */
  #triggerName(event) {
    return this.triggers.find(({ name }) => name === event.trigger)?.label ?? event.trigger ?? "";
  }

  /** @param {Sideways | Downwards} page */
  #picture(page) {
    const svg = draw("svg", { class: "chart", height: page.height, role: "img", "aria-label": this.#words() });
    /** @param {number} ns */
    const at = (ns) => page.start + ((Math.min(this.#to, Math.max(this.#from, ns)) - this.#from) / Math.max(1, this.#to - this.#from)) * page.length;
    /** @param {number} from @param {number} [to] */
    const inSight = (from, to = from) => to >= this.#from && from <= this.#to;
    LANES.forEach((lane, index) => svg.append(...page.lane(index, lane, laneName(lane))));
    for (const ns of roundTimes(this.#from, this.#to, page.ticks)) svg.append(...page.tick(at(ns), duration0(ns)));
    const shown = this.#shown;
    if (shown === null) return svg;
    const { trace, event } = shown;

    const race = trace.race;
    if (race) svg.append(page.box(at(race.from), at(race.to), 0, "role-lost", 8));
    for (const stretch of trace.main.filter(({ from, to }) => inSight(from, to))) this.#mainStretch(svg, page, at, stretch, stretch === race);
    for (const callback of trace.callbacks.filter(({ from, to }) => inSight(from, to))) {
      svg.append(page.thread(at(callback.from), at(callback.to), 0, "waits"));
      const lane = trace.hard.includes(callback) ? 1 : 2;
      const [from, to] = [at(callback.from), Math.max(at(callback.to), at(callback.from) + LEAST_PX)];
      const role = lane === 1 ? "interrupt" : "scheduler";
      svg.append(page.box(from, to, lane, to - from >= PATTERN_PX ? `role-${role}` : `solid-${role}`));
      if (to - from > page.room) svg.append(...page.plate((from + to) / 2, lane, duration(round(callback.to - callback.from)), `text-${role}`));
    }
    trace.alarms.forEach((alarm, index) => {
      if (!inSight(alarm.ns)) return;
      if (alarm.kind === "hard") {
        svg.append(page.flag(at(alarm.ns), 1, "trigger-isr"));
        return;
      }
      const next = trace.alarms[index + 1]?.ns ?? this.#to;
      const from = at(alarm.ns);
      const to = Math.max(from + 7, Math.min(from + 14, at(next) - 2));
      svg.append(page.box(from, to, 1, alarm.kind === "dropped" ? "role-dropped" : "role-interrupt"));
      if (alarm.kind === "dropped") svg.append(page.cross((from + to) / 2, 1));
    });
    for (const instant of trace.instants.filter(({ ns }) => inSight(ns))) {
      svg.append(page.dot(at(instant.ns), LANES.indexOf(/** @type {typeof LANES[number]} */ (instant.lane))));
    }
    if (race) {
      svg.append(...page.span(at(race.from), at(race.to), text("live.race_window", { time: duration(round(race.to - race.from)) })));
      svg.append(...page.ends(at(race.from), at(race.to), race.first, race.last));
    }
    svg.append(...page.trigger(at(0), this.#triggerName(event)));
    for (const change of this.model.changes) {
      const ns = (change.us - event.us) * 1000;
      if (ns >= this.#from && ns <= this.#to) svg.append(...page.change(at(ns), `${change.name} = ${change.value}`));
    }
    return svg;
  }

  /**
   * @param {SVGElement} svg
   * @param {Sideways | Downwards} page
   * @param {(ns: number) => number} at
   * @param {import("./trace.js").Stretch} stretch
   * @param {boolean} race
   */
  #mainStretch(svg, page, at, stretch, race) {
    const callbacks = (this.#shown?.trace.callbacks ?? []).filter((callback) => callback.to > stretch.from && callback.from < stretch.to);
    let from = stretch.from;
    for (const end of [...callbacks.map((callback) => callback.from), stretch.to]) {
      const to = Math.max(end, from);
      svg.append(page.box(at(from), Math.max(at(to), at(from) + LEAST_PX), 0, race ? "cell-race" : "role-main"));
      const callback = callbacks.find((candidate) => candidate.from === end);
      if (callback) from = callback.to;
    }
    if (callbacks.length > 0 || stretch.value === null) return;
    // Where the whole value has no room, its last digits still tell one stretch from the next.
    const room = (at(stretch.to) - at(stretch.from)) / page.letter;
    const words = [whole(stretch.value), `…${String(Math.abs(stretch.value) % 1000).padStart(3, "0")}`].find((candidate) => candidate.length <= room);
    if (words !== undefined) svg.append(...page.plate((at(stretch.from) + at(stretch.to)) / 2, 0, words, "text-main mono"));
  }

  table() {
    const shown = this.#shown;
    if (shown === null) return null;
    const { trace } = shown;
    const rows = [
      ...trace.main.map((stretch) => ({ ns: stretch.from, lane: laneName("main"), what: [stretch.first, stretch.last].filter(Boolean).join(" → "), us: stretch.to - stretch.from })),
      ...trace.alarms.map((alarm) => ({ ns: alarm.ns, lane: laneName("interrupt"), what: alarmName(alarm), us: 0 })),
      ...trace.hard.map((callback) => ({ ns: callback.from, lane: laneName("interrupt"), what: text("live.callback"), us: callback.to - callback.from })),
      ...trace.soft.map((callback) => ({ ns: callback.from, lane: laneName("scheduler"), what: text("live.callback"), us: callback.to - callback.from })),
      ...trace.instants.map((instant) => ({ ns: instant.ns, lane: laneName(/** @type {any} */ (instant.lane)), what: instant.label, us: 0 })),
    ].sort((a, b) => a.ns - b.ns);
    return {
      caption: text("live.timeline_caption"),
      head: [text("live.time"), text("live.lane"), text("live.what"), text("live.lasts")],
      rows: rows.map((row) => [duration0(row.ns), row.lane, row.what, row.us === 0 ? "" : duration(round(row.us))]),
    };
  }
}

/** @param {import("./trace.js").Alarm} alarm */
function alarmName(alarm) {
  if (alarm.kind === "dropped") return text("live.alarm_dropped");
  return alarm.kind === "queued" ? text("live.alarm_queued", { depth: alarm.depth }) : text("live.alarm");
}

/** @param {typeof LANES[number]} lane */
function laneName(lane) {
  return { main: text("live.lane_main"), interrupt: text("live.lane_interrupt"), scheduler: text("live.lane_scheduler") }[lane];
}

/** @param {number} ns as microseconds with one decimal */
function round(ns) {
  return Math.round(ns / 100) / 10;
}

/** @param {number} ns */
function duration0(ns) {
  return ns === 0 ? "0" : ns < 0 ? `\u2212${duration(-ns / 1000)}` : duration(ns / 1000);
}

/** Time to the right, lanes below one another. */
class Sideways {
  height = 216;
  start = 112;
  ticks = 8;
  /** Room that words need along time, and that one letter needs. */
  room = 64;
  letter = 8;
  #top = 40;
  #pitch = 54;
  #thick = 26;

  /** @param {number} width */
  constructor(width) {
    this.width = width;
    this.length = width - this.start - 12;
  }

  /** @param {number} lane */
  #middle(lane) {
    return this.#top + lane * this.#pitch + this.#thick / 2;
  }

  /** @param {number} index @param {string} role @param {string} name */
  lane(index, role, name) {
    const y = this.#middle(index);
    return [
      draw("rect", { class: "lane", x: this.start, y: y - 20, width: this.length, height: 40 }),
      draw("rect", { class: `role-${role}`, x: 1, y: y - 5, width: 14, height: 10, rx: 2 }),
      draw("text", { class: "label", x: 22, y: y + 4 }, name),
    ];
  }

  /** @param {number} x @param {string} words */
  tick(x, words) {
    const y = this.#middle(2) + 20;
    return [draw("line", { class: "grid", x1: x, x2: x, y1: this.#top - 8, y2: y }), draw("text", { class: "middle", x, y: y + 18 }, words)];
  }

  /** @param {number} from @param {number} to @param {number} lane @param {string} look @param {number} [more] */
  box(from, to, lane, look, more = 0) {
    return draw("rect", { class: look, x: from, y: this.#middle(lane) - this.#thick / 2 - more, width: Math.max(LEAST_PX, to - from), height: this.#thick + 2 * more, rx: more ? 0 : 3 });
  }

  /** @param {number} from @param {number} to @param {number} lane @param {string} look */
  thread(from, to, lane, look) {
    return draw("line", { class: look, x1: from, x2: to, y1: this.#middle(lane), y2: this.#middle(lane) });
  }

  /** @param {number} x @param {number} lane @param {string} words @param {string} look */
  plate(x, lane, words, look) {
    return [draw("text", { class: `middle strong halo ${look}`, x, y: this.#middle(lane) + 4 }, words)];
  }

  /** @param {number} x @param {number} lane @param {string} look */
  flag(x, lane, look) {
    const y = this.#middle(lane) - this.#thick / 2;
    return draw("path", { class: look, d: `M${x - 4} ${y - 8}h8l-4 8z` });
  }

  /** @param {number} x @param {number} lane */
  cross(x, lane) {
    const y = this.#middle(lane);
    return draw("path", { class: "cross", d: `M${x - 3} ${y - 3}l6 6m0 -6l-6 6` });
  }

  /** @param {number} x @param {number} lane */
  dot(x, lane) {
    return draw("circle", { class: "instant", cx: x, cy: this.#middle(lane), r: 3.5 });
  }

  /** @param {number} from @param {number} to @param {string} words */
  span(from, to, words) {
    const y = this.#top - 14;
    const middle = Math.min(Math.max((from + to) / 2, this.start + 60), this.width - 70);
    return [
      draw("path", { class: "trigger", d: `M${from} ${y - 4}v8m0 -4H${to}m0 -4v8` }),
      draw("text", { class: "middle strong halo text-lost", x: middle, y: y - 8 }, words),
    ];
  }

  /** @param {number} from @param {number} to @param {string} first @param {string} last */
  ends(from, to, first, last) {
    const y = this.#middle(0) + this.#thick / 2 + 15;
    return [
      draw("text", { class: "strong halo text-lost end", x: Math.max(from, this.start + first.length * 6), y }, first),
      draw("text", { class: "strong halo text-lost", x: Math.min(to + 6, this.width - last.length * 6.5), y }, last),
    ];
  }

  /** @param {number} x @param {string} words */
  trigger(x, words) {
    const y = this.#middle(1) + 28;
    const late = x > this.width - 180;
    return [
      draw("line", { class: "trigger", x1: x, x2: x, y1: this.#middle(0) - this.#thick / 2, y2: y }),
      draw("circle", { class: "trigger-dot", cx: x, cy: y, r: 4 }),
      draw("text", { class: `strong halo text-lost${late ? " end" : ""}`, x: late ? x - 9 : x + 9, y: y + 4 }, words),
    ];
  }

  /** @param {number} x @param {string} words */
  change(x, words) {
    return [draw("line", { class: "change", x1: x, x2: x, y1: this.#top - 8, y2: this.#middle(2) + 20 }), draw("text", { class: "halo", x: x + 4, y: this.#middle(2) + 16 }, words)];
  }
}

/** Time downwards, lanes side by side. */
class Downwards {
  height = 420;
  start = 44;
  ticks = 7;
  /** No room beside the boxes: their length is read off the axis. */
  room = Infinity;
  letter = 3;
  length = 360;
  #left = 62;

  /** @param {number} width */
  constructor(width) {
    this.width = width;
    this.pitch = (width - this.#left) / 3;
  }

  /** @param {number} lane */
  #middle(lane) {
    return this.#left + this.pitch * (lane + 0.5);
  }

  /** @param {number} index @param {string} role @param {string} name */
  lane(index, role, name) {
    const x = this.#middle(index);
    return [
      draw("rect", { class: "lane", x: x - this.pitch / 2 + 4, y: this.start - 8, width: this.pitch - 8, height: this.length + 16 }),
      draw("rect", { class: `role-${role}`, x: x - this.pitch / 2 + 4, y: 2, width: 14, height: 10, rx: 2 }),
      draw("text", { x: x - this.pitch / 2 + 4, y: 28 }, name),
    ];
  }

  /** @param {number} y @param {string} words */
  tick(y, words) {
    return [draw("line", { class: "grid", x1: this.#left, x2: this.width, y1: y, y2: y }), draw("text", { class: "end", x: this.#left - 6, y: y + 4 }, words)];
  }

  /** @param {number} from @param {number} to @param {number} lane @param {string} look @param {number} [more] */
  box(from, to, lane, look, more = 0) {
    const half = Math.min(this.pitch / 2 - 8, 36) + more;
    return draw("rect", { class: look, x: this.#middle(lane) - half, y: from, width: 2 * half, height: Math.max(LEAST_PX, to - from), rx: more ? 0 : 3 });
  }

  /** @param {number} from @param {number} to @param {number} lane @param {string} look */
  thread(from, to, lane, look) {
    return draw("line", { class: look, x1: this.#middle(lane), x2: this.#middle(lane), y1: from, y2: to });
  }

  /** @param {number} y @param {number} lane @param {string} words @param {string} look */
  plate(y, lane, words, look) {
    return [draw("text", { class: `middle strong halo ${look}`, x: this.#middle(lane), y: y + 4 }, words)];
  }

  /** @param {number} y @param {number} lane @param {string} look */
  flag(y, lane, look) {
    const x = this.#middle(lane) - this.pitch / 2 + 6;
    return draw("path", { class: look, d: `M${x} ${y - 4}v8l8 -4z` });
  }

  /** @param {number} y @param {number} lane */
  cross(y, lane) {
    const x = this.#middle(lane);
    return draw("path", { class: "cross", d: `M${x - 3} ${y - 3}l6 6m0 -6l-6 6` });
  }

  /** @param {number} y @param {number} lane */
  dot(y, lane) {
    return draw("circle", { class: "instant", cx: this.#middle(lane), cy: y, r: 3.5 });
  }

  /** @param {number} from @param {number} to @param {string} words */
  span(from, to, words) {
    const x = this.#middle(0) + this.pitch / 2;
    return [
      draw("path", { class: "trigger", d: `M${x - 4} ${from}h8m-4 0V${to}m-4 0h8` }),
      draw("text", { class: "strong halo text-lost", x: x + 6, y: Math.max(this.start + 4, (from + to) / 2) }, words),
    ];
  }

  /** @param {number} from @param {number} to @param {string} first @param {string} last */
  ends(from, to, first, last) {
    return [
      draw("text", { class: "strong halo text-lost", x: this.#left + 2, y: from - 6 }, first),
      draw("text", { class: "strong halo text-lost", x: this.#left + 2, y: to + 16 }, last),
    ];
  }

  /** @param {number} y @param {string} words */
  trigger(y, words) {
    const x = this.#middle(1);
    return [
      draw("line", { class: "trigger", x1: this.#middle(0), x2: x - 6, y1: y, y2: y }),
      draw("circle", { class: "trigger-dot", cx: x - 6, cy: y, r: 4 }),
      draw("text", { class: "strong halo text-lost", x: x + 2, y: y + 4 }, words),
    ];
  }

  /** @param {number} y @param {string} words */
  change(y, words) {
    return [draw("line", { class: "change", x1: this.#left, x2: this.width, y1: y, y2: y }), draw("text", { class: "end halo", x: this.width, y: y - 3 }, words)];
  }
}
