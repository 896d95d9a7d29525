/**
 * On a phone: one tap to the program, and one back to its result.
 * @module
 */
import { text } from "./catalogue.js";
import { setText } from "./dom.js";

export class ProgramDoor {
  /**
   * @param {HTMLAnchorElement} door
   * @param {HTMLElement} program
   */
  constructor(door, program) {
    const observer = new IntersectionObserver(([entry]) => {
      door.href = entry.isIntersecting ? "#result" : "#program";
      setText(door, text(entry.isIntersecting ? "live.to_result" : "live.to_program"));
    }, { rootMargin: "-40% 0px -40% 0px" });
    observer.observe(program);
  }
}
