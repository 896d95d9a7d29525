/**
 * The race explorer of a lesson: two strips to compare, and everything about the arrival at which
 * the cursor stands.
 * @module
 */
import { post } from "./api.js";
import { ArrivalMotion } from "./arrival-motion.js";
import { ArrivalPanels } from "./arrival-panels.js";
import { text } from "./catalogue.js";
import { all, one, setText } from "./dom.js";
import { ExplorerLane } from "./explorer-lane.js";

/** The cursor rests this long before its arrival is played on a board. */
const REST_MS = 120;

export class Explorer {
  #timer = 0;
  #asked = 0;

  /**
   * @param {HTMLElement} section
   * @param {import("./explorer-lane.js").Bench} bench
   */
  constructor(section, bench) {
    this.slug = bench.lesson.slug;
    /** What was explored before a reload is shown as it was; a board is asked when somebody moves the cursor. */
    this.recalling = false;
    const arrival = one(section, "[data-arrival]", HTMLElement);
    this.panels = new ArrivalPanels(arrival);
    this.motion = new ArrivalMotion(one(arrival, "[data-motion]", HTMLElement), (done) => this.panels.follow(done));
    this.lanes = all(section, "[data-lane]", HTMLElement).map((root) => new ExplorerLane(root, bench, (lane, at) => this.#move(lane, at)));
    this.compare = one(section, "[data-compare]", HTMLButtonElement);
    this.compare.hidden = false;
    this.compare.addEventListener("click", () => {
      const second = this.lanes[1].root;
      second.hidden = !second.hidden;
      this.compare.setAttribute("aria-expanded", String(!second.hidden));
      setText(this.compare, text(second.hidden ? "explore.compare" : "explore.alone"));
      // The panels go back to the strip that stays.
      if (second.hidden && this.lanes[0].found !== null) this.#move(this.lanes[0], this.lanes[0].strip.at);
    });
    this.recalling = true;
    const recalled = this.lanes.map((lane) => lane.recall());
    this.recalling = false;
    if (recalled[1]) this.compare.click();
  }

  /**
   * @param {import("./exploration-types.js").Question} question
   * @param {number} at
   */
  async showArrival(question, at) {
    await this.lanes[0].ask(question, at);
    this.lanes[0].strip.slider.focus();
  }

  /**
   * @param {ExplorerLane} lane
   * @param {number} at
   */
  #move(lane, at) {
    const { found } = lane;
    if (found === null) return;
    for (const other of this.lanes) other.root.toggleAttribute("data-active", other === lane);
    this.motion.pause();
    // The verdict stands beside the strip that it speaks of.
    one(lane.root, "[data-verdict-slot]", HTMLElement).append(this.panels.verdictPanel);
    this.panels.foretell(found.arrivals, at, !this.recalling);
    clearTimeout(this.#timer);
    if (this.recalling) return;
    this.#asked += 1;
    const asked = this.#asked;
    this.#timer = setTimeout(async () => {
      try {
        /** @type {import("./exploration-types.js").Arrival} */
        const arrival = await post(`/api/lessons/${this.slug}/explore/at`, { ...found.question, at });
        if (asked !== this.#asked) return;
        this.panels.show(arrival, found.arrivals);
        this.motion.show(arrival);
      } catch (error) {
        if (asked === this.#asked) lane.say(error);
      }
    }, REST_MS);
  }
}
