# refused: driver-unfinished
def tick(t):
    pass


def main_part(n):
    while True:
        pass


def total():
    return 0
