/**
 * What a worker needs before it has a board: fetches module, firmware and lessons, and boots.
 * @module
 */
import { TabModule } from "./tab-module.js";

/**
 * @typedef {string | ArrayBuffer} File an address, or what is there
 * @typedef {{ module: File, flash: File, lessons: File, symbols?: File, language: string }} Addresses without `symbols`
 *   nothing can be explored
 * @typedef {"fetching" | "compiling" | "booting"} Stage
 */

/**
 * @param {Addresses} addresses
 * @param {(stage: Stage) => void} [stage]
 * @param {(event: { name: string, data: any }) => void} [heard] of a job's progress
 */
export async function loadTab({ module, flash, lessons, symbols, language }, stage = () => {}, heard = () => {}) {
  stage("fetching");
  const [code, image, names, files] = await Promise.all([
    fetched(module).then((answer) => answer.arrayBuffer()),
    fetched(flash).then((answer) => answer.arrayBuffer()),
    symbols === undefined ? null : fetched(symbols).then((answer) => answer.arrayBuffer()),
    fetched(lessons).then((answer) => answer.json()),
  ]);
  stage("compiling");
  const tab = await TabModule.start(await WebAssembly.compile(code), heard);
  stage("booting");
  tab.chooseLanguage(language);
  tab.loadLessons(files);
  if (names !== null) tab.loadSymbols(new Uint8Array(names));
  tab.boot(new Uint8Array(image));
  return tab;
}

/** @param {string | ArrayBuffer} file */
export async function fetched(file) {
  if (typeof file !== "string") return new Response(file);
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
  return answer;
}
