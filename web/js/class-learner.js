/**
 * A learner opened: the program as it is typed, predictions, outcomes, the last check; a note to them; a copy for the host.
 * @module
 */
import { Trouble, post, send } from "./api.js";
import { text } from "./catalogue.js";
import { icon, inline, make } from "./dom.js";
import { shown } from "./counters.js";

/** What changed is fetched after a rest, so that typing is not fetched by the letter. */
const REST_MS = 700;

export class LearnerPanel {
  /** @type {number | null} */
  seat = null;
  #timer = 0;
  #fetched = 0;

  /**
   * @param {HTMLElement} panel
   * @param {number} id of the class
   * @param {import("./bus.js").Bus} bus
   * @param {(seat: number) => string} nameOf
   * @param {() => void} closed
   */
  constructor(panel, id, bus, nameOf, closed) {
    this.panel = panel;
    this.bus = bus;
    this.nameOf = nameOf;
    this.closed = closed;
    this.base = `/api/classes/${id}/seats`;
    this.title = make("h2", { tabindex: "-1" });
    this.state = make("p", { class: "small" });
    this.body = make("div", { class: "learner-body" });
    this.note = make("textarea", { id: "learner-note", class: "text-field", rows: 3, maxlength: 2000 });
    this.said = make("p", { class: "small", role: "status" });
    const close = make("button", { type: "button", class: "icon-button", "aria-label": text("room.close") }, "✕");
    close.addEventListener("click", () => this.close());
    const form = make("form", { class: "class-form" }, make("label", { for: "learner-note" }, text("room.note")), this.note, make("button", { class: "button" }, text("room.send_note")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#command(() => post(`${this.base}/${this.seat}/note`, { text: this.note.value }), text("room.note_sent"));
    });
    this.copy = make("a", { class: "button first wide", href: "#" }, text("room.copy"));
    this.large = make("a", { class: "button", href: "#" }, text("room.projector"));
    this.results = make("a", { class: "button", href: "#" }, text("room.print"));
    panel.append(
      make("header", { class: "panel-head" }, this.title, close), this.state, this.copy, make("p", { class: "small" }, text("room.copy_note")),
      this.body, form, this.said,
      make("div", { class: "actions" }, this.large, this.results,
        this.#button("room.hand_done", () => post(`${this.base}/${this.seat}/hand`), () => ""),
        this.#button("room.rename", () => this.#rename(), () => ""),
        this.#button("room.new_words", () => post(`${this.base}/${this.seat}/words`, {}), wordsOf),
        this.#button("room.hand_over", () => confirm(text("room.hand_over_sure")) ? post(`${this.base}/${this.seat}/words`, { out: true }) : null, wordsOf),
        this.#button("room.remove", () => this.#remove(), () => "")));
    panel.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
  }

  /**
   * @param {string} key of its words
   * @param {() => Promise<any> | null} act
   * @param {(answer: any) => string} say
   */
  #button(key, act, say) {
    const button = make("button", { type: "button", class: "button" }, text(key));
    button.addEventListener("click", async () => {
      const asked = act();
      if (asked) await this.#command(() => asked, "", say);
    });
    return button;
  }

  #rename() {
    const name = prompt(text("room.rename"), this.seat === null ? "" : this.nameOf(this.seat));
    return name === null ? null : post(`${this.base}/${this.seat}/name`, { text: name });
  }

  #remove() {
    if (this.seat === null || !confirm(text("room.remove_sure", { name: this.nameOf(this.seat) }))) return null;
    const seat = this.seat;
    this.close();
    return send("DELETE", `${this.base}/${seat}`, {});
  }

  /** @param {() => Promise<any>} request @param {string} done @param {(answer: any) => string} [say] */
  async #command(request, done, say) {
    this.bus.emit("trouble", null);
    try {
      const answer = await request();
      this.said.textContent = say ? say(answer) : done;
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      this.bus.emit("trouble", error);
    }
  }

  /** @param {number} seat */
  async show(seat) {
    const other = this.seat !== seat;
    this.seat = seat;
    this.panel.hidden = false;
    if (other) {
      this.said.textContent = "";
      this.body.replaceChildren();
    }
    await this.#fetch();
    if (other) this.title.focus();
  }

  close() {
    if (this.seat === null) return;
    this.seat = null;
    this.panel.hidden = true;
    this.closed();
  }

  writeNote() {
    this.note.focus();
  }

  /** Something of a learner changed. @param {import("./class-types.js").GridRow[]} rows */
  changed(rows) {
    if (!rows.some((row) => row.seat === this.seat) || this.#timer !== 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      void this.#fetch();
    }, REST_MS);
  }

  async #fetch() {
    const seat = this.seat;
    if (seat === null) return;
    this.#fetched += 1;
    const fetched = this.#fetched;
    const response = await fetch(`${this.base}/${seat}`, { headers: { accept: "application/json" } }).catch(() => null);
    if (response === null || !response.ok || fetched !== this.#fetched || this.seat !== seat) return;
    this.#draw(await response.json());
  }

  /** @param {any} learner what `GET /api/classes/{id}/seats/{seat}` answers */
  #draw(learner) {
    this.title.textContent = this.nameOf(learner.seat);
    this.state.textContent = learner.title ? text("room.checks_so_far", { title: learner.title, n: learner.checks }) : text("room.not_begun");
    this.copy.hidden = !learner.copy;
    this.large.hidden = !learner.copy;
    this.results.href = learner.results ?? "#";
    this.results.hidden = !learner.results;
    if (document.activeElement !== this.note && this.panel.dataset.note !== `${learner.seat} ${learner.note?.n}`) {
      this.panel.dataset.note = `${learner.seat} ${learner.note?.n}`;
      this.note.value = learner.note?.text ?? "";
    }
    if (!learner.title) return;
    const last = learner.outcomes.at(-1);
    this.copy.href = last ? `${learner.copy}&settings=${encodeURIComponent(JSON.stringify(last.settings))}` : learner.copy;
    this.large.href = `${this.copy.href}&projector`;
    const scroll = this.body.querySelector("pre")?.scrollTop ?? 0;
    this.body.replaceChildren(
      ...(learner.check ? [make("h3", {}, text("room.last_check")), checkWords(learner.check)] : []),
      make("h3", {}, text("room.program"), " ", make("span", { class: "small" }, learner.untouched ? text("room.untouched") : "")),
      make("pre", { tabindex: "0", "aria-label": text("room.program") }, make("code", {}, learner.program)),
      ...(learner.predictions.length > 0 ? [make("h3", {}, text("room.predictions")), make("ul", {}, ...learner.predictions.map(predictionWords))] : []),
      ...(learner.outcomes.length > 0 ? [make("h3", {}, text("room.outcomes")), make("ul", {}, ...learner.outcomes.toReversed().map((/** @type {any} */ row) => make("li", {}, outcomeWords(row, learner.key))))] : []));
    const pre = this.body.querySelector("pre");
    if (pre) pre.scrollTop = scroll;
  }
}

/** @param {{ words: string[] }} answer */
function wordsOf({ words }) {
  return text("room.words_are", { words: words.join(" · ") });
}

/** @param {import("./types.js").CheckResult} check */
function checkWords(check) {
  const criteria = check.criteria.map((criterion) => make("li", {}, icon(criterion.ok === null ? "ring" : criterion.ok ? "holds" : "lost"), make("span", {}, ...inline(criterion.text))));
  // A check that a tab reports says nothing where it passed.
  const message = check.message ?? "";
  return make("div", { class: "check-words" }, make("ul", {}, ...criteria), make("p", {}, ...inline(message.split("\n")[0] ?? "")),
    ...(check.arrivals && !message.includes(check.arrivals.sentence) ? [make("p", {}, ...inline(check.arrivals.sentence))] : []));
}

/** @param {{ question: string, said: string, first: string | null, right: boolean | null }} prediction */
function predictionWords({ question, said, first, right }) {
  const state = right === null ? "ring" : right ? "holds" : "running";
  return make("li", {}, icon(state), make("span", {}, ...inline(question), " ", make("b", {}, ...inline(first ?? said)),
    right === null ? "" : ` · ${text(right ? "room.right_first" : "room.other_first")}`));
}

/** @param {import("./types.js").Outcome} row @param {string} key */
function outcomeWords(row, key) {
  const settings = Object.entries(row.settings).map(([name, value]) => `${name} = ${value}`).join(", ");
  const value = row.values[key];
  return `${settings}, seed = ${row.seed}: ${key} = ${typeof value === "number" ? shown(key, value) : value ?? "–"}`;
}
