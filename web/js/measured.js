/**
 * Values of a sample by the names that lessons use.
 * @module
 */

/** Per source, and summed over the sources under the bare name. */
const SUMMED = ["expected", "fired", "missed", "ran", "dropped"];
/** @type {Record<string, "min" | "p50" | "p99" | "max">} */
const LATENCIES = { lat_min: "min", lat_p50: "p50", lat_p99: "p99", lat_max: "max" };

/** Times in microseconds among the named values. */
const TIMES = new Set(["lat_min", "lat_p50", "lat_p99", "lat_max", "jitter", "stall_max", "locked_max"]);

/**
 * The value of this name, or `undefined` if the sample has none.
 * @param {import("./types.js").Sample} sample
 * @param {string} name a counter, a lesson's own number, or `t1.ran` for one source
 * @returns {number | undefined}
 */
export function valueOf(sample, name) {
  if (name in sample.v) return sample.v[name];
  const [id, of] = name.includes(".") ? name.split(".", 2) : [null, name];
  const sources = id === null ? sample.src : sample.src.filter((source) => source.id === id);
  if (SUMMED.includes(of)) return sources.reduce((sum, source) => sum + /** @type {any} */ (source)[of], 0);
  if (of === "disabled") return sources.some((source) => source.disabled) ? 1 : 0;
  if (of in LATENCIES || of === "jitter") {
    const latencies = sources.filter((source) => source.ran > 0).map((source) => source.lat);
    if (latencies.length === 0) return undefined;
    if (of === "lat_min") return Math.min(...latencies.map((lat) => lat.min));
    if (of === "jitter") return Math.max(...latencies.map((lat) => lat.max - lat.min));
    const key = LATENCIES[of];
    return key && Math.max(...latencies.map((lat) => lat[key]));
  }
  const value = /** @type {any} */ (sample)[of];
  return typeof value === "number" ? value : undefined;
}

/**
 * Whether values of this name are times in microseconds.
 * @param {string} name
 */
export function isTime(name) {
  return TIMES.has(name.split(".").at(-1) ?? name) || name.endsWith("_us");
}

/** Bins of a latency histogram for each factor of two, as `protocol` cuts them. */
const BINS_PER_OCTAVE = 4;

/**
 * Lower edge of a latency bin in microseconds (`latency_bin_edge_quarters` of `protocol`).
 * @param {number} bin
 */
export function latencyBinEdge(bin) {
  return ((BINS_PER_OCTAVE + (bin % BINS_PER_OCTAVE)) * 2 ** Math.floor(bin / BINS_PER_OCTAVE)) / BINS_PER_OCTAVE;
}
