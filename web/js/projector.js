/**
 * A bench on the projector: large, and of its panels only those that are asked for. The page is the bench itself, so what runs
 * on it is what a learner's would.
 * @module
 */
import { all, make, maybe, one } from "./dom.js";

/** What can be shown, in the order in which it stands on the page. */
const PANELS = "[data-controls], [data-parts], [data-analyser], [data-editor], section:has(> [data-wiring]), [data-console-panel], [data-instrument], [data-explorer]";
/** What is shown until somebody chooses. In the workshop there are no instruments: there it is the program and what it prints. */
const FIRST = ".bench-page :is([data-controls], [data-parts], .bench-first > *, [data-instrument=outcome]), .workshop-page :is([data-editor], [data-parts], [data-console-panel])";

/** On a bench: the door to its projector view, which keeps what the address says. In that view: its choices. */
export function startProjector() {
  const head = maybe(document, "[data-projector]", HTMLElement);
  if (head === null) {
    const door = maybe(document, "[data-to-projector]", HTMLAnchorElement);
    door?.addEventListener("click", () => { door.href = address(true); });
    return;
  }
  one(head, "[data-projector-back]", HTMLAnchorElement).addEventListener("click", (event) => {
    if (event.currentTarget instanceof HTMLAnchorElement) event.currentTarget.href = address(false);
  });
  const choice = one(head, "[data-projector-choice]", HTMLElement);
  const kept = recalled();
  const shown = new Set();
  all(document, PANELS, HTMLElement).forEach((panel, at) => {
    const button = make("button", { type: "button", class: "button" }, nameOf(panel));
    /** @param {boolean} on */
    const show = (on) => {
      panel.toggleAttribute("data-off", !on);
      button.setAttribute("aria-pressed", String(on));
      if (on) shown.add(at);
      else shown.delete(at);
    };
    show(kept === null ? panel.matches(FIRST) : kept.includes(at));
    button.addEventListener("click", () => {
      show(!shown.has(at));
      remember([...shown]);
    });
    choice.append(button);
  });
  const full = one(head, "[data-fullscreen]", HTMLButtonElement);
  full.hidden = !document.fullscreenEnabled;
  full.addEventListener("click", () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    // A browser that refuses says so itself.
    else document.documentElement.requestFullscreen().catch(() => {});
  });
}

/** A panel's heading; the controls have none. @param {HTMLElement} panel */
function nameOf(panel) {
  const heading = (panel.querySelector("h2") ?? panel.querySelector("summary"))?.textContent ?? panel.closest("[aria-label]")?.getAttribute("aria-label");
  return (heading ?? "").trim();
}

/** This page's address, with or without the projector. @param {boolean} large */
function address(large) {
  const url = new URL(location.href);
  if (large) url.searchParams.set("projector", "");
  else url.searchParams.delete("projector");
  return url.href;
}

/** What was chosen on this page, in this tab. @returns {number[] | null} */
function recalled() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(`projector ${location.pathname}`) ?? "null");
    return Array.isArray(kept) ? kept : null;
  } catch {
    return null;
  }
}

/** @param {number[]} shown */
function remember(shown) {
  try {
    sessionStorage.setItem(`projector ${location.pathname}`, JSON.stringify(shown));
  } catch {
    // No storage: it lasts as long as the page.
  }
}
