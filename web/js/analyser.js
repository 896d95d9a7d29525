/**
 * The logic analyser: the pins over time with what their interrupts and callbacks did, two cursors, the same as a table, and
 * files for other programs.
 * @module
 */
import { Trouble, post } from "./api.js";
import { AnalyserPicture } from "./analyser-picture.js";
import { text } from "./catalogue.js";
import { all, icon, make, one, setText } from "./dom.js";
import { THIN, duration, whole } from "./format.js";
import { PinRecord } from "./pin-record.js";

/** The host is asked for news this far apart at least. */
const ASK_PERIOD_MS = 250;
/** Rows of the table at once. */
const MOST_ROWS = 100;
const ZOOM = 2;
/** The part of the view by which Page Up and Page Down scroll. */
const SCROLL = 0.5;
/** Pointers that move less than this click. */
const CLICK_PX = 4;
/** A click this near to an edge means the edge. */
const SNAP_PX = 8;
/** The view is never narrower than this, and begins with so much. */
const LEAST_SECONDS = 1e-6;
const FIRST_SECONDS = 0.02;

/** @typedef {import("./pin-record.js").Row} Row */

export class Analyser {
  record = new PinRecord();
  #open = false;
  #asking = false;
  #stale = false;
  #asked = 0;
  #timer = 0;
  /** What is in view, in ticks. */
  #from = 0;
  #to = 1;
  /** The view follows the newest edges. */
  #follows = true;
  /** Where the keys are, and the two cursors. @type {number | null} */
  #here = null;
  /** @type {[number | null, number | null]} */
  #cursors = [null, null];

  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   */
  constructor(panel, model) {
    this.bus = model.bus;
    this.chart = one(panel, "[data-pins-chart]", HTMLElement);
    this.said = one(panel, "[data-pins-said]", HTMLElement);
    this.facts = one(panel, "[data-pins-facts]", HTMLElement);
    this.state = one(panel, "[data-pins-state]", HTMLElement);
    this.rows = one(panel, "[data-pins-rows]", HTMLElement);
    this.live = one(panel, "[data-pins-live]", HTMLButtonElement);
    this.picture = new AnalyserPicture(this.record);
    for (const button of all(panel, "[data-pins]", HTMLButtonElement)) {
      button.addEventListener("click", () => { void this.#do(button.dataset.pins ?? ""); });
    }
    this.live.addEventListener("click", () => this.#follow(!this.#follows));
    this.chart.addEventListener("keydown", (event) => this.#key(event));
    this.chart.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.chart.addEventListener("pointerdown", (event) => this.#grip(event));
    for (const topic of /** @type {const} */ (["sample", "parts", "run", "console"])) this.bus.on(topic, () => this.#news());
    new ResizeObserver(() => this.#paint()).observe(this.chart);
  }

  /** @param {boolean} open */
  shows(open) {
    this.#open = open;
    if (open) this.#news();
    else void post("/api/pins", { want: "nothing" }).catch((error) => { if (!(error instanceof Trouble)) throw error; });
  }

  /** The board has said something: what the pins did is asked for, now or when the last answer is old enough. */
  #news() {
    if (!this.#open || this.#timer !== 0) return;
    if (this.#asking) {
      this.#stale = true;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      void this.#ask();
    }, Math.max(0, this.#asked + ASK_PERIOD_MS - performance.now()));
  }

  async #ask() {
    this.#asking = true;
    this.#stale = false;
    this.#asked = performance.now();
    try {
      const news = await post("/api/pins", this.record.question);
      if (this.record.take(news)) {
        this.#cursors = [null, null];
        this.#here = null;
        this.#follow(true);
      }
      this.#stale ||= news.more;
      if (this.#follows) this.#toNewest();
      this.#paint();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      setText(this.state, `${error.message} ${error.hint}`);
    } finally {
      this.#asking = false;
      if (this.#stale) this.#news();
    }
  }

  /** @param {string} what */
  async #do(what) {
    switch (what) {
      case "earlier": this.#walk(-1); break;
      case "later": this.#walk(1); break;
      case "one": this.#put(0); break;
      case "two": this.#put(1); break;
      case "closer": this.#zoom(1 / ZOOM); break;
      case "wider": this.#zoom(ZOOM); break;
      case "whole": this.#view(this.record.from, this.record.now); break;
      case "trouble": this.#toTrouble(); break;
      default: await this.#save(what);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const span = this.#to - this.#from;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => this.#walk(-1),
      ArrowRight: () => this.#walk(1),
      PageUp: () => this.#view(this.#from - span * SCROLL, this.#to - span * SCROLL),
      PageDown: () => this.#view(this.#from + span * SCROLL, this.#to + span * SCROLL),
      Home: () => this.#at(this.record.neighbour(-1, 1)?.tick ?? this.record.from),
      End: () => this.#at(this.record.neighbour(this.record.now + 1, -1)?.tick ?? this.record.now),
      1: () => this.#put(0),
      2: () => this.#put(1),
      "+": () => this.#zoom(1 / ZOOM),
      "=": () => this.#zoom(1 / ZOOM),
      "-": () => this.#zoom(ZOOM),
      0: () => this.#view(this.record.from, this.record.now),
      m: () => this.#toTrouble(),
      M: () => this.#toTrouble(),
    };
    const action = keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  /** The wheel turns the page unless the chart has the focus or Ctrl is held. @param {WheelEvent} event */
  #wheel(event) {
    if (!event.ctrlKey && document.activeElement !== this.chart) return;
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const by = ((event.shiftKey ? event.deltaY : event.deltaX) / this.picture.length) * (this.#to - this.#from);
      this.#view(this.#from + by, this.#to + by);
    } else {
      this.#zoom(event.deltaY > 0 ? ZOOM : 1 / ZOOM, this.#tickAt(event.clientX));
    }
  }

  /** A drag moves the view, a click puts a cursor. @param {PointerEvent} event */
  #grip(event) {
    if (event.button !== 0) return;
    const [from, to, x] = [this.#from, this.#to, event.clientX];
    let moved = false;
    const ended = new AbortController();
    const { signal } = ended;
    this.chart.setPointerCapture(event.pointerId);
    this.chart.addEventListener("pointermove", (move) => {
      moved ||= Math.abs(move.clientX - x) > CLICK_PX;
      if (!moved) return;
      const by = ((x - move.clientX) / this.picture.length) * (to - from);
      this.#view(from + by, to + by);
    }, { signal });
    this.chart.addEventListener("pointercancel", () => ended.abort(), { signal });
    this.chart.addEventListener("pointerup", (up) => {
      ended.abort();
      if (moved) return;
      this.#here = this.#snapped(this.#tickAt(up.clientX));
      this.#put(up.shiftKey || (this.#cursors[0] !== null && this.#cursors[1] === null) ? 1 : 0);
    }, { signal });
  }

  /** @param {number} x on the screen */
  #tickAt(x) {
    const within = (x - this.chart.getBoundingClientRect().left - this.picture.start) / this.picture.length;
    return this.#from + Math.min(1, Math.max(0, within)) * (this.#to - this.#from);
  }

  /** @param {number} tick */
  #snapped(tick) {
    const near = (SNAP_PX / this.picture.length) * (this.#to - this.#from);
    const edges = [this.record.neighbour(tick, -1), this.record.neighbour(tick - 1, 1)].flatMap((edge) => (edge ? [edge.tick] : []));
    const nearest = edges.sort((a, b) => Math.abs(a - tick) - Math.abs(b - tick))[0];
    return nearest !== undefined && Math.abs(nearest - tick) <= near ? nearest : Math.round(tick);
  }

  /** To the next edge in a direction. @param {1 | -1} by */
  #walk(by) {
    const here = this.#here ?? (by === 1 ? this.#from - 1 : this.#to + 1);
    const edge = this.record.neighbour(here, by);
    if (edge !== null) this.#at(edge.tick);
  }

  /** To the next edge that merged, was lost, or whose level was read late; from the end to the beginning again. */
  #toTrouble() {
    const troubles = this.record.rows.filter((row) => row.late || row.fate === "merged" || row.fate === "dropped");
    const next = troubles.find(({ tick }) => tick > (this.#here ?? -1)) ?? troubles[0];
    if (next) this.#at(next.tick);
    else setText(this.said, text("live.pins_no_trouble"));
  }

  /** @param {number} tick */
  #at(tick) {
    this.#here = tick;
    this.#follow(false);
    const span = this.#to - this.#from;
    if (tick < this.#from || tick > this.#to) this.#view(tick - span / 2, tick + span / 2);
    else this.#paint();
    setText(this.said, this.#words(tick));
  }

  /** @param {0 | 1} which */
  #put(which) {
    this.#here ??= Math.round((this.#from + this.#to) / 2);
    this.#cursors[which] = this.#here;
    this.#follow(false);
    this.#paint();
    setText(this.said, [this.#words(this.#here), this.facts.textContent].filter(Boolean).join(" "));
  }

  /** @param {number} factor @param {number} [around] */
  #zoom(factor, around) {
    const middle = (this.#from + this.#to) / 2;
    const inView = this.#here !== null && this.#here >= this.#from && this.#here <= this.#to ? this.#here : middle;
    const point = around ?? (this.#follows ? this.#to : inView);
    this.#span(point - (point - this.#from) * factor, point + (this.#to - point) * factor);
    this.#paint();
  }

  /** @param {number} from @param {number} to */
  #view(from, to) {
    this.#follow(false);
    this.#span(from, to);
    this.#paint();
  }

  /** @param {number} from @param {number} to */
  #span(from, to) {
    const whole = Math.max(this.record.now - this.record.from, LEAST_SECONDS * this.record.ticksPerSecond);
    const span = Math.min(whole, Math.max(to - from, LEAST_SECONDS * this.record.ticksPerSecond));
    this.#from = Math.max(this.record.from, Math.min(from, this.record.from + whole - span));
    this.#to = this.#from + span;
  }

  /** @param {boolean} follows */
  #follow(follows) {
    this.#follows = follows;
    this.live.setAttribute("aria-pressed", String(follows));
    if (follows) this.#toNewest();
  }

  #toNewest() {
    const span = this.#to - this.#from > 1 ? this.#to - this.#from : FIRST_SECONDS * this.record.ticksPerSecond;
    this.#span(this.record.now - span, this.record.now);
  }

  /** The record as a file. @param {string} want */
  async #save(want) {
    try {
      const { text: contents } = await post("/api/pins", { want });
      const [type, name] = want === "vcd" ? ["text/plain", "pins.vcd"] : ["application/json", "pins.perfetto.json"];
      const link = make("a", { href: URL.createObjectURL(new Blob([contents], { type })), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 0);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.bus.emit("trouble", error);
    }
  }

  #paint() {
    if (!this.#open) return;
    const { pins, ticksPerSecond } = this.record;
    const moments = [this.#here, ...this.#cursors];
    this.chart.replaceChildren(this.picture.draw(this.chart.clientWidth, this.#from, this.#to, moments));
    const unread = this.record.missing > 0 ? ` ${text("live.pins_left", { n: whole(this.record.missing) })}` : "";
    const blind = this.record.byBoard ? ` ${this.#stamped()}` : this.record.seesCallbacks ? "" : ` ${text("live.pins_edges_only")}`;
    const begun = this.record.record > 0 && pins.length > 0;
    setText(this.state, (begun ? text("live.pins_recorded", { time: instant(this.record.now - this.record.from, ticksPerSecond) }) : text("live.pins_empty")) + unread + blind);
    setText(this.facts, this.#between());
    this.#table();
  }

  /** Where the edges of an attached board come from, and what is not known of them. */
  #stamped() {
    const { givenUp, pins, unstamped } = this.record;
    return [
      text("live.pins_stamped"),
      ...pins.flatMap(({ pin, name, only }) => (only === undefined ? [] : [text(only === 1 ? "live.pins_only_rises" : "live.pins_only_falls", { pin: label(pin, name) })])),
      ...(unstamped > 0 ? [text("live.pins_unstamped", { n: whole(unstamped) })] : []),
      ...(givenUp.length > 0 ? [text("live.pins_given_up", { pins: givenUp.map((pin) => label(pin, "")).join(", ") })] : []),
    ].join(" ");
  }

  #between() {
    const { from, ticksPerSecond } = this.record;
    const [one, two] = this.#cursors;
    const parts = this.#cursors.flatMap((tick, index) => (tick === null ? [] : [`${index + 1}: ${instant(tick - from, ticksPerSecond)}`]));
    if (one !== null && two !== null) {
      const ticks = Math.abs(two - one);
      parts.push(`Δ ${instant(ticks, ticksPerSecond)}`);
      if (ticks > 0) parts.push(`1/Δ ${hertz(ticksPerSecond / ticks)}`);
    }
    return parts.join(" · ");
  }

  /** What is at a tick, in a sentence. @param {number} tick */
  #words(tick) {
    const { from, ticksPerSecond } = this.record;
    const when = instant(tick - from, ticksPerSecond);
    const edges = this.record.pins.flatMap(({ pin, name }) => (this.record.edges(pin, tick - 1, tick, 4) ?? []).map(({ level }) =>
      text(level === 1 ? "live.pins_rises" : "live.pins_falls", { pin: label(pin, name) })));
    const row = this.record.rows.find((candidate) => candidate.tick === tick && candidate.interrupt !== null)
      ?? this.record.rows.find((candidate) => candidate.tick === tick && candidate.fate !== "none");
    const fate = row ? ` ${this.#fate(row)}` : "";
    return `${when}: ${edges.length > 0 ? edges.join(", ") : text("live.pins_no_edge")}.${fate}`;
  }

  /** @param {Row} row */
  #fate(row) {
    const after = (/** @type {number | null} */ tick) => (tick === null ? "–" : duration(((tick - row.tick) / this.record.ticksPerSecond) * 1e6));
    switch (row.fate) {
      case "merged": return text("live.pins_merged");
      case "dropped": return text("live.pins_dropped", { interrupt: after(row.interrupt) });
      case "waits": return text("live.pins_waits", { interrupt: after(row.interrupt) });
      case "none": return "";
      default: return text(row.late ? "live.pins_late" : "live.pins_ran", { interrupt: after(row.interrupt), callback: after(row.callback) });
    }
  }

  #table() {
    const { from, ticksPerSecond } = this.record;
    const fates = new Map(this.record.rows.map((row) => [`${row.pin} ${row.tick}`, row]));
    const edges = this.record.pins.flatMap(({ pin, name }) => (this.record.edges(pin, this.#from - 1, this.#to, MOST_ROWS) ?? []).map((edge) => ({ ...edge, pin, name })));
    edges.sort((a, b) => a.tick - b.tick);
    const dense = this.record.pins.some(({ pin }) => this.record.edges(pin, this.#from - 1, this.#to, MOST_ROWS) === null);
    const rows = edges.slice(0, MOST_ROWS).map(({ pin, name, tick, level }) => {
      const row = fates.get(`${pin} ${tick}`);
      const trouble = row !== undefined && (row.late || row.fate === "merged" || row.fate === "dropped");
      const shape = row === undefined || row.fate === "none" ? [] : [icon(row.late ? "needs" : row.fate === "dropped" ? "lost" : row.fate === "merged" ? "away" : row.fate === "waits" ? "running" : "holds"), " "];
      return make("tr", trouble ? { class: "trouble" } : {},
        make("th", { scope: "row" }, instant(tick - from, ticksPerSecond)), make("td", {}, label(pin, name)),
        make("td", {}, text(level === 1 ? "live.pins_up" : "live.pins_down")),
        make("td", {}, ...shape, row ? this.#fate(row) : ""));
    });
    const words = [
      ...(edges.length > MOST_ROWS || dense ? [text("live.pins_more_rows", { most: MOST_ROWS })] : []),
      ...(edges.length === 0 && !dense ? [text("live.pins_none_in_view")] : []),
    ];
    const next = make("div", {},
      make("table", { class: "chart-table" },
        make("caption", {}, text("live.pins_table", { from: instant(this.#from - from, ticksPerSecond), to: instant(this.#to - from, ticksPerSecond) })),
        make("thead", {}, make("tr", {}, ...["live.pins_at", "live.pins_pin", "live.pins_edge", "live.pins_became"].map((key) => make("th", { scope: "col" }, text(key))))),
        make("tbody", {}, ...rows)),
      ...words.map((sentence) => make("p", { class: "empty" }, sentence)));
    // Who reads the table is not disturbed by one that says the same.
    if (this.rows.innerHTML !== next.outerHTML) this.rows.replaceChildren(next);
  }
}

/** @param {number} pin @param {string} name */
export function label(pin, name) {
  return name === "" ? `GPIO${THIN}${pin}` : `${name} (GPIO${THIN}${pin})`;
}

/** A time in milliseconds to the hundredth of a microsecond, or in seconds to the microsecond. @param {number} ticks @param {number} perSecond */
export function instant(ticks, perSecond) {
  const ms = (ticks / perSecond) * 1000;
  return Math.abs(ms) >= 1000 ? `${(ms / 1000).toFixed(6)}${THIN}s` : `${ms.toFixed(5)}${THIN}ms`;
}

/** @param {number} hz */
function hertz(hz) {
  if (hz >= 1e6) return `${(hz / 1e6).toFixed(3)}${THIN}MHz`;
  return hz >= 1000 ? `${(hz / 1000).toFixed(3)}${THIN}kHz` : `${hz.toFixed(2)}${THIN}Hz`;
}
