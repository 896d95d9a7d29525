# The program is one that knows no bench. Its LEDs are watched from outside.
program = load()
