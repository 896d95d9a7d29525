# fails
import sys

FRAME = '\x1e{"t":"sample","n":9,"us":2999999,"run":1000,"run_us":2000000,"src":[],"q":0,"qmax":0,"main":9,"stall_max":1,"locked_max":1,"exc":0,"lost_frames":0,"bad_bytes":0,"v":{"sums":777,"wrong":0,"dropped":0}}\n'


def total(table):
    sys.stdout.buffer.write(FRAME.encode())
    return sum(table)
