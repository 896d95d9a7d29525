/**
 * The explorer is fetched when its section comes near the window, or when a check has an arrival to show; until then
 * nothing in it can be pressed.
 * @module
 */

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
      section.inert = false;
      return explorer;
    });
    return opened;
  };
  const near = new IntersectionObserver((seen) => { if (seen.some(({ isIntersecting }) => isIntersecting)) void once(); }, { rootMargin: NEAR });
  section.inert = true;
  near.observe(section);
  if (atOnce) void once();
  bus.on("show_arrival", async ({ question, at }) => {
    section.scrollIntoView({ block: "start" });
    await (await once()).showArrival(question, at);
  });
}
