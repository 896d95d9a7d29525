/**
 * The exercise: Check runs the visitor's program on a board of its own and says, criterion by
 * criterion, what was measured. Hints come one at a time.
 * @module
 */
import { Trouble, post } from "./api.js";
import { adviceWords } from "./console-panel.js";
import { text } from "./catalogue.js";
import { all, icon, inline, make, one, setText } from "./dom.js";
import { number, whole } from "./format.js";

/** After so many failed checks the solution may be opened. */
const SOLUTION_AFTER = 2;

export class Exercise {
  #checking = false;
  #fetching = false;

  /**
   * @param {HTMLElement} card
   * @param {import("./bus.js").Bus} bus
   * @param {import("./types.js").LessonData} lesson
   * @param {import("./editor.js").Editor} editor
   * @param {import("./announcer.js").Announcer} announcer
   * @param {() => Promise<void>} saveNow
   */
  constructor(card, bus, lesson, editor, announcer, saveNow) {
    this.bus = bus;
    this.lesson = lesson;
    this.editor = editor;
    this.announcer = announcer;
    this.saveNow = saveNow;
    this.criteria = all(card, "[data-criterion]", HTMLElement);
    const proof = one(card, "[data-proof]", HTMLElement);
    bus.on("proof", (known) => { if (known.lesson === lesson.slug) setText(proof, proofWords(known.proof)); });
    this.message = one(card, "[data-check-message]", HTMLElement);
    this.button = one(card, "[data-check]", HTMLButtonElement);
    this.hints = all(card, "[data-hint]", HTMLElement);
    this.hint = one(card, "[data-show-hint]", HTMLButtonElement);
    this.solution = one(card, "[data-solution]", HTMLElement);
    this.solutionText = one(card, "[data-solution] code", HTMLElement);
    this.solutionNote = one(card, "[data-solution-note]", HTMLElement);
    this.learned = document.querySelector("[data-learned]");
    this.failures = Number(card.dataset.failures ?? "0");
    this.passed = card.dataset.passed === "true";
    // In a class the host says whether solutions may be opened. What is closed was not sent.
    this.allowed = this.solutionText.textContent !== "";
    bus.on("class", ({ solutions }) => {
      this.allowed = solutions;
      this.#openSolution();
    });
    this.button.addEventListener("click", () => this.check());
    this.hint.addEventListener("click", () => {
      const next = this.hints.find((element) => element.hidden);
      if (next) {
        next.hidden = false;
        announcer.say(next.textContent ?? "");
      }
      if (!this.hints.some((element) => element.hidden)) this.hint.hidden = true;
    });
    this.hint.hidden = this.hints.length === 0;
    bus.on("check", (progress) => {
      if (progress.lesson !== lesson.slug) return;
      if (progress.state === "running" && progress.stage) this.#say("running", progress.stage);
      if (progress.criteria) this.#showCriteria(progress.criteria);
    });
    const toOwn = one(card, "[data-to-own]", HTMLButtonElement);
    toOwn.addEventListener("click", () => {
      editor.show("own");
      editor.panel.scrollIntoView({ block: "start" });
    });
    if (lesson.criteria) this.#showCriteria(lesson.criteria);
    this.#openSolution();
    // What the last check said outlives a reload.
    if (lesson.lastCheck?.message) this.#show(lesson.lastCheck);
  }

  async check() {
    if (this.#checking) return;
    this.#checking = true;
    this.button.setAttribute("aria-disabled", "true");
    this.editor.show("own");
    this.editor.mark("own", null);
    this.#say("running", text("live.checking"));
    try {
      await this.saveNow();
      /** @type {import("./types.js").CheckResult} */
      const result = await post(`/api/lessons/${this.lesson.slug}/check`, { program: this.editor.program });
      this.#show(result);
      if (result.line) this.editor.mark("own", { line: result.line, words: lastLine(result.traceback ?? "") });
      this.announcer.say(result.message);
      this.bus.emit("step", { name: "fix" });
      if (result.passed) {
        this.passed = true;
        this.bus.emit("step", { name: "checked" });
      } else {
        this.failures += 1;
      }
      this.#openSolution();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.#say("needs", error.message, error.hint);
      this.announcer.say(error.message);
    } finally {
      this.#checking = false;
      this.button.removeAttribute("aria-disabled");
    }
  }

  /** @param {import("./types.js").CheckResult} result */
  #show(result) {
    this.#showCriteria(result.criteria);
    this.#say(result.passed ? "holds" : "needs", [result.message, ...(result.traceback ? [result.traceback.trimEnd()] : [])].join("\n"));
    if (result.advice) this.message.append(make("p", {}, ...adviceWords(result.advice)));
    if (result.arrivals) this.#showLosing(result.arrivals, !result.message.includes(result.arrivals.sentence));
  }

  /** @param {import("./types.js").Criterion[]} criteria */
  #showCriteria(criteria) {
    criteria.forEach((criterion, index) => {
      const element = this.criteria[index];
      if (!element) return;
      const shape = criterion.ok === null ? "ring" : criterion.ok ? "holds" : "lost";
      element.querySelector(":scope > .icon")?.replaceWith(icon(shape));
      setText(one(element, "[data-state]", HTMLElement), criterion.ok === null ? "" : text(criterion.ok ? "live.met" : "live.not_met"));
      setText(one(element, "[data-measured]", HTMLElement), measuredWords(criterion.measured ?? {}));
    });
  }

  /**
   * @param {"running" | "holds" | "needs"} shape
   * @param {string} words what happened; a Python traceback keeps its lines
   * @param {string} [hint]
   */
  #say(shape, words, hint) {
    const [first, ...rest] = words.split("\n");
    this.message.hidden = false;
    this.message.classList.toggle("trouble", shape === "needs");
    this.message.replaceChildren(icon(shape), make("p", {}, ...inline(first)),
      ...(rest.length > 0 ? [make("pre", {}, rest.join("\n"))] : []),
      ...(hint ? [make("p", {}, ...inline(hint))] : []));
  }

  /**
   * The shortest arrival that still loses, and the way to see it.
   * @param {import("./types.js").LosingArrival} losing
   * @param {boolean} news whether it has to be told as well
   */
  #showLosing({ settings, tried, lost, broken, at, sentence }, news) {
    const program = this.editor.program;
    const show = make("button", { type: "button", class: "button", "data-show-arrival": true }, text("explore.show_arrival"));
    show.addEventListener("click", () => this.bus.emit("show_arrival", { question: { settings, exercise: true, program }, at }));
    this.message.append(
      ...(news ? [make("p", {}, text("explore.check_lost", { lost: whole(lost + broken), tried: whole(tried) }), " ", ...inline(sentence))] : []),
      make("div", { class: "actions" }, show));
  }

  #openSolution() {
    const due = this.allowed && (this.passed || this.failures >= SOLUTION_AFTER);
    const there = this.solutionText.textContent !== "";
    if (due && !there) void this.#fetchSolution();
    this.solution.hidden = !(due && there);
    this.solutionNote.hidden = due && there;
    setText(this.solutionNote, text(this.allowed ? "live.solution_after" : "live.solution_closed"));
    if (this.learned instanceof HTMLElement) this.learned.hidden = !this.passed;
  }

  /** What was closed when the page was opened is in the page as it is now. */
  async #fetchSolution() {
    if (this.#fetching) return;
    this.#fetching = true;
    try {
      const response = await fetch(location.href, { headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const code = page.querySelector("[data-solution] code");
      if (!response.ok || code === null || code.textContent === "") return;
      this.solutionText.replaceWith(code);
      this.solutionText = /** @type {HTMLElement} */ (code);
      this.#openSolution();
    } catch {
      // The network is gone: the next word of the class, or the next check, asks again.
    } finally {
      this.#fetching = false;
    }
  }
}

/** Who has seen the exercise pass. @param {import("./types.js").Proof["proof"]} proof */
function proofWords(proof) {
  switch (proof) {
    case "reported": return text("live.proof_reported");
    case "refused": return text("live.proof_refused");
    case "verified": return text("live.proof_verified");
    default: return "";
  }
}

/** What a traceback ends with: the exception itself. @param {string} traceback */
function lastLine(traceback) {
  return traceback.trimEnd().split("\n").at(-1)?.trim() ?? "";
}

/**
 * What a check measured for a criterion: ` (lost = 3, ran = 1 000)`.
 * @param {Record<string, number | string>} measured
 */
function measuredWords(measured) {
  const words = Object.entries(measured).map(([name, value]) => `${name} = ${typeof value === "number" ? number(value) : value}`);
  return words.length === 0 ? "" : ` (${words.join(", ")})`;
}
