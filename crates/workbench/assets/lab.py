# The lab module for boards with official MicroPython: the interface of the lesson firmware's own
# module (docs/lab-module.md), in Python. Interrupts are soft here. It speaks to the bench only at
# safe points of main: lab.running(), lab.beat(), lab.get(), lab.done().
import json
import machine
import micropython
import select
import sys
from array import array as _array
from time import sleep_ms, ticks_add, ticks_diff, ticks_us

QUEUE = 8               # calls that the scheduler's queue holds
LISTEN_US = 50_000      # between two looks for messages
SAMPLE_US = 200_000     # between two samples: each takes 25 ms of the line at 115200 baud
LISTS_EVERY = 5         # samples with histograms and arrays in them
BINS = 72               # of a histogram: four for each factor of two, from 1 us

_stdin = sys.stdin.buffer
_input = select.poll()
_input.register(sys.stdin, select.POLLIN)
_timer = _callback = None
_host = False           # somebody has begun a run: frames are welcome
_frames = _lost = _us = 0
_us_at = ticks_us()


def _reset():
    global _run, _limit, _controls, _wishes, _values, _lists, _events, _points
    global _heard, _bad, _exc, _main, _beat_at, _stall, _lock_at, _lock_max, _begun, _listen_at
    global _sample_at, _samples, _depth, _qmax, _traced, _over
    global _ran, _dropped, _fired_hz, _period, _due, _left, _gap, _lat_min, _lat_max, _lat, _ever
    _run = _limit = _bad = _exc = _main = _stall = _lock_max = _samples = 0
    _depth = _qmax = _ran = _dropped = _fired_hz = _period = _left = _gap = _lat_max = 0
    _lat_min = 1 << 29
    _lat = _array("I", [0] * BINS)
    _due = _listen_at = _sample_at = _traced = ticks_us()
    _begun = _beat_at = _lock_at = _points = None
    _controls = {"rate": [1000, 1, 50_000], "kind": ["soft", ("soft",)]}
    _wishes, _values, _lists, _events, _heard = {}, {}, {}, [], None
    _over = _ever = False


# ---- controls

def _fits(control, value):
    if len(control) == 2:
        return value in control[1]
    return isinstance(value, int) and control[1] <= value <= control[2]


def _declare(name, control):
    _clock()
    if name in _wishes and _fits(control, _wishes[name]):
        control[0] = _wishes[name]
    _controls[name] = control
    return control[0]


def number(name, default, lo, hi):
    return _declare(name, [default, lo, hi])


def choice(name, options, default):
    if default not in options:
        raise ValueError("the default is none of the options")
    if name == "kind":
        return "soft"
    return _declare(name, [default, options])


def get(name):
    _turn()
    if name not in _controls:
        raise ValueError("no such control")
    return _controls[name][0]


def rate():
    return get("rate")


def hard():
    return False


def _set(name, value):
    if name in _controls:
        control = _controls[name]
        if not _fits(control, value):
            return "unknown_option" if len(control) == 2 else "out_of_range"
        if len(control) == 2:           # always the program's own object
            value = control[1][control[1].index(value)]
        if control[0] != value:
            control[0] = value
            if name == "rate" and _timer:
                _start()
            shown = control[1].index(value) if len(control) == 2 else value
            _event({"kind": "control", "name": name, "value": shown})
    _wishes[name] = value


# ---- the timer

def timer(callback):
    global _timer, _callback
    _clock()
    if _timer:
        _account()
    _callback = callback
    _timer = machine.Timer(0)
    _start()
    return _Timer()


class _Timer:                           # whoever stops it stops the counting, too
    def deinit(self):
        _stop()


def _start():
    global _period, _due, _left, _gap, _fired_hz, _ever
    if _ever:
        _account()
    _timer.deinit()
    _left = _gap = 0
    _ever = True
    _fired_hz = _controls["rate"][0]
    _period = 1_000_000 // _fired_hz
    _timer.init(mode=machine.Timer.PERIODIC, period=_period, tick_hz=1_000_000, callback=_alarm)
    _due = ticks_add(ticks_us(), _period)


def _stop():
    global _timer
    if _timer:
        _timer.deinit()
        for i in range(2 * QUEUE):      # safe points: what waits in the queue runs here
            pass
        _account()
        _timer = None


# Official builds do not tell how many alarms the queue refused. But the queue is first in, first
# out, and holds eight: when more than eight alarms are due as a callback begins, it and seven
# others are in the queue, and the rest was refused.
def _alarm(t):
    global _due, _ran, _dropped, _left, _gap, _depth, _qmax, _lat_min, _lat_max, _exc
    late = ticks_diff(ticks_us(), _due)
    if late < 0:
        if late <= -_period and _dropped:       # one too many was taken for refused
            _dropped -= 1
            _due = ticks_add(_due, -_period)
        late = 0
    _due = ticks_add(_due, _period)
    _ran += 1
    behind = late // _period
    if behind >= _qmax:
        _qmax = min(behind + 1, QUEUE)
    if _left:
        _left -= 1
        if not _left:
            _dropped += _gap
            _due = ticks_add(_due, _gap * _period)
    elif behind >= QUEUE:
        _left = QUEUE - 1
        _gap = behind - QUEUE + 1
    if late < _lat_min:
        _lat_min = late
    if late > _lat_max:
        _lat_max = late
    _lat[_bin(late)] += 1
    _depth += 1
    if _points is not None:
        _point(5, 0)
    try:
        _callback(t)
    except KeyboardInterrupt:           # Stop has hit the callback: main gets the next one
        t.deinit()
        raise
    except Exception as error:
        _exc += 1
        what = {"kind": "exception", "context": "soft", "class": type(error).__name__, "text": str(error)}
        _event(what)
        raise
    finally:
        _depth -= 1
        if _points is not None:
            _point(6, 0)


def _bin(us):
    if us < 4:
        return (0, 0, 4, 6)[us]
    octaves = 4
    while us > 7:
        us >>= 1
        octaves += 4
    return min(octaves + us, BINS - 1)


# At a safe point of main the queue is empty: what is due and has not run was refused.
def _account():
    global _due, _dropped, _left, _gap
    ran = _ran
    for i in range(2 * QUEUE):
        pass
    if _timer and _period and _ran - ran < QUEUE:           # else it never gets empty, and _alarm knows
        refused = ticks_diff(ticks_us(), _due) // _period   # the newest may be on its way
        if refused > 0:
            _dropped += refused
            _due = ticks_add(_due, refused * _period)
            _left = _gap = 0


# ---- numbers

class _Number:
    def __init__(self, name):
        self.name = name
        _values.setdefault(name, 0)

    def add(self, n=1):
        value(self.name, _values[self.name] + n)

    def set(self, v):
        value(self.name, v)

    def value(self):
        return _values[self.name]


def value(name, v):
    if not isinstance(v, int):
        v = round(v)
    if not -0x4000_0000 <= v < 0x4000_0000:
        v = (v + 0x8000_0000) % 0x1_0000_0000 - 0x8000_0000
    _values[name] = v


counter = gauge = _Number


class histogram:
    def __init__(self, name):
        self.bins = _lists[name] = _array("I", [0] * BINS)

    def add(self, us):
        self.bins[_bin(us)] += 1


def array(name, items):
    _lists[name] = items


# ---- critical sections, marks, timeline

def lock():
    global _lock_at
    state = machine.disable_irq()
    if _lock_at is None:
        _lock_at = ticks_us()
    return state


def unlock(state):
    global _lock_at, _lock_max
    held = ticks_diff(ticks_us(), _lock_at)
    _lock_at = None
    machine.enable_irq(state)
    if held > _lock_max:
        _lock_max = held


def mark(n, value=0):
    _event({"kind": "mark", "mark": n, "value": value})


def trace(value):
    global _points
    if _points is None:
        _points = []
    _point(8 if _depth else 0, value)


def _point(lane, value):
    if len(_points) >= 24:
        _points.pop(0)
    _points.append((ticks_us(), lane, value))


def trigger(name):
    global _traced
    now = ticks_us()
    if _points and not _depth and ticks_diff(now, _traced) > 0:
        _traced = ticks_add(now, 2 * SAMPLE_US)
        points = [(ticks_diff(at, now) * 1000, lane, value) for at, lane, value in _points if ticks_diff(now, at) < SAMPLE_US]
        _event({"kind": "trace", "trigger": name, "points": points})


# ---- experiments with the rules

def fire(function, argument):
    raise NotImplementedError("lab.fire needs hard interrupts: a virtual board or the lesson firmware")


def burst(n):
    global _dropped
    for i in range(n):
        if not queue(_extra, _timer):
            _dropped += 1


def _extra(t):
    global _ran
    _ran += 1
    _callback(t)


def queue(function, argument=None):
    try:
        micropython.schedule(function, argument)
        return True
    except RuntimeError:
        return False


def stats(source):
    fired = _ran + _dropped
    return (fired, fired, 0, _ran, _dropped, 0, 0)


# ---- the run

def running():
    _turn()
    return not (_over or _limit and _now() - _begun >= _limit)


def beat(n=1):
    global _main, _beat_at, _stall
    now = ticks_us()
    _main += n
    if _beat_at is not None:
        gap = ticks_diff(now, _beat_at)
        if gap > _stall:
            _stall = gap
    _beat_at = now
    _turn()


def done():
    global _over
    _over = True
    if _host:
        _tell()
        _sample(True)
        _send({"t": "done", "n": _count(), "us": _now(), "run": _run, "why": "finished"})


def _turn():
    global _listen_at, _sample_at
    _clock()
    now = ticks_us()
    if not _host or _depth or _lock_at is not None or ticks_diff(now, _listen_at) < 0:
        return
    _listen_at = ticks_add(now, LISTEN_US)
    _listen()
    _tell()
    if ticks_diff(now, _sample_at) >= 0:
        _sample_at = ticks_add(now, SAMPLE_US)
        _sample(not _samples % LISTS_EVERY)


# The run begins with the program's first call, not while the program is still on its way.
def _clock():
    global _begun
    if _begun is None:
        _begun = _now()
    return _begun


# Microseconds since the module was loaded; ticks_us() starts over every 18 minutes. Without a jump,
# so that no callback comes in between.
def _now():
    global _us, _us_at
    now = ticks_us()
    _us += ticks_diff(now, _us_at)
    _us_at = now
    return _us


# ---- frames: RFC 7464, as protocol/ defines them

def _send(message):
    global _lost
    text = json.dumps(message, separators=(",", ":"))
    if len(text) > 1500:
        _lost += 1
    else:
        sys.stdout.buffer.write("\x1e" + text + "\n")


def _count():
    global _frames
    _frames += 1
    return _frames


def _event(what):
    if _host and len(_events) < 16:
        _events.append((_now(), what))


def _tell():
    while _events:
        us, what = _events.pop(0)
        _send({"t": "event", "n": _count(), "us": us, "run": _run, "what": what})


def _share(of):                         # the upper edge of the bin below which this share lies
    wanted = (_ran * of + 99) // 100
    for i, n in enumerate(_lat):
        wanted -= n
        if wanted <= 0:
            return min((5 + i % 4 << i // 4) // 4, _lat_max)
    return _lat_max


def _trimmed(bins):
    first, last = 0, BINS
    while first < BINS - 1 and not bins[first]:
        first += 1
    while last > first + 1 and not bins[last - 1]:
        last -= 1
    return list(bins[first:last]), first


def _sample(whole):
    global _samples
    _samples += 1
    _account()
    sources = []
    if _ever:
        fired = _ran + _dropped
        latency = {"min": _lat_min if _ran else 0, "p50": _share(50), "p99": _share(99), "max": _lat_max}
        if whole:
            latency["bins"], latency["from"] = _trimmed(_lat)
        sources = [{
            "id": "t0", "hard": False, "hz": _fired_hz if _timer else 0, "expected": fired, "fired": fired,
            "missed": 0, "ran": _ran, "dropped": _dropped, "queued": 0, "disabled": False, "lat": latency,
        }]
    begun = _clock()
    now = _now()
    sample = {
        "t": "sample", "n": _count(), "us": now, "run": _run, "run_us": now - begun, "src": sources,
        "q": 0, "qmax": _qmax, "main": _main, "stall_max": _stall, "locked_max": _lock_max, "exc": _exc,
        "lost_frames": _lost, "bad_bytes": _bad, "v": _values,
    }
    if whole and _lists:
        sample["h"] = {name: list(items) for name, items in _lists.items()}
    _send(sample)


def _listen():
    global _heard, _bad
    while _input.poll(0):
        byte = _stdin.read(1)
        if byte == b"\x1e":
            _heard = b""
        elif _heard is None:
            _bad += 1
        elif byte == b"\n":
            _answer(_heard)
            _heard = None
        elif len(_heard) < 200:
            _heard += byte
        else:
            _bad += 1


def _answer(text):
    global _bad
    try:
        message = json.loads(text)
        kind, id = message["t"], message["id"]
    except (ValueError, KeyError, TypeError):
        _bad += len(text)
        return
    wrong = None
    if kind == "set_number":
        wrong = _set(message["name"], message["value"])
    elif kind == "set_choice":
        wrong = _set(message["name"], message["choice"])
    elif kind == "request":
        _sample(True)
    else:
        wrong = "unknown_message"
    _send({"t": "ack", "id": id, "ok": True} if wrong is None else {"t": "ack", "id": id, "ok": False, "err": wrong})


# ---- what the host calls over the raw prompt

def _hello(version):
    release = ".".join([str(part) for part in sys.implementation[1][:3]])
    chip = getattr(sys.implementation, "_machine", "esp32").split()[-1].lower().replace("-", "")
    _send({
        "t": "hello", "v": 1, "fw": version, "mpy": release, "chip": chip, "cpu_hz": machine.freq(), "boots": 0,
        "caps": ["soft", "portable"],
    })


def _begin(run, limit_ms, settings):
    global _host, _run, _limit
    _silence()
    _reset()
    _host = True
    _run, _limit = run, limit_ms * 1000
    for name, wish in settings:
        if name == "kind" and wish != "soft":
            raise ValueError("this board has soft interrupts only")
        wrong = _set(name, wish)
        if wrong:
            raise ValueError(name + ": " + wrong)


# After a program: nothing of it may go on counting.
def _end(why):
    _silence()
    if _host and not _over:
        _tell()
        _sample(True)
        _send({"t": "done", "n": _count(), "us": _now(), "run": _run, "why": why})


def _silence():
    _stop()
    for i in range(4):
        try:
            machine.Timer(i).deinit()
        except ValueError:              # this chip has fewer
            break


# Two samples: what counts in between gives itself away. Callbacks run while main sleeps.
def _proof():
    _sample(False)
    sleep_ms(80)
    _sample(False)


_reset()
