/**
 * The shapes in which the server answers about the race explorer, as types only. An arrival's
 * number says before which machine instruction of the window the interrupt arrives.
 * @module
 */

/** @typedef {"kept" | "lost" | "ended" | "endless" | "reset" | "locked_up"} Verdict */
/** @typedef {"program" | "driver"} TextName which of the two texts a source line is in */
/** @typedef {"main" | "hard" | "soft" | "scheduled"} Side who runs; `scheduled` is a function that the program queued itself */
/** @typedef {{ tried: number, kept: number, lost: number, broken: number }} Counts */
/** @typedef {{ from: number, to: number, verdict: Verdict }} Interval */

/**
 * When the interrupts of a stretch of arrivals were delivered: `after` so many instructions, or
 * held back until instruction `at`; neither where it never came to that.
 * @typedef {{ from: number, to: number, after?: number, at?: number }} Delivery
 */

/**
 * A stretch of arrivals at which main executes one bytecode instruction.
 * @typedef {{ from: number, to: number, lost: number, text: TextName, function: string, line: number,
 *   offset: number, opcode: string, argument: string, safe_point: boolean }} Bytecode
 */

/**
 * One access to a name that main and the callback share. `at` and `ns` count from the window's
 * begin; reports leave them out.
 * @typedef {{ side: Side, does: "reads" | "writes", name: string, value: string,
 *   function: string, line: number, text: TextName, at?: number, ns?: number }} Step
 */

/** @typedef {{ from: number, to: number, steps: Step[], expected?: Record<string, string> }} Story */

/** @typedef {{ at: number, word: string, sentence?: { en: string, ja: string } }} Loss */

/**
 * What every arrival came to.
 * @typedef {{ lesson: string, program: string, settings: import("./types.js").Settings, seed: number,
 *   invariant: string, instructions: number, statement: [number, number],
 *   in_statement: Counts, in_window: Counts, deferred: number,
 *   texts: Record<TextName, string[]>, intervals: Interval[], deliveries: Delivery[],
 *   bytecodes: Bytecode[], functions: string[], machine: [number, number, number][],
 *   shared: string[], stories: Story[], first_loss?: Loss, shortest_loss?: Loss,
 *   predicted_share?: { losing: number, average: number, share: number } }} Report
 */

/**
 * One arrival, played to its end.
 * @typedef {{ at: number, of: number, verdict: Verdict, values: Record<string, number | null>, word: string,
 *   delivered?: number | null, deferred: boolean,
 *   python?: { text: TextName, function: string, line: number, offset: number, opcode: string, argument: string,
 *     bytecodes: { line: number, offset: number, opcode: string, argument: string, state: "done" | "in_progress" | "to_come" }[] },
 *   machine?: { pc: string, function: string, offset: number,
 *     code: { pc: string, function: string, text: string, done: boolean }[] },
 *   registers: { name: string, value: string, integer?: number }[],
 *   steps: Step[], expected?: Record<string, string>,
 *   callbacks: { side: Exclude<Side, "main">, entered_ns?: number | null, returned_ns?: number | null }[],
 *   before: Record<string, string>, after: Record<string, string>, console?: string,
 *   sentence: { en: string, ja: string } }} Arrival
 */

/**
 * What one strip explores.
 * @typedef {{ settings: import("./types.js").Settings, exercise: boolean, program?: string }} Question
 */

export {};
