/**
 * What the host of a class asks for: a refusal stands in the page's slot for troubles, until the next request.
 * @module
 */
import { Trouble } from "./api.js";

/**
 * @template T
 * @param {import("./bus.js").Bus} bus
 * @param {() => Promise<T>} request
 * @returns {Promise<T | null>}
 */
export async function command(bus, request) {
  bus.emit("trouble", null);
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    bus.emit("trouble", error);
    return null;
  }
}
