# DS18S20 and DS18B20 thermometers on a 1-Wire bus.
class DS18X20:
    CONVERT = 0x44
    READ_SCRATCH = 0xBE
    WRITE_SCRATCH = 0x4E
    FAMILIES = (0x10, 0x22, 0x28)

    def __init__(self, onewire):
        self.ow = onewire
        self.buf = bytearray(9)

    def scan(self):
        return [rom for rom in self.ow.scan() if rom[0] in self.FAMILIES]

    def convert_temp(self):
        self.ow.reset(True)
        self.ow.writebyte(self.ow.SKIP_ROM)
        self.ow.writebyte(self.CONVERT)

    def read_scratch(self, rom):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(self.READ_SCRATCH)
        self.ow.readinto(self.buf)
        if self.ow.crc8(self.buf):
            raise Exception("CRC error")
        return self.buf

    def write_scratch(self, rom, buf):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(self.WRITE_SCRATCH)
        self.ow.write(buf)

    def read_temp(self, rom):
        buf = self.read_scratch(rom)
        raw = buf[1] << 8 | buf[0]
        if raw & 0x8000:
            raw -= 0x10000
        if rom[0] != 0x10:
            return raw / 16
        # Half degrees, and what is left of the count of the last one.
        return (raw >> 1) - 0.25 + (buf[7] - buf[6]) / buf[7] if buf[7] else raw / 2
