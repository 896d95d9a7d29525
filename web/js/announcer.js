/**
 * What a screen reader is told without being asked: few sentences, one at a time.
 * @module
 */
import { one } from "./dom.js";

export class Announcer {
  #region = one(document, "[data-announcer]", HTMLElement);

  /** @param {string} sentence */
  say(sentence) {
    if (this.#region.textContent === sentence) this.#region.textContent = "";
    this.#region.textContent = sentence;
  }
}
