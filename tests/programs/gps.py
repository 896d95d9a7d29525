# GPS reader: the UART calls when the line has fallen silent, so main looks only when whole sentences are there.
from machine import UART
import time

HARD = False
uart = UART(1, 9600, rx=5, tx=4, rxbuf=512)
bursts = sentences = broken = 0


def silent(uart):
    global bursts
    bursts += 1


def is_whole(line):
    if line[:1] != b"$" or line[-2:] != b"\r\n" or line[-5:-4] != b"*":
        return False
    sum = 0
    for byte in line[1:-5]:
        sum ^= byte
    return b"%02X" % sum == line[-4:-2]


def micro_degrees(text, side, degrees):             # as in 3540.8742,N: degrees and minutes
    whole, part = text.split(b".")
    minutes = int(whole[degrees:]) * 10000 + int(part)
    value = int(whole[:degrees]) * 1000000 + minutes * 5 // 3
    return -value if side in b"SW" else value


uart.irq(silent, UART.IRQ_RXIDLE, hard=HARD)
heard = 0
while True:
    if heard != bursts:
        heard = bursts
        while uart.any():
            line = uart.readline()
            if not is_whole(line):
                broken += 1
                continue
            sentences += 1
            field = line.split(b",")
            if field[0] == b"$GPRMC":
                clock = field[1][:6].decode()
                if field[2] == b"A":
                    print(clock, micro_degrees(field[3], field[4], 2), micro_degrees(field[5], field[6], 3), "sentences", sentences, "broken", broken)
                else:
                    print(clock, "no fix", "sentences", sentences, "broken", broken)
    time.sleep_ms(5)
