/**
 * Puts what browsers fetch into `dist/`: one style sheet, one script a page, and the editor and
 * chart libraries in pieces of their own that are fetched when needed.
 */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const out = new URL("./dist/", import.meta.url).pathname;
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

await build({
  entryPoints: ["js/course.js", "js/bench.js", "js/boards.js", "js/class-host.js", "js/class-list.js", "js/class-show.js", "js/class-wall.js", "js/tab-worker.js", "css/style.css"],
  outdir: out,
  entryNames: "[name]",
  chunkNames: "[name]-[hash]",
  absWorkingDir: new URL(".", import.meta.url).pathname,
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome120", "firefox121", "safari17.2"],
  supported: { nesting: true },
  legalComments: "linked",
  logLevel: "warning",
});
copyFileSync(new URL("./icons/mark.svg", import.meta.url), `${out}mark.svg`);
