# fails
import asyncio


def tick(t):
    pass


async def consumer():
    while True:
        await work(8)
        await asyncio.sleep_ms(5)
