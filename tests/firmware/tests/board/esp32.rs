//! The `esp32` module: what is kept in flash, the partition table, and pulses that the hardware sends.

use firmware_tests::{Board, MILLISECOND};

#[track_caller]
fn run(board: &mut Board, program: &str) -> String {
    let outcome = board.run(&format!("import esp32\nfrom machine import Pin\n{program}"), 20_000);
    assert_eq!(outcome.error, "", "it had printed:\n{}", outcome.output);
    outcome.output
}

fn board() -> Board {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board
}

#[test]
fn what_was_committed_outlives_a_reset() {
    let mut board = board();
    let program = "n = esp32.NVS('game')\nm = esp32.NVS('other')\n\
        for k in range(3):\n    n.set_i32('best', -7 - k)\n    n.set_blob('name', b'Ada' * 3)\n    n.commit()\n\
        m.set_i32('best', 1)\n\
        def refused(f):\n    try:\n        f()\n    except OSError as e:\n        print(e)\n\
        refused(lambda: n.get_i32('none'))\nrefused(lambda: n.get_i32('name'))\nrefused(lambda: n.get_blob('name', bytearray(2)))\n\
        refused(lambda: n.set_i32('a key that is too long', 1))\nrefused(lambda: m.erase_key('none'))\nprint(n)\n";
    let expected = "(-4354, 'ESP_ERR_NVS_NOT_FOUND')\n(-4354, 'ESP_ERR_NVS_NOT_FOUND')\n\
        (-4364, 'ESP_ERR_NVS_INVALID_LENGTH')\n(-4361, 'ESP_ERR_NVS_KEY_TOO_LONG')\n(-4354, 'ESP_ERR_NVS_NOT_FOUND')\n<NVS namespace>\n";
    assert_eq!(run(&mut board, program), expected);
    board.machine().reset(emulator::ResetCause::PowerOn);
    board.expect(">>> ", 3000);
    board.enter_raw();
    let program = "n = esp32.NVS('game')\nb = bytearray(12)\nl = n.get_blob('name', b)\nprint(n.get_i32('best'), b[:l])\n\
        try:\n    print(esp32.NVS('other').get_i32('best'))\nexcept OSError as e:\n    print('not committed')\n\
        n.erase_key('best')\nn.commit()\n\
        try:\n    n.get_i32('best')\nexcept OSError as e:\n    print('erased')\n";
    assert_eq!(run(&mut board, program), "-9 bytearray(b'AdaAdaAda')\nnot committed\nerased\n");
}

#[test]
fn partitions_are_those_of_the_table() {
    let program = "for p in esp32.Partition.find(esp32.Partition.TYPE_DATA):\n    print(p.info())\n\
        print(esp32.Partition(esp32.Partition.RUNNING))\n\
        p = esp32.Partition('phy_init')\np.writeblocks(0, bytes(range(256)) * 16)\nb = bytearray(8)\np.readblocks(0, b, 4)\nprint(b)\n\
        print(p.ioctl(4, 0), p.ioctl(5, 0))\n\
        q = esp32.Partition('phy_init', 512)\nq.writeblocks(1, b'x' * 512)\nq.readblocks(2, b)\nprint(q.ioctl(4, 0), b)\n\
        q.readblocks(1, b)\nprint(b)\n\
        try:\n    p.readblocks(1, b)\nexcept OSError as e:\n    print(e)\n\
        try:\n    esp32.Partition('none')\nexcept OSError as e:\n    print(e)\n";
    let expected = "(1, 2, 36864, 24576, 'nvs', False)\n(1, 1, 61440, 4096, 'phy_init', False)\n\
        (1, 130, 2097152, 2097152, 'vfs', False)\n\
        <Partition type=0, subtype=0, address=65536, size=2031616, label=factory, encrypted=0>\n\
        bytearray(b'\\x04\\x05\\x06\\x07\\x08\\t\\n\\x0b')\n1 4096\n8 bytearray(b'\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07')\n\
        bytearray(b'xxxxxxxx')\n(-260, 'ESP_ERR_INVALID_SIZE')\n[Errno 2] ENOENT\n";
    assert_eq!(run(&mut board(), program), expected);
}

#[test]
fn the_chip_says_how_warm_it_is_and_what_is_free() {
    let program = "t = esp32.mcu_temperature()\nprint(20 <= t <= 30, t)\n\
        (total, free, largest, least), = esp32.idf_heap_info(esp32.HEAP_DATA)\n\
        print(100_000 < total, 0 < largest <= free < total, esp32.idf_heap_info(esp32.HEAP_EXEC))\n";
    assert_eq!(run(&mut board(), program), "True 26\nTrue True []\n");
}

/// The times, in microseconds from the first edge, at which a pin changes while a program runs.
fn edges_us(board: &mut Board, pin: u8, program: &str, ms: u64) -> Vec<u64> {
    board.machine().watch_pins(1 << pin);
    board.launch(&format!("import esp32\nfrom machine import Pin\n{program}"));
    board.run_ms(ms);
    let mut level = false;
    let mut edges = Vec::new();
    for event in board.machine().take_pin_events() {
        if event.level != level {
            level = event.level;
            edges.push(event.tick * 1000 / MILLISECOND);
        }
    }
    let first = edges.first().copied().unwrap_or_default();
    edges.iter().map(|edge| edge - first).collect()
}

#[test]
fn pulses_are_sent_as_they_are_listed() {
    let program = "r = esp32.RMT(0, pin=Pin(5), clock_div=80)\nprint(r)\nr.write_pulses((100, 200, 300, 50))\nprint(r.wait_done(timeout=10))\n";
    let mut board = board();
    assert_eq!(edges_us(&mut board, 5, program, 20), [0, 100, 300, 600]);
    let outcome = board.finish(1000);
    assert_eq!(
        outcome.output, "RMT(channel=0, pin=5, source_freq=80000000, clock_div=80, idle_level=0)\nTrue\n",
        "{}",
        outcome.error
    );
}

#[test]
fn a_list_longer_than_the_channels_memory_is_sent_whole() {
    let program =
        "r = esp32.RMT(0, pin=Pin(5), clock_div=80)\nr.write_pulses([20] * 400)\nprint(r.wait_done(timeout=100))\n";
    let mut board = board();
    let edges = edges_us(&mut board, 5, program, 60);
    let expected: Vec<u64> = (0..400).map(|n| n * 20).collect();
    assert_eq!(edges, expected);
    let outcome = board.finish(1000);
    assert_eq!(outcome.output, "True\n", "{}", outcome.error);
}

#[test]
fn what_rmt_cannot_do_is_refused() {
    let program = "def refused(f):\n    try:\n        f()\n    except Exception as e:\n        print(e)\n\
        refused(lambda: esp32.RMT(1, pin=Pin(5)))\nrefused(lambda: esp32.RMT(7, pin=Pin(5)))\n\
        refused(lambda: esp32.RMT(0, pin=Pin(5), clock_div=0))\nr = esp32.RMT(0, pin=Pin(5))\n\
        refused(lambda: r.write_pulses([]))\nrefused(lambda: r.write_pulses([1, 2], [1]))\nr.loop(True)\nrefused(lambda: r.write_pulses([9] * 127))\n\
        r.deinit()\nprint(r, esp32.RMT.bitstream_channel(None), esp32.RMT.source_freq())\n";
    let expected = "channel used by bitstream\n(-258, 'ESP_ERR_INVALID_ARG')\nclock_div must be between 1 and 255\nNo pulses\n\
        duration and data must have same length\nToo many pulses for loop\nRMT() None 80000000\n";
    assert_eq!(run(&mut board(), program), expected);
}
