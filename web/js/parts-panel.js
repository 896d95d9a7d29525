/**
 * The parts on the pins: what they show, and the hand that moves them. A part is connected with the run; on a board at a
 * cable the page shows the wires to make instead.
 * @module
 */
import { Trouble, post } from "./api.js";
import { text } from "./catalogue.js";
import { all, maybe, one, setText } from "./dom.js";
import { whole } from "./format.js";
import { picture } from "./part-pictures.js";

/** Nothing changes more often: neither light nor words. */
const SHOW_PERIOD_MS = 340;
/** A slider under the finger is sent this often at most. */
const SEND_PERIOD_MS = 100;
/** A full turn of a knob has so many steps. */
const STEPS_A_TURN = 20;

/** @typedef {{ what: string } & Record<string, any>} Shown */

export class PartsPanel {
  /** @type {Map<string, Part>} */
  #parts = new Map();
  #panel;
  #bus;

  /**
   * @param {HTMLElement} panel
   * @param {import("./bench-model.js").BenchModel} model
   * @param {string} slug of the lesson
   */
  constructor(panel, model, slug) {
    const state = one(panel, "[data-parts-state]", HTMLElement);
    const wires = one(panel, "[data-parts-wires]", HTMLElement);
    const list = one(panel, ".part-list", HTMLElement);
    this.#panel = panel;
    this.#bus = model.bus;
    this.adopt();
    let mine = false;
    model.bus.on("run", (run) => {
      mine = (run.lesson ?? slug) === slug;
      if (run.state !== "starting") return;
      setText(state, text("live.parts_connecting"));
      if (mine) for (const part of this.#parts.values()) part.begin();
    });
    model.bus.on("parts", (parts) => {
      if (!mine) return;
      setText(state, text("live.parts_connected"));
      for (const { name, shown } of parts) this.#parts.get(name)?.hear(shown);
    });
    model.bus.on("board", (board) => {
      const real = board.kind !== "virtual";
      wires.hidden = !real;
      list.toggleAttribute("inert", real);
      if (real) setText(state, text("live.parts_real"));
    });
  }

  /** Takes the cards that are in the panel now. */
  adopt() {
    this.#parts.clear();
    for (const element of all(this.#panel, "[data-part]", HTMLElement)) {
      const part = new Part(element, (trouble) => this.#bus.emit("trouble", trouble));
      this.#parts.set(part.name, part);
    }
  }
}

class Part {
  /** @type {Shown | null} */
  #shown = null;
  #painting = 0;
  #painted = 0;
  /** What its light gave since it was painted: the sum of the shares, and of how many. */
  #light = [0, 0];
  /** Each puts a control where it stands when the part is connected. @type {(() => void)[]} */
  #begins = [];

  /**
   * @param {HTMLElement} element
   * @param {(trouble: Trouble) => void} trouble
   */
  constructor(element, trouble) {
    this.name = element.dataset.part ?? "";
    this.trouble = trouble;
    this.words = one(element, "[data-part-shown]", HTMLElement);
    this.svg = picture(element.dataset.kind ?? "");
    one(element, "[data-part-picture]", HTMLElement).append(this.svg);
    const keep = maybe(element, "[data-style=toggle]", HTMLButtonElement);
    for (const control of all(element, "[data-move]", HTMLElement)) {
      const key = control.dataset.move ?? "";
      switch (control.dataset.style) {
        case "hold": this.#hold(control, key, keep); break;
        case "toggle": this.#toggle(control, key); break;
        case "send": control.addEventListener("click", () => { void this.#move(key, Number(control.dataset.by)); }); break;
        default: if (control instanceof HTMLInputElement) this.#value(control, key);
      }
    }
  }

  /** It is connected anew, as its wiring says: so do its controls. */
  begin() {
    for (const begin of this.#begins) begin();
  }

  /** @param {Shown} shown */
  hear(shown) {
    this.#shown = shown;
    if (shown.what === "light") this.#light = [this.#light[0] + shown.duty_permille, this.#light[1] + 1];
    if (this.#painting !== 0) return;
    const wait = Math.max(0, this.#painted + SHOW_PERIOD_MS - performance.now());
    this.#painting = setTimeout(() => {
      this.#painting = 0;
      this.#painted = performance.now();
      this.#paint();
    }, wait);
  }

  /**
   * Down with pointer, Space or Enter, up with them: as long as the hand stays, so does the contact.
   * @param {HTMLElement} button
   * @param {string} key
   * @param {HTMLButtonElement | null} keep its companion that stays down
   */
  #hold(button, key, keep) {
    let held = false;
    /** @param {boolean} down */
    const hold = (down) => {
      if (held === down) return;
      held = down;
      button.toggleAttribute("data-held", down);
      keep?.setAttribute("aria-pressed", "false");
      void this.#move(key, down ? 1 : 0);
    };
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      hold(true);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(end, () => hold(false));
    button.addEventListener("keydown", (event) => {
      if (event.key !== " " && event.key !== "Enter") return;
      event.preventDefault();
      hold(true);
    });
    button.addEventListener("keyup", (event) => { if (event.key === " " || event.key === "Enter") hold(false); });
    button.addEventListener("blur", () => hold(false));
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    // A screen reader presses without a pointer or a key.
    button.addEventListener("click", (event) => {
      if (event.detail !== 0 || held) return;
      hold(true);
      setTimeout(() => hold(false), SEND_PERIOD_MS);
    });
  }

  /**
   * @param {HTMLElement} button
   * @param {string} key
   */
  #toggle(button, key) {
    const begin = button.getAttribute("aria-pressed") ?? "false";
    this.#begins.push(() => button.setAttribute("aria-pressed", begin));
    button.addEventListener("click", async () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      if (await this.#move(key, on ? 1 : 0)) button.setAttribute("aria-pressed", String(on));
    });
  }

  /**
   * @param {HTMLInputElement} input
   * @param {string} key
   */
  #value(input, key) {
    const slider = input.dataset.style === "slider";
    let waiting = 0;
    const send = () => {
      waiting = 0;
      if (input.checkValidity() && input.value !== "") void this.#move(key, Math.round(Number(input.value)));
    };
    const show = () => {
      const words = `${whole(Number(input.value))} ${input.dataset.unit ?? ""}`;
      input.setAttribute("aria-valuetext", words);
      const output = input.parentElement?.querySelector("[data-output]");
      if (output) setText(output, words);
      const part = (Number(input.value) - Number(input.min)) / (Number(input.max) - Number(input.min));
      input.style.setProperty("--part", `${part * 100}%`);
    };
    if (slider) show();
    if (input.dataset.style !== "enter") {
      this.#begins.push(() => {
        input.value = input.defaultValue;
        if (slider) show();
      });
    }
    input.addEventListener(slider ? "input" : "change", () => {
      if (slider) show();
      if (waiting === 0) waiting = setTimeout(send, slider ? SEND_PERIOD_MS : 0);
    });
    // What is an event happens once more: a key of a remote control is pressed twice.
    if (input.dataset.style === "enter") {
      input.addEventListener("keydown", (event) => { if (event.key === "Enter" && waiting === 0) waiting = setTimeout(send, 0); });
    }
  }

  /**
   * @param {string} control
   * @param {number} value
   */
  async #move(control, value) {
    try {
      await post("/api/part", { part: this.name, control, value });
      return true;
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.trouble(error);
      return false;
    }
  }

  #paint() {
    const shown = this.#shown;
    if (shown === null) return;
    const [sum, count] = this.#light;
    this.#light = [0, 0];
    setText(this.words, words(shown, count > 0 ? sum / count : 0));
    const lamp = maybe(this.svg, ".lamp", SVGElement);
    if (lamp && shown.what === "light") lamp.style.fillOpacity = String(count > 0 ? sum / count / 1000 : 0);
    if (lamp && shown.what === "colour") {
      const [red, green, blue] = [shown.red_permille, shown.green_permille, shown.blue_permille].map((share) => Math.round(share * 0.255));
      lamp.style.fill = `rgb(${red} ${green} ${blue})`;
      lamp.style.fillOpacity = red + green + blue > 0 ? "1" : "0";
    }
    const cap = maybe(this.svg, ".cap", SVGElement);
    cap?.classList.toggle("ink", Boolean(shown.closed));
    const lever = maybe(this.svg, ".lever", SVGElement);
    lever?.setAttribute("d", shown.closed ? "M14 24h20" : "M14 24 32 14");
    const needle = maybe(this.svg, ".needle", SVGElement);
    if (needle) {
      const turn = shown.what === "slider" ? shown.position_permille * 0.27 - 135 : ((shown.steps ?? 0) % STEPS_A_TURN) * (360 / STEPS_A_TURN);
      needle.setAttribute("transform", `rotate(${turn} 24 24)`);
    }
  }
}

/**
 * What a part shows, in words.
 * @param {Shown} shown
 * @param {number} light the share of the time that its light was on, in thousandths
 */
function words(shown, light) {
  switch (shown.what) {
    case "light": {
      if (light === 0) return text("live.part_off");
      return light >= 995 ? text("live.part_on") : text("live.part_share", { share: whole(Math.round(light / 10)) });
    }
    case "colour": return `R ${percent(shown.red_permille)} · G ${percent(shown.green_permille)} · B ${percent(shown.blue_permille)}`;
    case "contact": {
      const state = text(shown.closed ? "live.part_closed" : "live.part_open");
      return shown.bounced_us > 0 ? `${state} · ${text("live.part_bounced", { edges: shown.edges, us: whole(shown.bounced_us) })}` : state;
    }
    case "slider": return `${percent(shown.position_permille)} · ADC ${whole(shown.raw)}`;
    case "encoder": return text("live.part_steps", { steps: whole(shown.steps) });
    case "pulses": return text("live.part_pulses", { n: whole(shown.sent) });
    case "motion": return text(shown.detected ? "live.part_motion" : "live.part_still");
    case "wheel": return text("live.part_pulses", { n: whole(shown.pulses) });
    case "tips": return text("live.part_tips", { n: whole(shown.tips) });
    case "ranger": return text("live.part_range", { mm: whole(shown.distance_mm), n: whole(shown.measurements) });
    case "infrared": return text("live.part_frames", { n: whole(shown.frames) });
    case "sound": return shown.frequency_mhz === 0 ? text("live.part_silent") : `${whole(Math.round(shown.frequency_mhz / 1000))} Hz`;
    case "strip": return shown.colours.map((/** @type {number[]} */ colour) => `#${colour.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`).join(" ");
    case "thermometer": return `${(shown.temperature_mc / 1000).toFixed(1)} °C`;
    case "talker": return shown.last.trim() === "" ? "–" : shown.last.trim();
    case "board-pin": return text("live.part_level", { level: shown.reads ? 1 : 0 });
    case "wire": return shown.carries === null ? "–" : text("live.part_level", { level: shown.carries ? 1 : 0 });
    default: return "–";
  }
}

/** @param {number} permille */
function percent(permille) {
  return `${whole(Math.round(permille / 10))} %`;
}
