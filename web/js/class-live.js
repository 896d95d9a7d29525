/**
 * A host's page follows its class, until it is deleted or a co-teacher's link is taken back.
 * @module
 */
import { goLive } from "./app.js";

/**
 * @param {import("./bus.js").Bus} bus
 * @param {number | string} id of the class
 */
export function followHosted(bus, id) {
  bus.on("class", ({ gone }) => { if (gone) location.assign("/class"); });
  goLive(bus, [`/events?class=${id}`]);
}
