/**
 * uPlot, kept in a piece of its own so that a page is readable before it has come.
 * @module
 */
export { default } from "uplot";
