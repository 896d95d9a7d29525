/**
 * The explorer is fetched when its section comes near the window, when the focus enters it, or when a check has an
 * arrival to show. A button that is pressed before it is there is pressed again once it is.
 * @module
 */
import { all } from "./dom.js";

/** So far below the window the section begins to be fetched. */
const NEAR = "600px 0px";

/**
 * @param {HTMLElement} section
 * @param {import("./bus.js").Bus} bus
 * @param {boolean} atOnce there is something from an earlier visit to show
 * @param {() => Promise<import("./explorer.js").Explorer>} open
 */
export function whenOpened(section, bus, atOnce, open) {
  /** @type {Promise<import("./explorer.js").Explorer> | null} */
  let opened = null;
  const once = () => {
    near.disconnect();
    opened ??= open().then((explorer) => {
      section.removeEventListener("click", pressed, true);
      return explorer;
    });
    return opened;
  };
  /** @param {Event} event */
  const pressed = async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    // What is chosen before is read when it is needed.
    if (button === null) return;
    event.stopImmediatePropagation();
    await once();
    button.click();
  };
  // A browser restores what was chosen before a reload; the page begins with the lesson's case.
  for (const input of all(section, "input", HTMLInputElement)) input.checked = input.defaultChecked;
  const near = new IntersectionObserver((seen) => { if (seen.some(({ isIntersecting }) => isIntersecting)) void once(); }, { rootMargin: NEAR });
  near.observe(section);
  section.addEventListener("focusin", () => void once(), { once: true });
  section.addEventListener("click", pressed, true);
  if (atOnce) void once();
  bus.on("show_arrival", async ({ question, at }) => {
    section.scrollIntoView({ block: "start" });
    await (await once()).showArrival(question, at);
  });
}
