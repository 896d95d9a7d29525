import asyncio
import lab
import micropython
from micropython import schedule
from time import ticks_diff, ticks_us

# A timer's callback wakes a task, in one of several ways, while another task sleeps. `delay_max` is
# the longest time from a callback to the task that it woke.
micropython.alloc_emergency_exception_buf(256)
lab.choice("wake", ("create_task", "event", "flag", "scheduled", "cancel"), "flag")
lab.number("consumer", 0, 0, 50)
NAP_MS = 300
try:
    import uasyncio             # the name that document B uses

    old_name = 1 if uasyncio.create_task is asyncio.create_task else 0
except ImportError:
    old_name = -1
wake = hard = None
sets = wakeups = delay_max = 0
since = -1                      # when the first callback came that no task has answered yet
sleeper = None
event = asyncio.Event()
flag = asyncio.ThreadSafeFlag()


def note():
    global sets, since
    sets += 1
    if since < 0:
        since = ticks_us()


def by_create_task(t):
    note()
    asyncio.create_task(handle())


def by_event(t):
    note()
    event.set()


def by_flag(t):
    note()
    flag.set()


def start(_):
    asyncio.create_task(handle())


def by_schedule(t):             # a scheduled function is no better place for it
    note()
    try:
        schedule(start, 0)
    except RuntimeError:
        pass


def by_cancel(t):
    note()
    try:
        sleeper.cancel()
    except RuntimeError:        # before 1.25, if it was the last task that ran
        pass


async def sleep_until_cancelled():
    while True:
        try:
            await asyncio.sleep_ms(60000)
        except asyncio.CancelledError:
            answer()


async def handle():
    answer()


def answer():
    global wakeups, delay_max, since
    wakeups += 1
    began = since
    since = -1
    if began >= 0:
        delay = ticks_diff(ticks_us(), began)
        if delay > delay_max:
            delay_max = delay


async def wait_for_event():
    while True:
        await event.wait()
        event.clear()
        answer()
        await asyncio.sleep_ms(lab.get("consumer"))


async def wait_for_flag():
    while True:
        await flag.wait()
        answer()
        await asyncio.sleep_ms(lab.get("consumer"))


def publish():
    state = lab.lock()
    lab.value("sets", sets)
    lab.value("wakeups", wakeups)
    lab.value("delay_max", delay_max)
    lab.value("old_name", old_name)
    lab.unlock(state)


BY = {
    "create_task": by_create_task,
    "event": by_event,
    "flag": by_flag,
    "scheduled": by_schedule,
    "cancel": by_cancel,
}


async def main():
    global wake, hard, sets, wakeups, delay_max, since, sleeper
    sleeper = asyncio.create_task(sleep_until_cancelled())
    asyncio.create_task(wait_for_event())
    asyncio.create_task(wait_for_flag())
    while lab.running():
        if lab.get("wake") != wake or lab.hard() != hard:
            wake = lab.get("wake")
            hard = lab.hard()
            sets = wakeups = delay_max = 0
            since = -1
            timer = lab.timer(BY[wake])
        await asyncio.sleep_ms(NAP_MS)
        lab.beat()
        publish()
    timer.deinit()


asyncio.run(main())
publish()
lab.done()
