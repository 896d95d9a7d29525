# Metronome: a timer beats, a knob sets how fast. Turn the knob while it runs.
from machine import ADC, Pin, Timer
import time

led = Pin(7, Pin.OUT, value=0)
click = Pin(4, Pin.OUT, value=0)
knob = ADC(Pin(0))
beats = 0


def beat(timer):
    global beats
    beats += 1


def swing(timer):
    click.value(not click.value())


def wanted():
    return 40 + knob.read_u16() * 168 // 65535      # 40 to 208 beats a minute


tempo = wanted()
timer = Timer(0)
tone = Timer(1)
timer.init(period=60000 // tempo, mode=Timer.PERIODIC, callback=beat)
print("tempo", tempo)
done = 0
try:
    while True:
        if done != beats:
            done = beats
            led.on()
            tone.init(freq=2000, mode=Timer.PERIODIC, callback=swing)
            time.sleep_ms(30)
            tone.deinit()
            led.off()
        now = wanted()
        if abs(now - tempo) > 2:
            tempo = now
            timer.init(period=60000 // tempo, mode=Timer.PERIODIC, callback=beat)
            print("tempo", tempo)
        time.sleep_ms(5)
finally:
    timer.deinit()
    tone.deinit()
