/**
 * A class on the bench: settings that the host puts on it, and a host's copy of a learner's bench.
 * @module
 */
import { isNews } from "./class-strip.js";
import { one } from "./dom.js";

/** Whether this page is a host's copy of a learner's bench: then nothing on it is kept as the host's own work. */
export function isCopy() {
  return new URLSearchParams(location.search).has("copy");
}

/**
 * @param {import("./bus.js").Bus} bus
 * @param {string} slug of the lesson
 * @param {import("./controls.js").Controls} controls
 */
export function followClass(bus, slug, controls) {
  bus.on("class", ({ class: id, push }) => {
    if (!push || push.lesson !== slug || !isNews(`settings of ${slug} in ${id}`, push.n, true)) return;
    controls.apply(push.settings);
    if (push.seed !== null) one(document, "[data-seed]", HTMLInputElement).value = String(push.seed);
  });
  if (!isCopy()) return;
  const settings = new URLSearchParams(location.search).get("settings");
  try {
    controls.apply(JSON.parse(settings ?? "{}"));
  } catch {
    // The address was changed by hand: the lesson's own settings stand.
  }
}
