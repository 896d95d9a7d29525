/**
 * What every page of a site without a server does by itself: colours, the learner's work as a file, and being there
 * without a network.
 * @module
 */
import { loadCatalogue, readData, text } from "./catalogue.js";
import { all, maybe, one, setText } from "./dom.js";
import { SiteHome } from "./site-home.js";
import { fileText, fileWork } from "./site-store.js";
import { useInside } from "./tab-files.js";
import { useHome } from "./transport.js";

const THEME = "isrlab.theme";
const FILE_NAME = "isrlab-work.json";

/** Sets up what comes before the page's own script. @returns {SiteHome} */
export function startSite() {
  loadCatalogue();
  const home = new SiteHome();
  useHome(home);
  chooseColours();
  keepInFile(home);
  installWorker();
  return home;
}

/** Brings along what a page that was opened as a file may not fetch. @returns {Promise<void>} */
export async function loadInside() {
  const { inside } = readData("tab-data");
  if (inside === undefined) return;
  await new Promise((loaded, failed) => {
    const script = Object.assign(document.createElement("script"), { src: inside });
    script.addEventListener("load", () => loaded(null));
    script.addEventListener("error", () => failed(new Error(inside)));
    document.head.append(script);
  });
  const { workers, files } = /** @type {any} */ (globalThis).isrlabInside;
  const unpacked = await Promise.all(Object.entries(files).map(async ([name, packed]) => [name, await unpack(packed)]));
  useInside({ workers, files: Object.fromEntries(unpacked) });
}

/** Base64 of gzip. @param {string} packed @returns {Promise<ArrayBuffer>} */
function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function chooseColours() {
  const show = (/** @type {string} */ theme) => {
    document.documentElement.dataset.theme = theme;
    for (const button of all(document, "button[name=theme]", HTMLButtonElement)) button.setAttribute("aria-pressed", String(button.value === theme));
  };
  try {
    show(localStorage.getItem(THEME) ?? "system");
  } catch {
    // A browser may refuse to keep anything; the choice then lasts as long as the page.
  }
  for (const form of all(document, "form", HTMLFormElement)) {
    if (!form.action.endsWith("/theme")) continue;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const theme = event.submitter instanceof HTMLButtonElement ? event.submitter.value : "system";
      show(theme);
      try {
        localStorage.setItem(THEME, theme);
      } catch {
        // As above.
      }
    });
  }
}

/** The buttons that save the work to a file and take it from one. @param {SiteHome} home */
function keepInFile(home) {
  const card = maybe(document, "[data-site-work]", HTMLElement);
  if (card === null) return;
  const said = one(card, "[data-site-said]", HTMLElement);
  const failed = (/** @type {unknown} */ error) => {
    console.error(error);
    setText(said, `${text("live.site_not_kept")} ${text("live.site_not_kept_hint")}`);
  };
  one(card, "[data-site-save]", HTMLButtonElement).addEventListener("click", async () => {
    try {
      const file = new Blob([fileText(await home.store.all())], { type: "application/json" });
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: FILE_NAME });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      setText(said, text("live.site_saved", { file: FILE_NAME }));
    } catch (error) {
      failed(error);
    }
  });
  const picker = one(card, "input[type=file]", HTMLInputElement);
  picker.addEventListener("change", async () => {
    const [file] = picker.files ?? [];
    if (file === undefined) return;
    const works = fileWork(await file.text());
    picker.value = "";
    if (works === null) {
      setText(said, text("live.site_no_work_file"));
      return;
    }
    try {
      await home.store.take(works);
      location.reload();
    } catch (error) {
      failed(error);
    }
  });
}

/** Where the browser allows it, the site is there without a network from the second visit on. */
function installWorker() {
  const { serviceWorker } = readData("site-data");
  if (serviceWorker === undefined || !("serviceWorker" in navigator) || !globalThis.isSecureContext) return;
  // Without it the site works all the same, with a network.
  navigator.serviceWorker.register(new URL(serviceWorker, document.baseURI)).catch((error) => console.info(error));
}
