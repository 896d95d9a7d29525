# The esp32 module, as the ESP32-C3 of upstream's port has it: wake-up, temperature, heap, partitions, NVS, RMT.
import _esp32
from _esp32 import mcu_temperature, wake_on_gpio

WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True
HEAP_DATA = const(4)
HEAP_EXEC = const(1)

_BLOCK = const(4096)


def _esp_error(number, name):
    return OSError(number, name)


# There is one heap, Python's, and no code is run from it. What was free at least nobody keeps: it is what is free now.
def idf_heap_info(capabilities):
    if capabilities & HEAP_EXEC:
        return []
    total, free, largest = _esp32.heap()
    return [(total, free, largest, free)]


class Partition:
    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0
    TYPE_DATA = 1

    def __init__(self, id, block_size=_BLOCK):
        if isinstance(id, int):
            if id not in (Partition.BOOT, Partition.RUNNING):
                raise ValueError
            # There is one application, which boots and runs.
            found = [entry for entry in _esp32.partitions() if entry[0] == Partition.TYPE_APP]
        else:
            found = [entry for entry in _esp32.partitions() if entry[4] == id]
        if not found:
            raise OSError(2)
        self._set(found[0], block_size)

    def _set(self, entry, block_size):
        self._entry = entry
        self._block = block_size
        self._cache = bytearray(_BLOCK) if block_size < _BLOCK else None

    @staticmethod
    def find(type=0, subtype=0xFF, label=None, block_size=_BLOCK):
        found = []
        for entry in _esp32.partitions():
            if entry[0] == type and subtype in (0xFF, entry[1]) and label in (None, entry[4]):
                one = object.__new__(Partition)
                one._set(entry, block_size)
                found.append(one)
        return found

    def __repr__(self):
        return "<Partition type=%d, subtype=%d, address=%d, size=%d, label=%s, encrypted=%d>" % self._entry

    def info(self):
        return self._entry

    def _address(self, block, offset, length):
        at = block * self._block + offset
        if at < 0 or at + length > self._entry[3]:
            raise _esp_error(-260, "ESP_ERR_INVALID_SIZE")
        return self._entry[2] + at

    def readblocks(self, block, buffer, offset=0):
        _esp32.flash_read(self._address(block, offset, len(buffer)), buffer)

    def writeblocks(self, block, buffer, offset=None):
        at = self._address(block, offset or 0, len(buffer))
        if offset is None:
            if self._cache is None:
                _esp32.flash_erase(at, len(buffer))
            else:
                self._write_within(at, buffer)
                return
        _esp32.flash_write(at, buffer)

    # A block smaller than what can be erased: the rest of its sector is kept.
    def _write_within(self, at, buffer):
        view = memoryview(buffer)
        while view:
            sector = at & ~(_BLOCK - 1)
            within = at - sector
            count = min(len(view), _BLOCK - within)
            _esp32.flash_read(sector, self._cache)
            self._cache[within : within + count] = view[:count]
            _esp32.flash_erase(sector, _BLOCK)
            _esp32.flash_write(sector, self._cache)
            at += count
            view = view[count:]

    def ioctl(self, request, argument):
        if request in (1, 2, 3):
            return 0
        if request == 4:
            return self._entry[3] // self._block
        if request == 5:
            return self._block
        if request == 6:
            if self._block != _BLOCK:
                return -22
            _esp32.flash_erase(self._address(argument, 0, _BLOCK), _BLOCK)
            return 0

    def set_boot(self):
        if self._entry[0] != Partition.TYPE_APP:
            raise _esp_error(-258, "ESP_ERR_INVALID_ARG")

    def get_next_update(self):
        # There is no second place for an application.
        raise OSError(2)

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        raise _esp_error(-262, "ESP_ERR_NOT_SUPPORTED")


# Values by (namespace, key), of all namespaces; read when first needed. Two halves of the partition take turns, and a half
# counts when its head, which is written last, fits what follows it.
_values = None
_MAGIC = const(0x31534E49)
_HEAD = const(16)


def _nvs_partition():
    return Partition("nvs")


def _nvs_half(partition, half):
    size = partition.info()[3] // 2
    return half * (size // _BLOCK), size


def _nvs_check(body):
    import hashlib
    import struct

    return struct.unpack("<I", hashlib.sha256(body).digest())[0]


def _nvs_read(partition, half):
    import struct

    block, size = _nvs_half(partition, half)
    head = bytearray(_HEAD)
    partition.readblocks(block, head)
    magic, number, length, check = struct.unpack("<IIII", head)
    if magic != _MAGIC or length > size - _HEAD:
        return -1, None
    # Flash is read and written in words.
    body = bytearray(length + 3 & ~3)
    partition.readblocks(block, body, _HEAD)
    body = body[:length]
    return (number, body) if _nvs_check(body) == check else (-1, None)


def _nvs_values():
    global _values
    if _values is None:
        import struct

        partition = _nvs_partition()
        _, body = max((_nvs_read(partition, half) for half in (0, 1)), key=lambda read: read[0])
        _values = {}
        at = 0
        while body is not None and at < len(body):
            space, key, kind, length = struct.unpack_from("<BBBH", body, at)
            at += 5
            space = bytes(body[at : at + space]).decode()
            at += len(space)
            key = bytes(body[at : at + key]).decode()
            at += len(key)
            data = bytes(body[at : at + length])
            at += length
            _values[space, key] = struct.unpack("<i", data)[0] if kind == 0 else data
    return _values


class NVS:
    def __init__(self, namespace):
        if not namespace:
            raise _esp_error(-258, "ESP_ERR_INVALID_ARG")
        if len(namespace.encode()) > 15:
            raise _esp_error(-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
        self._namespace = namespace

    def __repr__(self):
        return "<NVS namespace>"

    def _set(self, key, value):
        if len(key.encode()) > 15:
            raise _esp_error(-4361, "ESP_ERR_NVS_KEY_TOO_LONG")
        _nvs_values()[self._namespace, key] = value

    def _get(self, key, kind):
        value = _nvs_values().get((self._namespace, key))
        if not isinstance(value, kind):
            raise _esp_error(-4354, "ESP_ERR_NVS_NOT_FOUND")
        return value

    def set_i32(self, key, value):
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise OverflowError("overflow converting long int to machine word")
        self._set(key, int(value))

    def get_i32(self, key):
        return self._get(key, int)

    def set_blob(self, key, value):
        self._set(key, bytes(value))

    def get_blob(self, key, buffer):
        value = self._get(key, bytes)
        if len(value) > len(buffer):
            raise _esp_error(-4364, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        if _nvs_values().pop((self._namespace, key), None) is None:
            raise _esp_error(-4354, "ESP_ERR_NVS_NOT_FOUND")

    # Other than on an official board nothing is in flash before this.
    def commit(self):
        import struct

        body = bytearray()
        for (space, key), value in _nvs_values().items():
            space, key = space.encode(), key.encode()
            kind, data = (0, struct.pack("<i", value)) if isinstance(value, int) else (1, value)
            body += struct.pack("<BBBH", len(space), len(key), kind, len(data)) + space + key + data
        partition = _nvs_partition()
        numbers = [_nvs_read(partition, half)[0] for half in (0, 1)]
        half = 0 if numbers[0] <= numbers[1] else 1
        block, size = _nvs_half(partition, half)
        if len(body) > size - _HEAD:
            raise _esp_error(-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        for erased in range(block, block + size // _BLOCK):
            partition.ioctl(6, erased)
        partition.writeblocks(block, body + bytes(-len(body) & 3), _HEAD)
        head = struct.pack("<IIII", _MAGIC, max(numbers) + 1, len(body), _nvs_check(body))
        partition.writeblocks(block, head, 0)


class RMT:
    PULSE_MAX = 32767
    # As on an official board machine.bitstream is given the last channel, though this firmware does not need it.
    _bitstream = 1

    def __init__(self, id, *, pin, clock_div=8, idle_level=False, tx_carrier=None):
        if id == RMT._bitstream:
            raise ValueError("channel used by bitstream")
        if not 1 <= clock_div <= 255:
            raise ValueError("clock_div must be between 1 and 255")
        high = low = 0
        level = True
        if tx_carrier is not None:
            frequency, duty, level = tx_carrier
            if frequency == 0:
                raise ValueError("tx_carrier frequency must be >0")
            if not 0 <= duty <= 100:
                raise ValueError("tx_carrier duty must be 0..100")
            whole = RMT.source_freq() // frequency
            high = whole * duty // 100
            low = whole - high
        _esp32.rmt_start(id, pin, clock_div, idle_level, high, low, level)
        self._id = id
        self._pin = pin
        self._clock_div = clock_div
        self._idle = idle_level
        self._loop = False

    def __repr__(self):
        if self._pin is None:
            return "RMT()"
        pin = self._pin if isinstance(self._pin, int) else str(self._pin)[4:-1]
        return "RMT(channel=%d, pin=%s, source_freq=%d, clock_div=%d, idle_level=%d)" % (
            self._id, pin, RMT.source_freq(), self._clock_div, self._idle)

    @staticmethod
    def source_freq():
        return 80000000

    @staticmethod
    def bitstream_channel(*channel):
        if channel:
            if channel[0] is not None and not 0 <= channel[0] <= 1:
                raise ValueError("invalid channel")
            RMT._bitstream = channel[0]
        return RMT._bitstream

    def deinit(self):
        if self._pin is not None:
            _esp32.rmt_stop(self._id)
            self._pin = None

    def clock_div(self):
        return self._clock_div

    def wait_done(self, *, timeout=0):
        import time

        end = time.ticks_add(time.ticks_ms(), timeout)
        while _esp32.rmt_busy(self._id):
            if time.ticks_diff(end, time.ticks_ms()) <= 0:
                return False
            time.sleep_us(50)
        return True

    def loop(self, enabled):
        self._loop = bool(enabled)
        if not self._loop:
            _esp32.rmt_end_loop(self._id)

    def write_pulses(self, duration, data=True):
        if not isinstance(data, (tuple, list)):
            level = bool(data)
            levels = [level ^ bool(n & 1) for n in range(len(duration))]
            durations = duration
        else:
            levels = data
            durations = [duration] * len(data) if isinstance(duration, int) else duration
            if len(durations) != len(levels):
                raise ValueError("duration and data must have same length")
        if not levels:
            raise ValueError("No pulses")
        # What repeats has to fit the channel's memory with its end.
        if self._loop and len(levels) > 94:
            raise ValueError("Too many pulses for loop")
        from array import array

        words = array("I", bytes(4 * (len(levels) // 2 + 1)))
        for n, level in enumerate(levels):
            words[n // 2] |= (durations[n] & 0x7FFF | (0x8000 if level else 0)) << (16 * (n & 1))
        if self._loop:
            _esp32.rmt_end_loop(self._id)
        self.wait_done(timeout=60000)
        _esp32.rmt_write(self._id, words, self._loop)
