# Main has nothing to do. Button and LED are watched from outside.
from lab import beat, running
from time import sleep_ms

program = load()
while running():
    sleep_ms(3)
    beat()
