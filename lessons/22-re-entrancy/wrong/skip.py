import micropython

micropython.alloc_emergency_exception_buf(256)
buf = bytearray(3)
busy = False


def checked(value):             # two bytes and their check sum
    buf[0] = value >> 8
    buf[1] = value & 255
    buf[2] = 0
    for i in range(2):
        if buf[i]:
            buf[2] ^= buf[i]
    return buf[0] << 16 | buf[1] << 8 | buf[2]


def from_main(value):
    global busy
    busy = True
    answer = checked(value)
    busy = False
    return answer


def from_isr(value):
    if busy:
        return None
    return checked(value)
