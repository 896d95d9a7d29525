/**
 * Prints figures of the board in a tab: how soon it is there, what it reaches on slower processors, and its memory. Leave the
 * machine to it: `ISRLAB=target/release/isrlab npm run figures`, in `web/`.
 *
 * A browser slows only a page's own thread down, so the module runs there, and not in a worker, where processors are compared.
 */
import { dirname } from "node:path";
import { PlainServer } from "./programs.js";
import { BenchPage, Workbench, filesBelow, launch, repositoryPath } from "./workbench.js";

const SLOWER = [1, 4, 6];
const RUN_SECONDS = 10;
const STARTS = 5;

const workbench = new Workbench();
const files = new PlainServer();
await workbench.start();
const lessons = filesBelow(repositoryPath("lessons"));
const repository = await files.start(dirname(repositoryPath("web")));
const browser = await launch();
try {
  const context = await browser.newContext({ baseURL: workbench.url });
  const page = await context.newPage();
  const starts = [];
  for (let start = 0; start < STARTS; start += 1) {
    await page.goto("/lessons/lost-update");
    await page.locator("[data-board-place][data-stage=ready]").waitFor();
    starts.push(await page.evaluate(() => Math.round(performance.now())));
  }
  console.log(`from opening the page to a board at its prompt: cold ${starts[0]} ms, warm ${starts.slice(1).sort((a, b) => a - b)[(STARTS - 1) >> 1]} ms`);
  const bench = new BenchPage(page);
  await bench.runFor(RUN_SECONDS);
  await bench.run();
  console.log(`a live run beside the page: ${await page.locator("[data-board-share]").innerText()}`);

  const system = await browser.newBrowserCDPSession();
  const { processInfo } = await system.send("SystemInfo.getProcessInfo");
  console.log(`processor time of the browser's processes so far: ${processInfo.map(({ type, cpuTime }) => `${type} ${cpuTime.toFixed(1)} s`).join(", ")}`);

  const bare = await browser.newPage();
  await bare.goto(`${repository}/web/icons/mark.svg`);
  const session = await bare.context().newCDPSession(bare);
  for (const rate of SLOWER) {
    await session.send("Emulation.setCPUThrottlingRate", { rate });
    const measured = await bare.evaluate(async ([address, seconds, lessons]) => {
      const { TabModule } = await import(`${address}/web/js/tab-module.js`);
      const bytes = (/** @type {string} */ path) => fetch(`${address}/${path}`).then((answer) => answer.arrayBuffer());
      const code = await bytes("web/dist/tab/tab.wasm");
      const flash = new Uint8Array(await bytes("web/dist/tab/flash.bin"));
      const measured = [];
      for (const traces of [false, true]) {
        const module = await WebAssembly.compile(code);
        const tab = await (traces ? TabModule.start(module) : TabModule.startWithoutTraces(module));
        tab.loadLessons(lessons);
        const begun = performance.now();
        tab.boot(flash);
        const booted = performance.now();
        tab.headlessRun({ lesson: "lost-update", seconds });
        measured.push({ traces, boot_ms: booted - begun, run_ms: performance.now() - booted, memory: tab.memoryBytes });
      }
      return measured;
    }, /** @type {const} */ ([repository, RUN_SECONDS, lessons]));
    for (const { traces, boot_ms, run_ms, memory } of measured) {
      const times = ((RUN_SECONDS * 1000) / run_ms).toFixed(2);
      console.log(`processor ${rate} times slower, ${traces ? "with traces" : "interpreting"}: boot ${Math.round(boot_ms)} ms, a run of ${RUN_SECONDS} s at ${times} times real time, memory of the module ${(memory / 2 ** 20).toFixed(0)} MiB`);
    }
  }
} finally {
  await browser.close();
  files.close();
  await workbench.close();
}
