/**
 * Positions of a slider to values and back, on a logarithmic or a linear scale.
 * @module
 */

/** Steps that a slider takes from one power of ten to the next. */
const STEPS_PER_DECADE = 20;

export class Scale {
  /**
   * @param {"log" | "linear"} kind
   * @param {number} lo smallest value
   * @param {number} hi largest value
   */
  constructor(kind, lo, hi) {
    this.kind = kind;
    this.lo = lo;
    this.hi = hi;
    /** Number of steps from one end to the other. */
    this.steps = kind === "log"
      ? Math.max(1, Math.round(Math.log10(hi / lo) * STEPS_PER_DECADE))
      : Math.min(100, hi - lo);
  }

  /**
   * The value at a position, rounded to two digits on a logarithmic scale.
   * @param {number} position 0 to `steps`
   */
  valueAt(position) {
    if (position <= 0) return this.lo;
    if (position >= this.steps) return this.hi;
    const part = position / this.steps;
    if (this.kind === "linear") return Math.round(this.lo + (this.hi - this.lo) * part);
    const value = this.lo * (this.hi / this.lo) ** part;
    const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
    return Math.round(value / unit) * unit;
  }

  /**
   * The position nearest to a value.
   * @param {number} value
   */
  positionOf(value) {
    return Math.round(this.partOf(value) * this.steps);
  }

  /**
   * Where a value lies between the ends, 0 to 1.
   * @param {number} value
   */
  partOf(value) {
    const v = this.clamp(value);
    if (this.hi === this.lo) return 0;
    return this.kind === "log"
      ? Math.log(v / this.lo) / Math.log(this.hi / this.lo)
      : (v - this.lo) / (this.hi - this.lo);
  }

  /** @param {number} value */
  clamp(value) {
    return Math.min(this.hi, Math.max(this.lo, Math.round(value)));
  }
}
