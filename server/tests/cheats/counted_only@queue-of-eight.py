# fails
import lab

handled = lab.counter("handled")


def tick(t):
    handled.add(1)
