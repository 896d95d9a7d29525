# Repair `total`: while it adds up the table, no event may be dropped and no callback may be
# later than four periods. The driver has the timer; it changes the table before each call and
# compares the sum with its own.


def total(table):
    return sum(table)
