/**
 * Run, Stop and Reset, how the run stands, and how time passes on the board. The three buttons
 * answer at any moment, whatever the program does.
 * @module
 */
import { Trouble, post } from "./api.js";
import { text } from "./catalogue.js";
import { all, icon, maybe, one, setText } from "./dom.js";
import { seconds, whole } from "./format.js";

/** Positions of the speed slider: board time against real time; 0 is as fast as it goes. */
const SPEEDS = [0.001, 0.01, 0.1, 1, 0];

export class RunRow {
  #away = false;
  #starting = false;

  /**
   * @param {HTMLElement} row
   * @param {import("./bench-model.js").BenchModel} model
   * @param {import("./types.js").LessonData} lesson
   * @param {import("./announcer.js").Announcer} announcer
   * @param {() => string | null} program what Run runs: the visitor's text, or `null` for the lesson's own program
   * @param {() => object} [more] what else a run is asked with
   */
  constructor(row, model, lesson, announcer, program, more = () => ({})) {
    this.program = program;
    this.more = more;
    this.model = model;
    this.lesson = lesson;
    this.announcer = announcer;
    this.runButtons = all(document, "[data-run]", HTMLButtonElement);
    this.stopButtons = all(document, "[data-stop]", HTMLButtonElement);
    this.state = one(row, "[data-run-state]", HTMLElement);
    this.elapsed = one(row, "[data-elapsed]", HTMLElement);
    this.part = one(row, "[data-progress]", SVGRectElement);
    this.facts = one(row, "[data-run-facts]", HTMLElement);
    this.seed = one(document, "[data-seed]", HTMLInputElement);
    this.seconds = one(document, "[data-seconds]", HTMLInputElement);
    this.pause = one(document, "[data-pause-board]", HTMLButtonElement);
    this.speed = one(document, "[data-speed]", HTMLInputElement);
    this.bar = maybe(document, "[data-bottom-bar]", HTMLElement);
    this.whats = all(document, "[data-run-what]", HTMLElement);

    for (const button of this.runButtons) button.addEventListener("click", () => this.start());
    for (const button of this.stopButtons) button.addEventListener("click", () => this.#command("/api/stop"));
    one(row, "[data-reset]", HTMLButtonElement).addEventListener("click", () => this.#command("/api/reset"));
    this.pause.addEventListener("click", () => this.#command("/api/pause", { paused: !this.model.board?.paused }));
    this.speed.addEventListener("input", () => this.#nameSpeed());
    this.speed.addEventListener("change", () => this.#command("/api/speed", { speed: SPEEDS[Number(this.speed.value)] }));
    this.#nameSpeed();

    model.bus.on("shown", ({ program: shown }) => {
      for (const what of this.whats) setText(what, text(shown === "own" ? "live.run_own" : "live.run_lesson"));
    });
    model.bus.on("elsewhere", () => this.paint());
    model.bus.on("run", (run) => this.#follow(run));
    model.bus.on("board", (board) => this.#show(board));
    model.bus.on("paint", () => this.paint());
    model.bus.on("link", ({ open }) => this.#tellAway(!open));
  }

  /** Says that the server is away, and takes back only that: what else the page has said stays. @param {boolean} away */
  #tellAway(away) {
    if (away) this.model.bus.emit("trouble", new Trouble("E-SERVER-AWAY", text("live.server_away"), text("live.server_away_hint")));
    else if (this.#away) this.model.bus.emit("trouble", null);
    this.#away = away;
  }

  /** Starts a run of the program that is shown, with the settings of the controls. */
  async start() {
    if (this.#starting) return;
    this.#starting = true;
    this.model.bus.emit("trouble", null);
    // Seen at once, wherever it was asked for.
    this.paint();
    try {
      await post("/api/run", {
        lesson: this.lesson.slug,
        program: this.program(),
        settings: this.model.settings,
        seconds: Number(this.seconds.value) || this.lesson.seconds,
        seed: Number(this.seed.value) || 0,
        ...this.more(),
      });
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#starting = false;
      this.paint();
    }
  }

  /**
   * @param {string} path
   * @param {object} [body]
   */
  async #command(path, body = {}) {
    try {
      await post(path, body);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** @param {unknown} error */
  #refuse(error) {
    if (!(error instanceof Trouble)) throw error;
    this.model.bus.emit("trouble", error);
  }

  /** @param {import("./types.js").Run} run */
  #follow(run) {
    const was = this.said;
    this.said = `${run.id} ${run.state}`;
    if (was !== this.said) {
      if (run.state === "running") this.announcer.say(text("live.announce_running"));
      if (run.state === "ended") this.announcer.say(text("live.announce_ended", { seconds: seconds(run.elapsed_us) }));
    }
    this.paint();
  }

  /** @param {import("./types.js").Board} board */
  #show(board) {
    this.pause.setAttribute("aria-pressed", String(Boolean(board.paused)));
    setText(one(this.pause, "[data-words]", HTMLElement), text(board.paused ? "live.go_on" : "live.pause"));
    const position = SPEEDS.indexOf(board.speed ?? 1);
    if (position >= 0 && document.activeElement !== this.speed) {
      this.speed.value = String(position);
      this.#nameSpeed();
    }
    this.paint();
  }

  #nameSpeed() {
    this.speed.setAttribute("aria-valuetext", speedName(SPEEDS[Number(this.speed.value)]));
    this.speed.style.setProperty("--part", `${(Number(this.speed.value) / (SPEEDS.length - 1)) * 100}%`);
  }

  paint() {
    const { run, board, sample } = this.model;
    const running = this.model.running;
    const speed = board?.speed ?? 1;
    const share = run?.share ?? board?.share;
    const [shape, words] = this.#state();
    if (this.state.textContent !== words) this.state.replaceChildren(icon(shape), Object.assign(document.createElement("strong"), { textContent: words }));
    const elapsed_us = Math.max(run?.elapsed_us ?? 0, running && sample?.run === run?.id ? sample?.run_us ?? 0 : 0);
    const total = run?.seconds ?? Number(this.seconds.value);
    setText(this.elapsed, run === null ? "" : running ? text("live.of_seconds", { elapsed: seconds(elapsed_us, speed), total }) : text("live.seconds", { elapsed: seconds(elapsed_us) }));
    this.part.setAttribute("width", `${run === null || total <= 0 ? 0 : Math.min(100, (elapsed_us / 1e4) / total)}%`);
    // A board at a cable has neither another time nor a seed.
    setText(this.facts, board !== null && board.kind !== "virtual" ? "" : [
      speedName(speed),
      ...(running && share !== undefined && speed !== 0 && share < 0.95 * speed ? [text("live.share_of_real_time", { share: (share * 100).toFixed(share < 0.1 ? 1 : 0) })] : []),
      ...(run === null ? [] : [`seed ${whole(run.seed)}`]),
    ].join(" · "));
    // Buttons are not disabled, so that focus stays where it is; they say that there is nothing to do.
    for (const button of this.runButtons) {
      button.classList.toggle("first", !running);
      button.setAttribute("aria-disabled", String(running));
    }
    const stoppable = running || this.model.elsewhere !== null;
    for (const button of this.stopButtons) {
      button.classList.toggle("first", stoppable);
      button.setAttribute("aria-disabled", String(!stoppable));
    }
    if (this.bar !== null) this.#paintBar(this.bar, running, elapsed_us, speed);
  }

  /** @returns {[string, string]} */
  #state() {
    const { run, board } = this.model;
    if (board?.state === "fault") return ["needs", text("state.fault")];
    if (this.#starting) return ["running", text("live.starting")];
    if (this.model.elsewhere !== null) return ["running", text("live.elsewhere")];
    if (board?.paused && this.model.running) return ["ring", text("live.paused")];
    if (run?.state === "starting") return ["running", text("live.starting")];
    if (run?.state === "running") return ["running", text("live.running")];
    if (board && board.state !== "ready" && run === null) return ["running", stateName(board.state)];
    switch (run?.why) {
      case undefined: break;
      case "exception": return ["lost", text("live.ended_exception")];
      case "crashed": return ["lost", text("live.crashed")];
      case "deep_sleep": return ["holds", text("live.deep_sleep")];
      case "overtime": return ["needs", text("live.overtime")];
      case "finished": return ["holds", text("live.ended")];
      default: return ["holds", text("live.stopped")];
    }
    return ["ring", text("live.not_run")];
  }

  /**
   * @param {HTMLElement} bar
   * @param {boolean} running
   * @param {number} elapsed_us
   * @param {number} speed
   */
  #paintBar(bar, running, elapsed_us, speed) {
    one(bar, "[data-run]", HTMLElement).hidden = running;
    one(bar, "[data-stop]", HTMLElement).hidden = !running;
    setText(one(bar, "[data-bar-time]", HTMLElement), this.model.run === null ? text("live.not_run") : text("live.seconds", { elapsed: seconds(elapsed_us, running ? speed : 1) }));
    const name = bar.dataset.key ?? "";
    const value = this.model.value(name);
    setText(one(bar, "[data-bar-value]", HTMLElement), value === undefined ? "–" : whole(value));
    one(bar, ".key-number", HTMLElement).toggleAttribute("data-loud", bar.dataset.role === "lost" && (value ?? 0) > 0);
  }
}

/** @param {number} speed */
export function speedName(speed) {
  if (speed === 0) return text("live.fastest");
  return text("live.virtual_time", { speed: speed >= 1 ? `×${speed}` : `1/${Math.round(1 / speed)}` });
}

/** @param {string} state */
export function stateName(state) {
  switch (state) {
    case "absent": return text("state.absent");
    case "free": return text("state.free");
    case "booting": return text("state.booting");
    case "flashing": return text("state.flashing");
    case "running": return text("state.running");
    case "fault": return text("state.fault");
    default: return text("state.ready");
  }
}
