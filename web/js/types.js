/**
 * The shapes that the server sends, as types only. The board's own messages are described in
 * `crates/protocol/src/board.rs`, from which the names come.
 * @module
 */

/** @typedef {{ min: number, p50: number, p99: number, max: number, bins?: number[], from?: number }} Latency */

/**
 * One interrupt source with a Python callback.
 * @typedef {{ id: string, hard: boolean, hz: number, expected: number, fired: number, missed: number,
 *   ran: number, dropped: number, queued: number, disabled: boolean, lat: Latency }} Source
 */

/**
 * All numbers of the board at one instant. Times in microseconds.
 * @typedef {{ n: number, us: number, run: number, run_us: number, src: Source[], q: number, qmax: number,
 *   main: number, stall_max: number, locked_max: number, exc: number, lost_frames: number,
 *   bad_bytes: number, v: Record<string, number>, h?: Record<string, number[]> }} Sample
 */

/** @typedef {[ns: number, lane: number, value: number, mark?: number]} TracePoint */

/**
 * Something that happened at one instant; `kind` says what and which of the other fields are there.
 * @typedef {{ n: number, us: number, run: number, kind: string, mark?: number, value?: number,
 *   context?: string, class?: string, text?: string, source?: string, starved_ms?: number,
 *   name?: string, trigger?: string, points?: TracePoint[], marks?: number }} BoardEvent
 */

/** @typedef {Record<string, string | number>} Settings */

/** A control's new value, since the board's reset and since the run's start. @typedef {{ name: string, value: string | number, us: number, run_us: number }} Change */

/**
 * A run as the host sees it.
 * @typedef {{ id: number, lesson?: string, state: "starting" | "running" | "ended", settings: Settings,
 *   elapsed_us: number, seconds: number, seed: number, speed: number, share?: number, paused?: boolean,
 *   program?: "lesson" | "own", why?: string, code?: string }} Run
 */

/** What is known of a mistake of its kind, and where it is explained. @typedef {{ code: string, message: string, href: string | null, link: string }} Advice */

/**
 * An exception of a run that nobody handled; `line` is the innermost one of the program.
 * @typedef {{ run: number, lesson: string, program: "lesson" | "own", context: "main" | "callback",
 *   class: string, text: string, line: number | null, advice: Advice | null }} Mistake
 */

/**
 * The visitor's board.
 * @typedef {{ id: string, name: string, kind: string, chip: string, state: string, stage?: string,
 *   percent?: number, lesson?: string, message?: string, hint?: string, code?: string,
 *   firmware?: string, micropython?: string, virtual_us?: number, speed?: number, share?: number,
 *   paused?: boolean, chip_name?: string, can?: { hard: boolean | null, seed: boolean, slow_motion: boolean } }} Board
 */

/**
 * A board in the list of all boards; the numbers are those of a flashing job that goes on.
 * @typedef {Board & { look: string, own: boolean, user: "you" | "another" | null, log: string[],
 *   done_bytes?: number, total_bytes?: number, bytes_per_second?: number, baud?: number }} ListedBoard
 */

/**
 * One finished run, or a stretch of one between two changes of a control, judged by the server.
 * @typedef {{ n: number, lesson: string, settings: Settings, values: Record<string, number | string>,
 *   seconds: number, seed: number, why: string, program?: "lesson" | "own", verdict: number | null,
 *   answers: Record<string, string>, part?: number, parts?: number, earlier?: boolean }} Outcome
 */

/** @typedef {{ text: string, ok: boolean | null, measured?: Record<string, number | string> }} Criterion */

/**
 * The race explorer's word on a program: the shortest way in which it still loses, if it does.
 * @typedef {{ settings: Settings, tried: number, lost: number, broken: number, at: number, word: string, sentence: string }} LosingArrival
 */

/**
 * @typedef {{ passed: boolean, criteria: Criterion[], message: string, traceback?: string | null, line?: number,
 *   advice?: Advice, arrivals?: LosingArrival }} CheckResult
 */

/** @typedef {{ lesson: string, state: "running" | "done", stage?: string, criteria?: Criterion[] }} CheckProgress */

/**
 * Who has seen the exercise of a lesson pass.
 * @typedef {{ lesson: string, proof: "none" | "reported" | "refused" | "verified" }} Proof
 */

/** @typedef {{ lesson: string, state: "running" | "done" | "failed", done?: number, of?: number, code?: string }} ExploreProgress */

/** @typedef {"holds" | "price" | "lost" | "running"} Shape */

/** @typedef {{ name: string, label: string, unit: string, value: string | number, options: { value: string, label: string }[] }} ControlData */

/**
 * What the scripts need to know of a lesson; put into the page by `server/src/pages/bench.rs`.
 * @typedef {{ slug: string, seconds: number, seed: number, starter: string,
 *   controls: ControlData[],
 *   predictions: { id: string, question: string, set: Settings, shows: string[], options: { key: string, text: string }[], after: string }[],
 *   outcome: { columns: { name: string, role: "setting" | "number" }[],
 *     bar: { value: string, shareOf: string } | null, key: string,
 *     verdicts: { shape: Shape, text: string }[] },
 *   hazards: { line: string, text: string }[],
 *   open: boolean, lastCheck: CheckResult | null,
 *   outcomes: Outcome[], steps: Record<string, boolean>, prediction: Record<string, string>,
 *   criteria?: Criterion[] }} LessonData `criteria`: of the last check, where the page was written without them
 */

export {};
