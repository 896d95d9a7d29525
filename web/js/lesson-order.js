/**
 * The single lessons of a new class, in the order in which they were ticked; they can be moved. The form sends this list in the
 * place of the ticks.
 * @module
 */
import { text } from "./catalogue.js";
import { all, make, one } from "./dom.js";

export class LessonOrder {
  /** Slugs, in their order. @type {string[]} */
  #slugs = [];
  /** What each is called. @type {Map<string, string>} */
  #names = new Map();

  /**
   * @param {HTMLElement} choices with a tick for each lesson
   * @param {HTMLElement} order what is shown while something is ticked
   */
  constructor(choices, order) {
    this.order = order;
    this.list = one(order, "ol", HTMLElement);
    for (const tick of all(choices, "input", HTMLInputElement)) {
      tick.removeAttribute("name");
      this.#names.set(tick.value, (tick.closest("label")?.textContent ?? tick.value).trim());
      // A browser that comes back to the page keeps the ticks.
      if (tick.checked) this.#slugs.push(tick.value);
      tick.addEventListener("change", () => {
        this.#slugs = this.#slugs.filter((slug) => slug !== tick.value);
        if (tick.checked) this.#slugs.push(tick.value);
        this.#draw();
      });
    }
    this.#draw();
  }

  #draw() {
    this.order.hidden = this.#slugs.length === 0;
    this.list.replaceChildren(...this.#slugs.map((slug, at) => {
      const lesson = this.#names.get(slug) ?? slug;
      return make("li", {}, make("span", {}, lesson), make("input", { type: "hidden", name: "lesson", value: slug }),
        this.#button("↑", text("room.earlier", { lesson }), at, at - 1), this.#button("↓", text("room.later", { lesson }), at, at + 1));
    }));
  }

  /**
   * @param {string} sign
   * @param {string} words
   * @param {number} from
   * @param {number} to
   */
  #button(sign, words, from, to) {
    const button = make("button", { type: "button", class: "icon-button", "aria-label": words, "data-sign": sign }, sign);
    button.disabled = to < 0 || to >= this.#slugs.length;
    button.addEventListener("click", () => {
      const [moved] = this.#slugs.splice(from, 1);
      if (moved === undefined) return;
      this.#slugs.splice(to, 0, moved);
      this.#draw();
      // The focus goes along with the lesson; at an end the other button has it.
      const buttons = [...(this.list.children[to]?.querySelectorAll("button") ?? [])];
      (buttons.find((other) => other.dataset.sign === sign && !other.disabled) ?? buttons.find((other) => !other.disabled))?.focus();
    });
    return button;
  }
}
