# fails
def from_main(value):
    return 0x012021


def from_isr(value):
    return 0x345662
