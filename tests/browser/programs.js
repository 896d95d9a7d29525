/**
 * Programs that stories start beside a browser: the command line, and a web server that knows nothing of the course.
 * @module
 */
import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { STEP_TIMEOUT_MS } from "./workbench.js";

/** What the command line prints. @param {string[]} options */
export async function isrlab(options) {
  const { stdout } = await promisify(execFile)(String(process.env.ISRLAB), options, { timeout: STEP_TIMEOUT_MS });
  return stdout;
}

/**
 * What a run on the command line counts, with the page's seed.
 * @param {Record<string, string>} settings
 * @param {number} seconds
 * @returns {Promise<{ ran: number, lost: number }>}
 */
export async function counted(settings, seconds) {
  const set = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const report = JSON.parse(await isrlab(["run", "lost-update", "--json", "--seconds", `${seconds}`, "--seed", "1", ...set]));
  return { ran: report.counters.ran, lost: report.values.lost };
}

/** A web server that gives out files. */
export class PlainServer {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;

  /** @param {string} folder @returns {Promise<string>} its address */
  start(folder) {
    const server = spawn("python3", ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder], { stdio: ["ignore", "pipe", "ignore"] });
    this.#process = server;
    return new Promise((resolve, reject) => {
      let said = "";
      server.stdout.on("data", (chunk) => {
        said += chunk;
        const port = /port (\d+)/.exec(said)?.[1];
        if (port) resolve(`http://127.0.0.1:${port}`);
      });
      server.on("exit", (code) => reject(new Error(`python3 -m http.server ended with ${code}`)));
    });
  }

  close() {
    this.#process?.removeAllListeners("exit");
    this.#process?.kill("SIGKILL");
    this.#process = null;
  }
}
