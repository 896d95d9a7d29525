/**
 * Puts what browsers fetch into `dist/`: one style sheet, one script a page, and the editor and
 * chart libraries in pieces of their own that are fetched when needed; and the same for sites without a server.
 */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const out = new URL("./dist/", import.meta.url).pathname;
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

/** What all bundles have in common. @type {import("esbuild").BuildOptions} */
const COMMON = {
  outdir: out,
  absWorkingDir: new URL(".", import.meta.url).pathname,
  bundle: true,
  minify: true,
  target: ["es2022", "chrome120", "firefox121", "safari17.2"],
  supported: { nesting: true },
  legalComments: "linked",
  logLevel: "warning",
};

// The bench has pieces of its own: with those that the other pages share it would ask for ten files more.
for (const entryPoints of [["js/bench.js"], [
  "js/course.js", "js/boards.js", "js/workshop.js", "js/class-host.js", "js/class-list.js", "js/class-show.js", "js/class-wall.js", "js/class-sampler.js", "js/tab-worker.js", "js/tab-job-worker.js", "js/site-bench.js", "js/site-course.js", "js/site-sw.js",
  "css/style.css", "css/pages.css", "css/no-script.css",
]]) {
  await build({ ...COMMON, entryPoints, entryNames: "[name]", chunkNames: "[name]-[hash]", splitting: true, format: "esm" });
}
// Pages that are opened as files take classic scripts, each with all that it needs.
await build({
  ...COMMON,
  entryPoints: {
    "single-bench": "js/site-bench.js",
    "single-course": "js/site-course.js",
    "single-tab-worker": "js/tab-worker.js",
    "single-tab-job-worker": "js/tab-job-worker.js",
  },
  format: "iife",
});
copyFileSync(new URL("./icons/mark.svg", import.meta.url), `${out}mark.svg`);
