# The lab module for boards with official MicroPython: the interface of the lesson firmware's own
# module (docs/lab-module.md), in Python. Interrupts are soft here. It speaks to the bench only at
# safe points of main: lab.running(), lab.beat(), lab.get(), lab.done(); there a little at a time, so
# that no callback waits for the line, and without allocating memory.
import gc
import io
import json
import machine
import micropython
import select
import sys
from array import array as _array
from time import sleep_ms, ticks_add, ticks_diff, ticks_us

QUEUE = 8               # calls that the scheduler's queue holds
LISTEN_US = 50_000      # between two looks for messages
SAMPLE_US = 200_000     # between two samples
LISTS_EVERY = 5         # samples with histograms and arrays in them
BINS = 72               # of a histogram: four for each factor of two, from 1 us
PATIENCE_US = 300_000   # main may be late for the end of the run
CHORE_US = 250          # what main gives at one safe point
PIECE = 48              # bytes of a frame that go out at once: they fit into the line's hardware
PIECE_US = 5_000        # what they take at 115200 baud, so that none waits for the one before
POINTS = 24             # of the timeline that are kept
WHOLE = 96              # what is shorter goes out whole
LONGEST = 3000          # what the host puts together
RECENT = 64             # latencies that wait to be sorted into the histogram
SPACES = b" " * PIECE
DIGITS = (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", b"9")

_stdin = sys.stdin.buffer
_write = sys.stdout.buffer.write
_input = select.poll()
_input.register(sys.stdin, select.POLLIN)
_frame = io.BytesIO(2048)               # the frame that is on its way
_put = _frame.write
_piece = bytearray(b"\x1e{<" + SPACES + b"\n")
_text = memoryview(_piece)[3:3 + PIECE]
_recent = _array("I", [0] * RECENT)
_errors = [None] * 4                    # what callbacks raised: told by main, for the heap may be locked there
_timer = _callback = None
_host = False           # somebody has begun a run: frames are welcome
_frames = _lost = 0


def _reset():
    global _run, _limit, _controls, _wishes, _values, _shown, _lists, _events, _points
    global _heard, _bad, _exc, _main, _beat_at, _stall, _lock_at, _lock_max, _begun, _busy
    global _sample_at, _samples, _depth, _qmax, _traced, _over
    global _ran, _dropped, _fired_hz, _period, _due, _left, _gap, _lat_min, _lat_max, _lat, _ever
    global _us, _us_at, _chore_at, _turned, _chores, _hurry, _want, _kept, _binned, _told, _marked
    _run = _limit = _bad = _exc = _main = _stall = _lock_max = _samples = _us = _want = _kept = _binned = _told = _marked = 0
    _depth = _qmax = _ran = _dropped = _fired_hz = _period = _left = _gap = _lat_max = 0
    _lat_min = 1 << 29
    _lat = _array("I", [0] * BINS)
    _us_at = _due = _sample_at = _traced = _chore_at = _turned = ticks_us()
    _chores, _hurry = _work(), False
    _begun = _beat_at = _lock_at = _points = None
    _controls = {"rate": [1000, 1, 50_000], "kind": ["soft", ("soft",)]}
    _wishes, _values, _shown, _lists, _events, _heard = {}, {}, {}, {}, [], None
    _over = _ever = _busy = False


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
    global _timer, _callback, _beat_at
    _clock()
    if _timer:
        _account(ticks_us())
    _callback = callback
    _timer = machine.Timer(0)
    _start()
    _beat_at = None                     # to make it took main a moment, and no callback did
    return _Timer()


class _Timer:                           # whoever stops it stops the counting, too
    def deinit(self):
        _stop()


def _start():
    global _period, _due, _left, _gap, _fired_hz, _ever
    if _ever:
        _account(ticks_us())
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
        now = ticks_us()                # stopping takes longer than a short period
        _timer.deinit()
        _account(now)
        _timer = None


# Official builds do not tell how many alarms the queue refused. But the queue is first in, first
# out, and holds eight: when more than eight alarms are due as a callback begins, it and seven
# others are in the queue, and the rest was refused.
def _alarm(t):
    global _due, _ran, _kept, _lat_min, _lat_max, _exc, _depth
    late = ticks_diff(ticks_us(), _due)
    _due = ticks_add(_due, _period)
    if late < 0 or _left or late >= _period:
        late = _behind(late)
    _ran += 1
    if _kept - _binned < RECENT:
        _recent[_kept & 63] = late      # main sorts it in
        _kept += 1
    else:
        _lat[_bin(late)] += 1
    if late < _lat_min:
        _lat_min = late
    if late > _lat_max:
        _lat_max = late
    _depth += 1
    if _points is not None:
        _point(5, 0)
    try:
        _callback(t)
    except KeyboardInterrupt:           # Stop has hit the callback: main gets the next one
        t.deinit()
        raise
    except BaseException as error:
        _errors[_exc & 3] = error
        _exc += 1
        raise
    finally:
        _depth -= 1
        if _points is not None:
            _point(6, 0)


def _behind(late):
    global _due, _dropped, _left, _gap, _qmax, _over
    if late < 0:
        if late <= -_period and _dropped:       # one too many was taken for refused
            _dropped -= 1
            _due = ticks_add(_due, -_period)
        late = 0
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
        # Callbacks that take all time keep main from seeing that the run's time is over.
        if _limit and _now() - _begun > _limit + PATIENCE_US:
            _over = True
            _timer.deinit()
    return late


def _bin(us):
    if us < 4:
        return (0, 0, 4, 6)[us]
    octaves = 4
    while us > 7:
        us >>= 1
        octaves += 4
    return min(octaves + us, BINS - 1)


# At a safe point of main the queue is empty: what is due and has not run was refused.
def _account(now):
    global _due, _dropped, _left, _gap
    ran = _ran
    for i in range(2 * QUEUE):          # safe points: what waits in the queue runs here
        pass
    if _timer and not _over and _ran - ran < QUEUE:           # else it never gets empty, and _alarm knows
        refused = ticks_diff(now, _due) // _period          # the newest may be on its way
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
    if name not in _shown:              # room for it in samples, too
        _shown[name] = v
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
        _points = _array("i", [0] * 3 * POINTS)
    _point(8 if _depth else 0, value)


def _point(lane, value):                # without a jump: main and callbacks share it
    global _marked
    i = _marked % POINTS * 3
    _points[i] = ticks_us()
    _points[i + 1] = lane
    _points[i + 2] = value
    _marked += 1


def trigger(name):
    global _traced
    now = ticks_us()
    if _points and not _depth and ticks_diff(now, _traced) > 0:
        _traced = ticks_add(now, 2 * SAMPLE_US)
        _event({"kind": "trace", "trigger": name}, (now, _marked, _array("i", _points)))


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
        _sample()
        _send({"t": "done", "n": _count(), "us": _now(), "run": _run, "why": "finished"})


# What is to be done for the bench, for a moment. A program that comes by rarely gives more time.
def _turn():
    global _turned, _chores, _busy
    if _begun is None:
        _clock()
        _turned = ticks_us()
    now = ticks_us()
    gap = ticks_diff(now, _turned)
    _turned = now
    if not _host or ticks_diff(now, _chore_at) < 0 or _depth or _busy or _lock_at is not None:
        return
    until = ticks_add(now, max(CHORE_US, gap >> 4))
    _busy = True                        # a callback of another timer may call, too
    try:
        while ticks_diff(now, _chore_at) >= 0 and ticks_diff(now, until) < 0:
            next(_chores)
            now = ticks_us()
    except StopIteration:               # Ctrl-C has hit it, and the program went on
        _chores = _work()
    finally:
        _busy = False


# The run begins with the program's first call, not while the program is still on its way.
def _clock():
    global _begun
    if _begun is None:
        _begun = _now()
        if _host:                       # what is done for the first time takes longer: before anything counts
            _listen()
            _sample()
            _begun = _now()
    return _begun


# Microseconds since the run was announced; ticks_us() starts over every 18 minutes. Without a jump,
# so that no callback comes in between.
def _now():
    global _us, _us_at
    now = ticks_us()
    _us += ticks_diff(now, _us_at)
    _us_at = now
    return _us


# ---- frames: RFC 7464, as protocol/ defines them. What is longer than WHOLE goes out in pieces of one
# length, which the host puts together: `<` begins, `+` goes on, `>` ends; spaces fill the last one.

def _send(message):                     # at once; for what is short, or while no program runs
    _write("\x1e" + json.dumps(message, separators=(",", ":")) + "\n")


def _count():
    global _frames
    _frames += 1
    return _frames


def _event(what, points=None):
    if _host and len(_events) < 16:
        _events.append((_now(), what, points))


# All that has to be done now, without waiting for better moments.
def _flush():
    global _hurry, _chores, _busy
    _chores = _work()                   # the one before may have been interrupted
    _hurry = _busy = True
    try:
        while _events or _told != _exc or _want:
            next(_chores)
    finally:
        _hurry = _busy = False


def _sample():
    global _want
    _want = 1
    _flush()


# Listens, tells what happened, and takes samples, one after the other; each step is short, and a
# sample allocates nothing. A step that has to wait says until when.
def _work():
    global _chore_at, _sample_at, _samples, _want, _told, _binned, _lost
    while True:
        yield
        if not _hurry:
            _listen()
        for i in range(RECENT):
            if _binned == _kept:
                break
            _lat[_bin(_recent[_binned & 63])] += 1
            _binned += 1
            yield
        if _told != _exc and len(_events) < 16:
            error = _errors[_told & 3]
            _told = max(_told + 1, _exc - 3)
            _event({"kind": "exception", "context": "soft", "class": type(error).__name__, "text": str(error)})
        if _events:
            us, what, points = _events.pop(0)
            text = json.dumps(what, separators=(",", ":"))
            _frame.seek(0)
            _put('{"t":"event","n":')
            _digits(_count())
            _put(',"us":')
            _digits(us)
            _put(',"run":')
            _digits(_run)
            _put(',"what":')
            if points:                  # one by one
                now, last, points = points
                _put(text[:-1])
                comma = ',"points":[['
                for i in range(max(0, last - POINTS), last):
                    yield
                    i = i % POINTS * 3
                    if ticks_diff(now, points[i]) < SAMPLE_US:
                        _put(comma)
                        _digits(ticks_diff(points[i], now) * 1000)
                        _put(",")
                        _digits(points[i + 1])
                        _put(",")
                        _digits(points[i + 2])
                        comma = "],["
                _put("]]}}" if comma == "],[" else ',"points":[]}}')
            else:
                _put(text)
                _put("}")
        elif _want or ticks_diff(ticks_us(), _sample_at) >= 0:
            _sample_at = ticks_add(ticks_us(), SAMPLE_US)
            whole = _want or not _samples % LISTS_EVERY
            _samples += 1
            _account(ticks_us())
            begun, number = _clock(), _count()
            # All of one moment: no jump in here, so no callback comes in between.
            _shown.update(_values)
            now = _now()
            ran = _ran
            dropped = _dropped
            least = _lat_min
            most = _lat_max
            qmax = _qmax
            exc = _exc
            beats = _main
            stall = _stall
            locked = _lock_max
            if not ran:
                least = 0
            elif not qmax:
                qmax = 1
            yield
            _frame.seek(0)
            _put('{"t":"sample","n":')
            _digits(number)
            _put(',"us":')
            _digits(now)
            _put(',"run":')
            _digits(_run)
            yield
            _put(',"run_us":')
            _digits(now - begun)
            _put(',"q":0,"qmax":')
            _digits(qmax)
            _put(',"main":')
            _digits(beats)
            yield
            _put(',"stall_max":')
            _digits(stall)
            _put(',"locked_max":')
            _digits(locked)
            _put(',"exc":')
            _digits(exc)
            yield
            _put(',"lost_frames":')
            _digits(_lost)
            _put(',"bad_bytes":')
            _digits(_bad)
            _put(',"v":{')
            yield
            comma = '"'
            for name in _shown:
                _put(comma)
                _put(name)
                _put('":')
                _digits(_shown[name])
                comma = ',"'
                yield
            _put('},"src":[')
            if _ever:
                _put('{"id":"t0","hard":false,"hz":')
                _digits(_fired_hz if _timer else 0)
                _put(',"expected":')
                _digits(ran + dropped)
                yield
                _put(',"fired":')
                _digits(ran + dropped)
                _put(',"missed":0,"ran":')
                _digits(ran)
                _put(',"dropped":')
                _digits(dropped)
                yield
                _put(',"queued":0,"disabled":false,"lat":{"min":')
                _digits(least)
                _put(',"max":')
                _digits(most)
                yield
                # The upper edge of the bin below which a half lies, and nearly all.
                i, half, most_of = 0, (ran + 1) // 2, (ran * 99 + 99) // 100
                while i < BINS - 1 and half > _lat[i]:
                    half -= _lat[i]
                    most_of -= _lat[i]
                    i += 1
                    if not i & 3:
                        yield
                _put(',"p50":')
                _digits(min(_edge(i), most))
                while i < BINS - 1 and most_of > _lat[i]:
                    most_of -= _lat[i]
                    i += 1
                    if not i & 3:
                        yield
                _put(',"p99":')
                _digits(min(_edge(i), most))
                yield
                if whole:
                    first, last = 0, BINS
                    while first < BINS - 1 and not _lat[first]:
                        first += 1
                        if not first & 3:
                            yield
                    while last > first + 1 and not _lat[last - 1]:
                        last -= 1
                        if not last & 3:
                            yield
                    _put(',"from":')
                    _digits(first)
                    _put(',"bins":')
                    comma = "["
                    while first < last:
                        _put(comma)
                        _digits(_lat[first])
                        comma = ","
                        first += 1
                        yield
                    _put("]")
                _put("}}")
            _put("]")
            if whole and _lists:
                comma = ',"h":{"'
                for name in _lists:
                    _put(comma)
                    _put(name)
                    comma = ',"'
                    inner = '":['
                    for item in _lists[name]:
                        _put(inner)
                        _digits(item)
                        inner = ","
                        yield
                    _put("]" if inner == "," else '":[]')
                _put("}")
            _put("}")
            _want = 0
        else:
            _chore_at = ticks_add(ticks_us(), LISTEN_US)
            continue
        length = _frame.seek(0, 1)
        _put(SPACES)
        _frame.seek(0)
        if length > LONGEST:
            _lost += 1
            continue
        if length <= WHOLE:
            _write("\x1e" + _frame.read(length).decode() + "\n")
            continue
        _piece[2] = 60                  # <
        while length > 0:
            _frame.readinto(_text)
            length -= PIECE
            if length <= 0:
                _piece[2] = 62          # >
            _write(_piece)
            _piece[2] = 43              # +
            if not _hurry:
                _chore_at = ticks_add(ticks_us(), PIECE_US)
                yield


def _digits(n):
    if n < 0:
        _put("-")
        n = -n
    unit = 1
    while n // unit >= 10:
        unit *= 10
    while unit:
        _put(DIGITS[n // unit % 10])
        unit //= 10


def _edge(i):
    return (5 + i % 4 << i // 4) // 4


def _listen():
    global _heard, _bad
    while True:
        there = False
        for _ in _input.ipoll(0):
            there = True
        if not there:
            return
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
    global _bad, _want
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
        _want = 1
    else:
        wrong = "unknown_message"
    _send({"t": "ack", "id": id, "ok": True} if wrong is None else {"t": "ack", "id": id, "ok": False, "err": wrong})


# ---- what the host calls over the raw prompt

def _hello(version):
    caps = ["soft", "portable"]
    try:
        exec("@micropython.native\ndef f():\n pass", {"micropython": micropython})
        caps.append("native")
    except SyntaxError:                 # no compiler to machine code for this chip
        pass
    start = ticks_us()
    _write(b" " * 400)                  # the host does not show what is said here
    if ticks_diff(ticks_us(), start) > 10_000:
        caps.append("serial")           # USB takes a tenth of that
    release = ".".join([str(part) for part in sys.implementation[1][:3]])
    chip = getattr(sys.implementation, "_machine", "esp32").split()[-1].lower().replace("-", "")
    _send({
        "t": "hello", "v": 1, "fw": version, "mpy": release, "chip": chip, "cpu_hz": machine.freq(), "boots": 0,
        "caps": caps,
    })


# asyncio had another name before 1.21.
def _asyncio():
    try:
        import asyncio
    except ImportError:
        import uasyncio
        sys.modules["asyncio"] = uasyncio


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
    gc.collect()                        # the program begins with all the room there is


# After a program: nothing of it may go on counting.
def _end(why):
    _silence()
    if _host and not _over:
        _sample()
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
    _sample()
    sleep_ms(80)
    _sample()


_reset()
