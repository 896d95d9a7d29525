import assert from "node:assert/strict";
import test from "node:test";
import { THIN, duration, number, percent, period, seconds, whole } from "./format.js";

test("thousands stand apart and a minus is a minus", () => {
  assert.equal(whole(3841206), `3${THIN}841${THIN}206`);
  assert.equal(whole(999), "999");
  assert.equal(whole(-1000), `\u22121${THIN}000`);
  assert.equal(whole(0), "0");
});

test("durations take the unit that suits them", () => {
  assert.equal(duration(4.1), `4.1${THIN}µs`);
  assert.equal(duration(12), `12${THIN}µs`);
  assert.equal(duration(20_100), `20.1${THIN}ms`);
  assert.equal(duration(1_000_000), `1${THIN}s`);
});

test("elapsed time moves visibly in slow motion", () => {
  assert.equal(seconds(12_400_000), "12.4");
  assert.equal(seconds(12_400_000, 0), "12.4");
  assert.equal(seconds(1500, 0.1), "0.00");
  assert.equal(seconds(1500, 0.001), "0.0015");
});

test("a small share is not rounded to nothing", () => {
  assert.equal(percent(5337, 12399), `43.0${THIN}%`);
  assert.equal(percent(1, 100_000), `<${THIN}0.1${THIN}%`);
  assert.equal(percent(0, 0), `0${THIN}%`);
});

test("a rate is also a period", () => {
  assert.equal(period(1000), `1.000${THIN}ms`);
  assert.equal(period(20_000), `50.0${THIN}µs`);
  assert.equal(number(3.14159), "3.1");
});
