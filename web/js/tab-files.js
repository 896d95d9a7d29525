/**
 * Where this page's workers and files come from: addresses that the page names, or what a script has brought along, where
 * pages are opened as files and a browser lets them fetch nothing.
 * @module
 */
import { readData } from "./catalogue.js";

/** @typedef {"worker" | "jobWorker"} WorkerName */
/** @typedef {{ workers: Record<WorkerName, string>, files: Record<"module" | "flash" | "symbols" | "lessons", ArrayBuffer> }} Inside */

/** @type {Inside | null} */
let inside = null;

/** From now on nothing is fetched. @param {Inside} brought */
export function useInside(brought) {
  inside = brought;
}

/** What the page says of its board. @returns {{ attached: boolean, site: boolean }} */
export function tabFacts() {
  return readData("tab-data");
}

/** @param {WorkerName} name @returns {Worker} */
export function startWorker(name) {
  if (inside !== null) {
    const address = URL.createObjectURL(new Blob([inside.workers[name]], { type: "text/javascript" }));
    const worker = new Worker(address);
    // A browser may fetch it later than now.
    worker.addEventListener("message", () => URL.revokeObjectURL(address), { once: true });
    return worker;
  }
  return new Worker(absolute(readData("tab-data")[name]), { type: "module" });
}

/** What the workers load. @returns {import("./tab-load.js").Addresses} */
export function tabAddresses() {
  const language = document.documentElement.lang;
  if (inside !== null) return { ...inside.files, language };
  const { module, flash, symbols, lessons } = readData("tab-data");
  return { module: absolute(module), flash: absolute(flash), symbols: absolute(symbols), lessons: absolute(lessons), language };
}

/** A worker reads addresses from where it lies itself. @param {string} address */
function absolute(address) {
  return new URL(address, document.baseURI).href;
}
