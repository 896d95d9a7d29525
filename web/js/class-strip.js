/**
 * What a learner hears of their class, on every page: go there, look up, a message, a question, the hand.
 * @module
 */
import { Trouble, post } from "./api.js";
import { text } from "./catalogue.js";
import { icon, inline, make, maybe, one, setText } from "./dom.js";

/** What this tab has seen of what was said. @param {string} name */
function seen(name) {
  try {
    const kept = sessionStorage.getItem(`class ${name}`);
    return kept === null ? null : Number(kept);
  } catch {
    return null;
  }
}

/** @param {string} name @param {number} n */
function see(name, n) {
  try {
    sessionStorage.setItem(`class ${name}`, String(n));
  } catch {
    // No storage: what was said before is said again after a reload.
  }
}

/**
 * Whether this tab hears something for the first time. What was said before the tab was there is old news.
 * @param {string} name
 * @param {number} n
 * @param {boolean} late whether old news is acted upon all the same
 */
export function isNews(name, n, late) {
  const last = seen(name);
  see(name, n);
  return last === null ? late : n !== last;
}

const PHASES = { before: "room.phase_before", after: "room.phase_after", answered: "room.phase_answered" };

export class ClassStrip {
  #n = 0;
  /** @type {string | null} */
  #chosen = null;

  /**
   * @param {HTMLElement} strip
   * @param {import("./bus.js").Bus} bus
   */
  constructor(strip, bus) {
    this.hand = one(strip, "[data-hand]", HTMLButtonElement);
    this.name = one(strip, "[data-class-name]", HTMLElement);
    this.told = one(document, "[data-class-told]", HTMLElement);
    this.trouble = make("p", { class: "message trouble", role: "alert", hidden: true });
    this.message = make("div", { class: "message class-message", hidden: true });
    this.note = make("div", { class: "message class-note", hidden: true });
    this.question = make("section", { class: "card class-question", hidden: true });
    this.eyes = make("div", { class: "eyes-here", role: "alertdialog", "aria-label": text("room.eyes"), hidden: true }, make("p", { class: "phrase" }, text("room.eyes")));
    this.told.append(this.trouble, this.message, this.question);
    this.#placeNote();
    bus.on("opened", () => this.#placeNote());
    document.body.append(this.eyes);
    this.hand.addEventListener("click", () => this.#send("/api/class/hand", { up: this.hand.getAttribute("aria-pressed") !== "true" }));
    bus.on("class", (state) => this.#show(state));
  }

  /** The note is about the exercise, where there is one and it is open. */
  #placeNote() {
    const exercise = maybe(document, "[data-exercise]", HTMLElement);
    if (exercise && !exercise.hidden) exercise.prepend(this.note);
    else this.told.append(this.note);
  }

  /** @param {import("./class-types.js").ClassState} state */
  #show(state) {
    if (state.gone) {
      location.assign("/join");
      return;
    }
    setText(this.name, state.name);
    this.hand.hidden = state.ended;
    this.hand.setAttribute("aria-pressed", String(state.hand));
    setText(one(this.hand, "span", HTMLElement), text(state.hand ? "room.hand_down" : "room.hand_up"));
    this.#words(this.message, state.message, `message of ${state.class}`);
    this.#words(this.note, state.note, `note of ${state.class}`);
    this.#ask(state.question);
    this.#lookUp(state.eyes && !state.ended);
    // That nothing was said yet is remembered as well: then the first word is news.
    const { goto } = state;
    if (isNews(`goto of ${state.class}`, goto?.n ?? 0, false) && goto !== null) {
      const path = `/lessons/${goto.text}`;
      if (location.pathname !== path) location.assign(path);
    }
  }

  /**
   * The host's words, until they are put aside.
   * @param {HTMLElement} place
   * @param {import("./class-types.js").Note | null} note
   * @param {string} name
   */
  #words(place, note, name) {
    place.hidden = note === null || seen(`put aside, ${name}`) === note.n;
    if (note === null || place.dataset.n === String(note.n)) return;
    place.dataset.n = String(note.n);
    const aside = make("button", { type: "button", class: "button quiet" }, text("room.put_aside"));
    aside.addEventListener("click", () => {
      see(`put aside, ${name}`, note.n);
      place.hidden = true;
    });
    const lines = note.text.split("\n").map((line) => make("p", {}, line));
    place.replaceChildren(icon("hand"), make("p", { class: "small" }, text("room.from_teacher")), ...lines, make("div", { class: "actions" }, aside));
  }

  /** @param {import("./class-types.js").ClassState["question"]} question */
  #ask(question) {
    this.question.hidden = question === null;
    if (question === null) return;
    const { asked, phase, said, right } = question;
    const key = `${asked.n} ${phase} ${right}`;
    if (this.question.dataset.key !== key) {
      this.question.dataset.key = key;
      this.#n = asked.n;
      const buttons = asked.options.map((option) => {
        const button = make("button", { type: "button", class: "button answer-button", "data-key": option.key }, make("span", {}, ...inline(option.text)));
        button.addEventListener("click", () => this.#choose(option.key));
        return button;
      });
      this.question.replaceChildren(
        make("p", { class: "small" }, text(PHASES[phase])),
        make("h2", {}, ...inline(asked.question)),
        make("div", { class: "answer-buttons" }, ...buttons),
        ...(asked.after ? [make("p", {}, ...inline(asked.after))] : []));
    }
    this.#chosen = said;
    for (const button of this.question.querySelectorAll("button")) {
      const mine = button.dataset.key === this.#chosen;
      button.setAttribute("aria-pressed", String(mine));
      button.disabled = phase === "answered";
      const is = button.dataset.key === right;
      button.querySelector("svg")?.remove();
      if (phase === "answered" && is) button.prepend(icon("holds"));
    }
  }

  /** @param {string} key */
  #choose(key) {
    return this.#send("/api/class/answer", { n: this.#n, key });
  }

  /** The benches dim; what was typed stays. @param {boolean} up */
  #lookUp(up) {
    if (this.eyes.hidden === !up) return;
    this.eyes.hidden = !up;
    one(document, "main", HTMLElement).inert = up;
  }

  /** @param {string} path @param {object} body */
  async #send(path, body) {
    this.trouble.hidden = true;
    try {
      await post(path, body);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.trouble.hidden = false;
      this.trouble.replaceChildren(icon("needs"), make("span", {}, `${error.message} ${error.hint}`));
    }
  }
}
