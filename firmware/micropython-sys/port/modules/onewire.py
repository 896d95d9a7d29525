# The 1-Wire bus on one pin, with the interface that MicroPython documents (docs/esp8266/quickref.rst).
import _onewire


class OneWireError(Exception):
    pass


class OneWire:
    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        pin.init(pin.OPEN_DRAIN, pin.PULL_UP)

    def reset(self, required=False):
        present = _onewire.reset(self.pin)
        if required and not present:
            raise OneWireError
        return present

    def readbit(self):
        return _onewire.readbit(self.pin)

    def readbyte(self):
        return _onewire.readbyte(self.pin)

    def readinto(self, buf):
        for i in range(len(buf)):
            buf[i] = _onewire.readbyte(self.pin)

    def writebit(self, value):
        return _onewire.writebit(self.pin, value)

    def writebyte(self, value):
        return _onewire.writebyte(self.pin, value)

    def write(self, buf):
        for b in buf:
            _onewire.writebyte(self.pin, b)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def crc8(self, data):
        return _onewire.crc8(data)

    # All addresses on the bus: at each bit where two devices differ, the branch not taken yet is taken next time.
    def scan(self):
        found = []
        rom = bytearray(8)
        last_fork = 64
        while last_fork >= 0:
            if not self.reset():
                break
            self.writebyte(self.SEARCH_ROM)
            fork = -1
            for n in range(64):
                byte, mask = n >> 3, 1 << (n & 7)
                bit, complement = self.readbit(), self.readbit()
                if bit and complement:
                    return found
                if bit == complement:
                    if n < last_fork and last_fork != 64:
                        bit = 1 if rom[byte] & mask else 0
                    else:
                        bit = 1 if n == last_fork else 0
                    if not bit:
                        fork = n
                rom[byte] = rom[byte] | mask if bit else rom[byte] & ~mask
                self.writebit(bit)
            found.append(bytearray(rom))
            last_fork = fork
        return found
