/**
 * How each kind of part is drawn: lines of the look, 48 by 48; what changes has a class by which it is found again.
 * @module
 */
import { draw } from "./dom.js";

/** Paths of each kind. @type {Record<string, string>} */
const PATHS = {
  led: "M15 30V18a9 9 0 0 1 18 0v12zM12 30h24M20 30v14M28 30v14",
  "rgb-led": "M15 30V18a9 9 0 0 1 18 0v12zM12 30h24M18 30v14M24 30v14M30 30v14",
  button: "M8 8h32v32H8zM4 14h4M4 34h4M40 14h4M40 34h4",
  switch: "M6 24h8M34 24h8M14 24a2 2 0 1 0 .1 0M34 24a2 2 0 1 0 .1 0",
  potentiometer: "M24 8a16 16 0 1 0 .1 0M14 40v4M24 40v4M34 40v4",
  encoder: "M24 8a16 16 0 1 0 .1 0M36 6l4 4-4 4M12 6l-4 4 4 4",
  pulses: "M4 34h8V14h10v20h10V14h10",
  pir: "M8 34a16 16 0 0 1 32 0zM14 34v6M24 34v6M34 34v6M16 22l6 12M32 22l-6 12",
  hall: "M24 6a18 18 0 1 0 .1 0M24 20a4 4 0 1 0 .1 0M22 6h4v6h-4z",
  "rain-gauge": "M10 8h28l-8 12H18zM24 20v8M10 34l14-6 14 6M24 28v12",
  "hc-sr04": "M4 12h40v20H4zM14 15a7 7 0 1 0 .1 0M34 15a7 7 0 1 0 .1 0M18 32v8M24 32v8M30 32v8",
  "nec-receiver": "M14 28V18a10 10 0 0 1 20 0v10zM18 28v14M24 28v14M30 28v14",
  buzzer: "M24 8a16 16 0 1 0 .1 0M24 22a2 2 0 1 0 .1 0",
  ws2812: "M2 16h44v16H2zM7 20h7v8H7zM17.500 20h7v8h-7zM28 20h7v8h-7z",
  tmp117: "M20 8a4 4 0 0 1 8 0v20a8 8 0 1 1-8 0z",
  gps: "M24 44C14 30 10 24 10 18a14 14 0 0 1 28 0c0 6-4 12-14 26zM24 12a6 6 0 1 0 .1 0",
  "board-pin": "M12 6h24v36H12zM6 14h6M6 24h6M6 34h6M36 14h6M36 24h6M36 34h6",
  wire: "M6 34c12 0 8-20 18-20s6 20 18 20",
};

/**
 * The picture of a kind, with a light where it has one.
 * @param {string} kind
 */
export function picture(kind) {
  const svg = draw("svg", { viewBox: "0 0 48 48" });
  if (kind === "led" || kind === "rgb-led") svg.append(draw("path", { class: "lamp", d: "M15 30V18a9 9 0 0 1 18 0v12z" }));
  svg.append(draw("path", { d: PATHS[kind] ?? PATHS["board-pin"] }));
  if (kind === "button") svg.append(draw("circle", { class: "cap", cx: 24, cy: 24, r: 9 }));
  if (kind === "switch") svg.append(draw("path", { class: "lever", d: "M14 24 32 14" }));
  if (kind === "potentiometer" || kind === "encoder") svg.append(draw("path", { class: "needle", d: "M24 24V11" }));
  return svg;
}
