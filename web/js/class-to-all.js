/**
 * What a host tells all: go to a lesson, settings and seed, look up, solutions, a message.
 * @module
 */
import { post } from "./api.js";
import { text } from "./catalogue.js";
import { all, make, one } from "./dom.js";
import { settingFields, settingsIn } from "./setting-fields.js";

export class ToAll {
  /**
   * @param {HTMLDetailsElement} menu
   * @param {import("./class-types.js").ClassLesson[]} lessons
   * @param {(request: () => Promise<any>) => Promise<any>} command
   * @param {string} base
   */
  constructor(menu, lessons, command, base) {
    this.lessons = lessons;
    /** @param {object} body */
    const tell = (body) => command(() => post(`${base}/tell`, body));
    for (const select of all(menu, "[data-lessons]", HTMLSelectElement)) {
      select.append(...lessons.map(({ slug, id, title }) => make("option", { value: slug }, `${id} ${title}`)));
    }
    const form = (/** @type {string} */ name) => one(menu, `[data-tell="${name}"]`, HTMLFormElement);
    form("goto").addEventListener("submit", (event) => {
      event.preventDefault();
      void tell({ tell: "goto", lesson: one(form("goto"), "select", HTMLSelectElement).value });
    });
    const words = one(form("message"), "input", HTMLInputElement);
    form("message").addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await tell({ tell: "message", text: words.value })) words.value = "";
    });
    this.push = one(form("push"), "[data-lessons]", HTMLSelectElement);
    this.controls = one(form("push"), "[data-push-controls]", HTMLElement);
    this.push.addEventListener("change", () => this.#controls());
    form("push").addEventListener("submit", (event) => {
      event.preventDefault();
      const seed = one(this.controls, "[data-push-seed]", HTMLInputElement).value;
      void tell({ tell: "push", lesson: this.push.value, settings: settingsIn(this.controls), seed: seed === "" ? null : Number(seed) });
    });
    this.eyes = one(menu, "[data-eyes]", HTMLButtonElement);
    this.eyes.addEventListener("click", () => tell({ tell: "eyes", on: this.eyes.getAttribute("aria-pressed") !== "true" }));
    this.solutions = one(menu, "[data-solutions]", HTMLButtonElement);
    this.solutions.addEventListener("click", () => tell({ tell: "solutions", open: this.solutions.getAttribute("aria-pressed") !== "true" }));
    this.#controls();
  }

  /** @param {import("./class-types.js").GridHead} head */
  show(head) {
    this.eyes.setAttribute("aria-pressed", String(head.eyes));
    this.solutions.setAttribute("aria-pressed", String(head.solutions));
    this.solutions.textContent = text(head.solutions ? "room.solutions_open" : "room.solutions_closed");
    this.eyes.textContent = text(head.eyes ? "room.eyes_off" : "room.eyes_on");
  }

  /** The controls of the lesson that is chosen. */
  #controls() {
    const lesson = this.lessons.find(({ slug }) => slug === this.push.value);
    const fields = settingFields(lesson?.controls ?? [], "push");
    this.controls.replaceChildren(...fields, make("div", { class: "class-field" },
      make("label", { for: "push-seed" }, text("room.seed_or_none")), make("input", { id: "push-seed", class: "text-field", type: "number", min: 0, max: 4294967295, "data-push-seed": true })));
  }
}
